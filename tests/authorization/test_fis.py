"""FIS's operations, asked by boto3 as callers with policies that users of FIS write."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.api.authorization.templates import digest
from iam.policy import Attachment, StoredPolicy
from tests.authorization.conftest import ALICE, BOB, House, allow, deny
from tests.fis_dialect.conftest import ROLE

STOP = "arn:aws:fis:*:*:action/aws:ec2:stop-instances"
WAIT = "arn:aws:fis:*:*:action/aws:fis:wait"
TEMPLATES = "arn:aws:fis:*:*:experiment-template/*"
RUNS = "arn:aws:fis:*:*:experiment/*"
PASS = allow(
    "iam:PassRole",
    resource=ROLE,
    Condition={"StringEquals": {"iam:PassedToService": "fis.amazonaws.com"}},
)
AUTHOR = (
    allow("fis:CreateExperimentTemplate", "fis:UpdateExperimentTemplate", resource=[TEMPLATES]),
    allow("fis:CreateExperimentTemplate", "fis:UpdateExperimentTemplate", resource=[STOP, WAIT]),
    allow("fis:TagResource", "fis:GetExperimentTemplate", resource=TEMPLATES),
    PASS,
)
STARTER = (allow("fis:StartExperiment", resource=[TEMPLATES, RUNS]),)


def refused(call: Any, **members: Any) -> str:
    """Return the words of a denial."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "AccessDeniedException", answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    return str(answer["Error"]["Message"])


def test_a_denial_has_iams_words(house: House, stored: str) -> None:
    alice = house.fis(ALICE)
    arn = f"{house.arn}experiment-template/{stored}"
    words = f"User: {ALICE} is not authorized to perform: fis:GetExperimentTemplate on resource: "
    assert refused(alice.get_experiment_template, id=stored) == (
        f"{words}{arn} because no identity-based policy allows the fis:GetExperimentTemplate action"
    )
    house.grant(ALICE, allow("*"), deny("fis:Get*"))
    assert refused(alice.get_experiment_template, id=stored) == (
        f"{words}{arn} with an explicit deny in an identity-based policy"
    )


def test_policies_of_the_user_guide_let_an_author_write_and_a_starter_start(
    house: House, template: dict[str, Any]
) -> None:
    house.grant(ALICE, *AUTHOR)
    house.grant(BOB, *STARTER, name="starter")
    alice, bob = house.fis(ALICE), house.fis(BOB)
    made = alice.create_experiment_template(clientToken="a", **template)["experimentTemplate"]
    alice.update_experiment_template(id=made["id"], description="better")
    run = bob.start_experiment(clientToken="b", experimentTemplateId=made["id"])["experiment"]
    assert "StopExperiment" in refused(bob.stop_experiment, id=run["id"])
    assert "StartExperiment" in refused(
        alice.start_experiment, clientToken="c", experimentTemplateId=made["id"]
    )
    house.grant(BOB, allow("fis:StopExperiment", resource=f"{house.arn}experiment/{run['id']}"))
    bob.stop_experiment(id=run["id"])


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (0, "experiment-template/EXT"),
        (1, "action/aws:ec2:stop-instances"),
        (2, "fis:TagResource"),
        (3, f"iam:PassRole on resource: {ROLE}"),
    ],
)
def test_an_author_needs_template_actions_tags_and_role(
    missing: int, named: str, house: House, template: dict[str, Any]
) -> None:
    house.grant(ALICE, *(one for place, one in enumerate(AUTHOR) if place != missing))
    words = refused(house.fis(ALICE).create_experiment_template, clientToken="a", **template)
    assert named in words
    assert house.run(house.bridge.store.templates(house.bridge.scope)) == []


def test_every_action_of_a_template_is_asked_for(house: House, template: dict[str, Any]) -> None:
    only_stop = [{**one, "Resource": [STOP]} if one is AUTHOR[1] else one for one in AUTHOR]
    house.grant(ALICE, *only_stop)
    words = refused(house.fis(ALICE).create_experiment_template, clientToken="a", **template)
    assert "fis:CreateExperimentTemplate on resource" in words
    assert "action/aws:fis:wait" in words


def test_a_role_is_passed_to_fis_only(house: House, template: dict[str, Any]) -> None:
    to_ec2 = allow(
        "iam:PassRole",
        Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )
    house.grant(ALICE, *AUTHOR[:3], to_ec2)
    words = refused(house.fis(ALICE).create_experiment_template, clientToken="a", **template)
    assert "iam:PassRole" in words


