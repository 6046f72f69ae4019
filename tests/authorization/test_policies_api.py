"""Policies in `/v1`: stored, attached, simulated; and the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.client import Client, RefusedError
from bridge.client.policies import AttachmentRequest, PolicyRequest, SimulationRequest
from bridge.model.moment import Micros
from iam.policy import Attachment, StoredPolicy
from iam.policy.attachment import MOST, read_attachment
from tests.authorization.conftest import ALICE, BOB, Building, House, allow, deny, document

LISTS = document(allow("fis:List*", Sid="Lists"))
ROLE_SESSION = "arn:aws:sts::123456789012:assumed-role/sre/session"


def test_a_policy_is_stored_attached_detached_and_deleted(house: House) -> None:
    with Client(house.url) as local, house.http(ALICE) as alice:
        made = local.put_policy("lists", PolicyRequest(document=LISTS, description="to list"))
        assert (made.origin, made.document, made.principals) == ("stored", LISTS, ())
        assert alice.get("/actions").status_code == 403
        local.attach_policy("lists", AttachmentRequest(principals=("arn:*:user/al*",)))
        assert alice.get("/actions").status_code == 200
        local.put_policy("lists", PolicyRequest(document=document(deny("*"))))
        assert local.policy("lists").principals == ("arn:*:user/al*",)
        assert alice.get("/actions").status_code == 403
        local.put_policy("lists", PolicyRequest(document=LISTS))
        left = local.detach_policy("lists", AttachmentRequest(principals=("arn:*:user/al*",)))
        assert left.principals == ()
        assert alice.get("/actions").status_code == 403
        gone = local.delete_policy("lists")
        assert gone.name == "lists"
        names = [one.name for one in local.policies().policies]
        assert names == [
            "FaultbridgeAdministrator",
            "FaultbridgeAuthor",
            "FaultbridgeOperator",
            "FaultbridgeViewer",
        ]


def test_a_built_in_policy_is_attached_to_a_group_and_to_a_role(house: House) -> None:
    with Client(house.url) as local:
        local.attach_policy("FaultbridgeViewer", AttachmentRequest(groups=("sre",)))
        with house.http(ALICE, groups="dev,sre") as alice, house.http(BOB, groups="dev") as bob:
            assert alice.get("/experiments").status_code == 200
            assert alice.put("/v1/lever", json={}).status_code in {400, 403}
            assert bob.get("/experiments").status_code == 403
        role = "arn:aws:iam::123456789012:role/sre"
        local.attach_policy("FaultbridgeOperator", AttachmentRequest(principals=(role,)))
        with house.http(ROLE_SESSION) as session:
            assert session.get("/experiments").status_code == 200
        shown = local.detach_policy("FaultbridgeOperator", AttachmentRequest(principals=(role,)))
        assert (shown.origin, shown.principals) == ("built-in", ())
        with house.http(ROLE_SESSION) as session:
            assert session.get("/experiments").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("PUT", "FaultbridgeViewer", {"document": LISTS}, 409, "is built in"),
        ("DELETE", "FaultbridgeViewer", None, 409, "is built in"),
        ("PUT", "a%2Fb", {"document": LISTS}, 400, "name: must be 1 to 128 letters"),
        ("PUT", "x" * 129, {"document": LISTS}, 400, "name: must be 1 to 128 letters"),
        ("PUT", "x", {}, 400, "document: is required"),
        ("PUT", "x", {"document": {}}, 400, "Version: must be"),
        ("PUT", "x", {"policy": LISTS}, 400, "policy: is not known here"),
        ("GET", "none", None, 404, "there is no policy"),
        ("DELETE", "none", None, 404, "there is no policy"),
        ("POST", "none/attach", {"groups": ["a"]}, 404, "there is no policy"),
        ("POST", "none/detach", {"groups": ["a"]}, 404, "there is no policy"),
        ("POST", "FaultbridgeViewer/attach", {"groups": ["a*"]}, 400, "groups are no patterns"),
        ("POST", "FaultbridgeViewer/attach", {"users": ["a"]}, 400, "users: is not known"),
        ("POST", "FaultbridgeViewer/attach", {"groups": [""]}, 400, "must be a list of texts"),
    ],
)
def test_a_refusal_says_what_to_write(
    *, method: str, path: str, body: Any, status: int, words: str, house: House
) -> None:
    with house.http() as local:
        answer = local.request(method, f"/v1/policies/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


def test_an_attachment_is_bounded(house: House) -> None:
    with Client(house.url) as local:
        local.attach_policy(
            "FaultbridgeViewer", AttachmentRequest(groups=tuple(f"g{n}" for n in range(MOST)))
        )
        with pytest.raises(RefusedError, match="the most is 200"):
            local.attach_policy("FaultbridgeViewer", AttachmentRequest(groups=("more",)))
    assert read_attachment({"groups": ["a", "a"]}, "") == Attachment(groups=("a",))


def _file(name: str, statements: dict[str, Any] | None, *principals: str) -> StoredPolicy:
    return StoredPolicy(name, "", statements, Attachment(tuple(principals)), Micros(0), Micros(0))


def test_policies_of_the_file_hold_and_cannot_be_changed_here(building: Building) -> None:
    house = building(
        policies={
            "FaultbridgeAdministrator": _file("FaultbridgeAdministrator", None, ALICE),
            "lists": _file("lists", LISTS, BOB),
        }
    )
    house.grant(BOB, allow("*"), name="lists")  # of the same name as one of the file: not in force
    with Client(house.url) as local, house.http(BOB) as bob, house.http(ALICE) as alice:
        assert bob.get("/actions").status_code == 200
        assert bob.get("/v1/lever").status_code == 403
        assert alice.get("/v1/lever").status_code == 200
        listed = {one.name: one for one in local.policies().policies}
        assert listed["lists"].origin == "file"
        assert listed["lists"].principals == (BOB,)
        assert local.policy("lists").document == LISTS
        assert listed["FaultbridgeAdministrator"].principals == (ALICE,)
        changes: list[Callable[[], object]] = [
            lambda: local.put_policy("lists", PolicyRequest(document=LISTS)),
            lambda: local.delete_policy("lists"),
            lambda: local.attach_policy("lists", AttachmentRequest(groups=("a",))),
        ]
        for change in changes:
            with pytest.raises(RefusedError, match="is in the policy file"):
                change()
        local.attach_policy("FaultbridgeAdministrator", AttachmentRequest(principals=(BOB,)))
        assert local.policy("FaultbridgeAdministrator").principals == (ALICE, BOB)
        assert bob.get("/v1/lever").status_code == 200


def test_a_simulation_explains_and_fills_in_what_is_stored(house: House, stored: str) -> None:
    arn = f"{house.arn}experiment-template/{stored}"
    block = {"StringEquals": {"aws:ResourceTag/team": "orders"}}
    house.grant(ALICE, allow("fis:StartExperiment", Sid="Own", Condition=block))
    with Client(house.url) as local:
        asked = SimulationRequest(principal=ALICE, action="fis:StartExperiment", resource=arn)
        found = local.simulate_policy(asked)
        assert (found.decision, found.by, found.policies) == ("implicitDeny", None, ("test",))
        assert found.near[0].reason == (
            'its condition StringEquals wants aws:ResourceTag/team "orders", it is "carts"'
        )
        assert found.context["faultbridge:templatedigest"][0].startswith("sha256:")
        with_tag = asked.model_copy(update={"context": {"aws:ResourceTag/team": ("orders",)}})
        allowed = local.simulate_policy(with_tag)
        assert (allowed.decision, allowed.by and allowed.by.statement) == ("allowed", "Own")
        nobody = local.simulate_policy(asked.model_copy(update={"principal": BOB}))
        assert "no policy is attached to" in nobody.explanation
        assert local.simulate_policy(asked.model_copy(update={"principal": "local"})).decision
        for wrong in ({"action": "fis:StartExperment"}, {"context": {"aws:SourceIP": ("x",)}}):
            if "context" in wrong:
                wrong = {"context": {"aws:SourceAddress": ("x",)}}  # noqa: PLW2901
            with pytest.raises(RefusedError, match="did you mean"):
                local.simulate_policy(asked.model_copy(update=wrong))
    assert house.audit() == []


def test_a_simulation_decides_as_the_request_itself(house: House) -> None:
    house.grant(ALICE, allow("fis:List*"), deny("fis:ListActions"))
    house.grant("arn:aws:iam::123456789012:role/sre", allow("fis:ListActions"), name="role")
    with Client(house.url) as local:
        for who in (ALICE, BOB, ROLE_SESSION, "system:serviceaccount:shop:carts", "oidc:x#y"):
            for action, path in (
                ("fis:ListActions", "/actions"),
                ("fis:ListExperiments", "/experiments"),
            ):
                said = local.simulate_policy(SimulationRequest(principal=who, action=action))
                with house.http(who) as client:
                    status = client.get(path).status_code
                assert (status == 200) is (said.decision == "allowed")


def test_a_simulation_knows_the_other_names_of_an_action(house: House) -> None:
    """As the request does: a Deny of either name is a Deny of the action."""
    names = ("gcp:compute:stop-instances", "aws:faultbridge:gcp/compute/stop-instances")
    for denied in names:
        arn = f"{house.arn}action/{denied}"
        house.grant(ALICE, allow("fis:GetAction"), deny("fis:GetAction", resource=arn))
        with Client(house.url) as local:
            for name in names:
                resource = f"{house.arn}action/{name}"
                said = local.simulate_policy(
                    SimulationRequest(principal=ALICE, action="fis:GetAction", resource=resource)
                )
                assert said.decision == "explicitDeny"


def test_a_simulation_sees_tags_that_differ_in_capitals_only(house: House, stored: str) -> None:
    arn = f"{house.arn}experiment-template/{stored}"
    block = {"StringEquals": {"aws:ResourceTag/env": "prod"}}
    house.grant(ALICE, allow("*"), deny("fis:Get*", Condition=block))
    asked = SimulationRequest(principal=ALICE, action="fis:GetExperimentTemplate", resource=arn)
    with Client(house.url) as local:
        for tags in ({"Env": "prod", "env": "test"}, {"env": "prod", "Env": "test"}):
            house.fis().tag_resource(resourceArn=arn, tags=tags)
            assert local.simulate_policy(asked).decision == "explicitDeny"
