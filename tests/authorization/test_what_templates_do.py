"""A template is asked for as what it does in the end, however that is written."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.api.authorization.access import Ask
from bridge.api.authorization.templates import creating, digest, starting
from bridge.catalog import Catalog
from bridge.dialects.fis import parse_template
from bridge.model.moment import Micros
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from iam.policy import Outcome, evaluate, read_policy
from tests.authorization.conftest import allow, deny, document
from tests.catalog.test_cloud_chaos import CLUSTER, SCOPE, action
from tests.chaos_specs.test_cloud_kinds import AWS
from tests.fis_dialect.conftest import ROLE

ARN = "arn:aws:fis:us-east-1:123456789012:"
INJECT = f"{ARN}action/aws:eks:inject-kubernetes-custom-resource"
STOP = f"{ARN}action/aws:ec2:stop-instances"
BASE = (
    allow("fis:CreateExperimentTemplate", resource="arn:aws:fis:*:*:experiment-template/*"),
    allow("iam:PassRole"),
)


def template(actions: dict[str, Any], targets: dict[str, Any]) -> ExperimentTemplate:
    written = {
        "description": "a test",
        "roleArn": ROLE,
        "stopConditions": [{"source": "none"}],
        "actions": actions,
        "targets": targets,
    }
    parsed = parse_template(written, template_id="EXT1", scope=SCOPE, now=Micros(0))
    assert parsed.template is not None, parsed.problems
    made, problems = Catalog(Settings()).examine(parsed.template)
    assert [str(one) for one in problems if one.severity == "error"] == []
    return made


def chaos() -> ExperimentTemplate:
    """A custom resource that the bridge carries out itself, as a fault of EC2."""
    return template({"break": action("AWSChaos", AWS)}, {})


def by_action_template(reference: str = "aws:faultbridge:template/cpu-stress") -> Any:
    one = {
        "actionId": reference,
        "parameters": {"namespace": "sock-shop", "labels": "name=carts"},
        "targets": {"Cluster": "cluster"},
    }
    return template({"stress": one}, {"cluster": CLUSTER})


def missing(asks: list[Ask], *statements: dict[str, Any]) -> list[str]:
    """Return the resources that a policy's holder is refused."""
    policy = read_policy(document(*statements), name="p").policy
    found = []
    for ask in asks:
        decision = evaluate([policy], ask.request({}))
        denied = decision.outcome is Outcome.EXPLICIT_DENY
        if denied if ask.unless_denied else not decision.allowed:
            found.append(ask.resource)
    return found


def test_a_resource_that_becomes_a_fault_of_a_cloud_needs_the_right_to_that_fault() -> None:
    asks = creating(chaos())
    create = "fis:CreateExperimentTemplate"
    assert missing(asks, *BASE, allow(create, resource=INJECT)) == [STOP]
    assert missing(asks, *BASE, allow(create, resource=STOP)) == [INJECT]
    assert missing(asks, *BASE, allow(create, resource=[INJECT, STOP])) == []


def test_who_is_denied_a_fault_cannot_start_it_as_a_resource_of_others() -> None:
    asks = starting(chaos(), "EXP1", {})
    everything = allow("*")
    assert missing(asks, everything) == []
    assert missing(asks, everything, deny("fis:*", resource=STOP)) == [STOP]
    assert missing(asks, everything, deny("fis:StartExperiment", resource=INJECT)) == [INJECT]


@pytest.mark.parametrize(
    "named",
    [
        "aws:faultbridge:template/cpu-stress",
        "aws:faultbridge:template/cpu-stress/1",
        "k8s:action-template/cpu-stress",
        "k8s:action-template/cpu-stress@1",
        "k8s:action-template/*",
    ],
)
def test_an_action_template_may_be_used_by_who_may_not_inject_what_he_likes(named: str) -> None:
    asks = creating(by_action_template())
    create = "fis:CreateExperimentTemplate"
    assert missing(asks, *BASE, allow(create, resource=f"{ARN}action/{named}")) == []
    assert missing(asks, *BASE) == [f"{ARN}action/aws:faultbridge:template/cpu-stress/1"]
    other = allow(create, resource=f"{ARN}action/{named.replace('cpu', 'io')}")
    if not named.endswith("*"):
        assert missing(asks, *BASE, other) != []


def test_a_version_of_an_action_template_is_not_another_one() -> None:
    asks = creating(by_action_template())
    second = allow(
        "fis:CreateExperimentTemplate", resource=f"{ARN}action/k8s:action-template/cpu-stress@2"
    )
    assert missing(asks, *BASE, second) != []


def test_what_an_action_template_comes_to_can_be_denied_by_name() -> None:
    for asks in (creating(by_action_template()), starting(by_action_template(), "EXP1", {})):
        final = [ask.resource for ask in asks if "inject" in ask.resource]
        assert final
        assert missing(asks, allow("*"), deny("fis:*", resource=final[0])) == final


def test_the_digest_is_of_what_is_done_and_as_whom() -> None:
    one = chaos()
    same = one.model_copy(update={"id": "EXT2", "tags": {"a": "b"}, "updated_at": Micros(7)})
    assert digest(same) == digest(one)
    assert digest(one).startswith("sha256:")
    for change in ({"identity": ROLE + "x"}, {"stop_conditions": ()}, {"description": "x"}):
        assert digest(one.model_copy(update=change)) != digest(one)
    two = chaos()
    assert digest(two) == digest(one)
    assert digest(by_action_template()) != digest(one)