def test_an_update_needs_the_role_that_the_template_has_though_it_does_not_name_it(
    house: House, stored: str
) -> None:
    """Or an author could have his actions carried out by a role that he may not pass."""
    house.grant(ALICE, *AUTHOR[:3])
    alice = house.fis(ALICE)
    words = refused(alice.update_experiment_template, id=stored, description="mine")
    assert f"iam:PassRole on resource: {ROLE}" in words


def test_an_update_needs_the_actions_that_it_keeps(house: House, stored: str) -> None:
    house.grant(ALICE, AUTHOR[0], PASS, allow("fis:UpdateExperimentTemplate", resource=[WAIT]))
    words = refused(house.fis(ALICE).update_experiment_template, id=stored, description="harmless")
    assert "action/aws:ec2:stop-instances" in words


def test_who_may_start_may_not_start_what_is_denied_to_him_by_name(
    house: House, stored: str
) -> None:
    bob = house.fis(BOB)
    start = {"clientToken": "b", "experimentTemplateId": stored}
    house.grant(BOB, *STARTER, deny("fis:*", resource=STOP))
    assert "action/aws:ec2:stop-instances with an explicit deny" in refused(
        bob.start_experiment, **start
    )
    house.grant(BOB, *STARTER, deny("iam:PassRole", resource=ROLE))
    assert "iam:PassRole" in refused(bob.start_experiment, **start)
    house.grant(BOB, *STARTER)
    bob.start_experiment(**start)


def test_a_template_that_is_updated_after_its_approval_does_not_start(
    house: House, stored: str
) -> None:
    def approved() -> str:
        template = house.run(house.bridge.store.template(house.bridge.scope, stored))
        return digest(template)

    pinned = allow(
        "fis:StartExperiment",
        resource=f"{house.arn}experiment-template/{stored}",
        Condition={"StringEquals": {"faultbridge:TemplateDigest": approved()}},
    )
    house.grant(BOB, pinned, allow("fis:StartExperiment", resource=RUNS))
    bob, local = house.fis(BOB), house.fis()
    bob.start_experiment(clientToken="1", experimentTemplateId=stored)
    local.tag_resource(resourceArn=f"{house.arn}experiment-template/{stored}", tags={"a": "b"})
    bob.start_experiment(clientToken="2", experimentTemplateId=stored)
    before = approved()
    local.update_experiment_template(id=stored, description="what it does is the same")
    local.update_experiment_template(
        id=stored,
        actions={
            "kill": {
                "actionId": "aws:ec2:terminate-instances",
                "targets": {"Instances": "carts"},
            }
        },
    )
    assert approved() != before
    words = refused(bob.start_experiment, clientToken="3", experimentTemplateId=stored)
    assert f"experiment-template/{stored} because no" in words


def test_tags_of_the_object_and_of_the_request_decide(
    house: House, stored: str, template: dict[str, Any]
) -> None:
    own = {"StringEquals": {"aws:ResourceTag/team": "carts"}}
    house.grant(ALICE, allow("fis:GetExperimentTemplate", Condition=own))
    alice, local = house.fis(ALICE), house.fis()
    assert alice.get_experiment_template(id=stored)
    other = local.create_experiment_template(
        clientToken="o", **{**template, "tags": {"team": "orders"}}
    )["experimentTemplate"]["id"]
    assert "GetExperimentTemplate" in refused(alice.get_experiment_template, id=other)
    assert "GetExperimentTemplate" in refused(alice.get_experiment_template, id="EXTnone")

    house.grant(
        ALICE,
        allow("fis:TagResource", Condition={"StringEquals": {"aws:RequestTag/env": "test"}}),
        allow(
            "fis:UntagResource",
            Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["env"]}},
        ),
    )
    arn = f"{house.arn}experiment-template/{stored}"
    alice.tag_resource(resourceArn=arn, tags={"env": "test"})
    assert "TagResource" in refused(alice.tag_resource, resourceArn=arn, tags={"env": "prod"})
    alice.untag_resource(resourceArn=arn, tagKeys=["env"])
    assert "UntagResource" in refused(
        alice.untag_resource, resourceArn=arn, tagKeys=["env", "team"]
    )


def test_a_tag_in_other_capitals_does_not_hide_one(house: House, stored: str) -> None:
    local, alice = house.fis(), house.fis(ALICE)
    arn = f"{house.arn}experiment-template/{stored}"
    house.grant(
        ALICE,
        allow("*"),
        deny("fis:Get*", Condition={"StringEquals": {"aws:ResourceTag/env": "prod"}}),
    )
    for tags in ({"Env": "prod", "env": "test"}, {"env": "prod", "Env": "test"}):
        local.tag_resource(resourceArn=arn, tags=tags)
        refused(alice.get_experiment_template, id=stored)
        local.untag_resource(resourceArn=arn, tagKeys=list(tags))
    assert alice.get_experiment_template(id=stored)


def test_addresses_and_times_decide(house: House) -> None:
    alice = house.fis(ALICE)
    for block, allowed in (
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/alice"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, True),
        ({"StringEquals": {"faultbridge:PrincipalKind": "oidc"}}, False),
    ):
        house.grant(ALICE, allow("fis:ListActions", Condition=block))
        if allowed:
            assert alice.list_actions()["actions"]
        else:
            refused(alice.list_actions)


def test_the_arn_of_a_session_in_a_condition_is_its_roles(house: House) -> None:
    session = "arn:aws:sts::123456789012:assumed-role/sre/alice"
    is_sre = {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/sre"}}
    house.grant("*", allow("fis:ListActions", Condition=is_sre))
    assert house.fis(session).list_actions()["actions"]
    refused(house.fis(session.replace("sre", "dev")).list_actions)


def test_lists_are_allowed_on_everything_or_not_at_all(house: House, stored: str) -> None:
    """As in FIS, whose lists know no resource."""
    alice = house.fis(ALICE)
    house.grant(ALICE, allow("fis:ListExperimentTemplates", resource=TEMPLATES))
    assert "on resource: * because" in refused(alice.list_experiment_templates)
    house.grant(ALICE, allow("fis:ListExperimentTemplates"))
    assert len(alice.list_experiment_templates()["experimentTemplates"]) == 1


def test_an_alias_is_the_action_that_it_stands_for(house: House) -> None:
    alice = house.fis(ALICE)
    real = f"{house.arn}action/gcp:compute:stop-instances"
    alias = f"{house.arn}action/aws:faultbridge:gcp/compute/stop-instances"
    names = ("gcp:compute:stop-instances", "aws:faultbridge:gcp/compute/stop-instances")
    for known in (real, alias):
        house.grant(ALICE, allow("fis:GetAction", resource=known))
        for name in names:
            assert alice.get_action(id=name)
        house.grant(ALICE, allow("fis:GetAction"), deny("fis:GetAction", resource=known))
        for name in names:
            refused(alice.get_action, id=name)


def test_without_authentication_everything_is_allowed_and_nothing_logged(
    house: House, stored: str
) -> None:
    house.grant("*", deny("*"))
    local = house.fis()
    assert local.list_actions()["actions"]
    assert local.get_experiment_template(id=stored)
    assert house.audit() == []


def test_a_change_of_a_policy_holds_with_the_next_request(house: House) -> None:
    alice = house.fis(ALICE)
    refused(alice.list_actions)
    house.grant(ALICE, allow("fis:ListActions"))
    assert alice.list_actions()["actions"]
    house.run(house.bridge.store.change_policy(house.bridge.scope, "test", lambda _: None))
    refused(alice.list_actions)


def test_a_stored_policy_that_cannot_be_read_any_more_denies(house: House) -> None:
    house.grant(ALICE, allow("fis:ListActions"), name="good")
    alice = house.fis(ALICE)
    assert alice.list_actions()["actions"]
    house.grant(ALICE, allow("fis:ActionOfANewerVersion"), name="bad")
    assert "explicit deny" in refused(alice.list_actions)


def test_a_built_in_policy_of_another_version_denies(house: House) -> None:
    """It is in the database after a step back to a version that has not got it."""
    house.grant(ALICE, allow("fis:ListActions"), name="good")
    unknown = StoredPolicy(
        "FaultbridgeOfTomorrow", "", None, Attachment((ALICE,)), house.now, house.now
    )
    change = house.bridge.store.change_policy
    house.run(change(house.bridge.scope, unknown.name, lambda _: unknown))
    assert "explicit deny" in refused(house.fis(ALICE).list_actions)


def test_an_action_template_is_denied_to_readers_in_all_its_versions(house: House) -> None:
    every = f"{house.arn}action/k8s:action-template/network-delay"
    house.grant(ALICE, allow("fis:GetAction"), deny("fis:GetAction", resource=every))
    alice = house.fis(ALICE)
    assert alice.get_action(id="aws:fis:wait")
    refused(alice.get_action, id="k8s:action-template/network-delay@1")
