"""Rights that no dry run asks for: foretold where the cloud can, else told to be unchecked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import httpx
import pytest

from bridge.sandbox.world import World
from tests.preflight.conftest import Ask

pytestmark = pytest.mark.asyncio(loop_scope="package")

Rights = Callable[..., None]
RULES: Final = ["compute.firewalls.create", "compute.firewalls.delete"]
SUSPEND: Final = "autoscaling:SuspendProcesses"


def template(world: World, action: str, target: dict[str, Any], key: str) -> dict[str, Any]:
    return {
        "description": action,
        "targets": {"Aim": {"selectionMode": "ALL", **target}},
        "actions": {
            "Act": {
                "actionId": action,
                "parameters": {"duration": "PT1M"},
                "targets": {key: "Aim"},
            }
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": world.estate.role_arn,
    }


def suspend(world: World) -> dict[str, Any]:
    group = {"resourceType": "aws:ec2:autoscaling-group", "resourceTags": {"chaos": "ready"}}
    return template(world, "aws:autoscaling:suspend-processes", group, "AutoScalingGroups")


def isolate(world: World) -> dict[str, Any]:
    instances = {
        "resourceType": "gcp:compute:instance",
        "resourceTags": {"chaos": "ready"},
        "parameters": {"project": world.gcp_estate.project, "zone": world.gcp_estate.zone},
    }
    return template(world, "gcp:compute:isolate-instances", instances, "Instances")


async def test_auto_scaling_is_unchecked_where_the_role_may_not_ask_iam(
    world: World, ask: Ask, rights: Rights
) -> None:
    rights("Deny", SUSPEND)
    found = await ask(suspend(world))
    (asked,) = [one for one in found.found if one.what == SUSPEND]
    assert asked.verdict.value == "cannot-check"
    assert "iam:SimulatePrincipalPolicy" in asked.reason


async def test_auto_scaling_is_certain_where_it_may(world: World, ask: Ask, rights: Rights) -> None:
    rights("Allow", "iam:SimulatePrincipalPolicy")
    assert (await ask(suspend(world))).verdicts(SUSPEND) == ["ok"]
    with denied(world):
        lost = (await ask(suspend(world))).missing()[SUSPEND]
    assert "explicitDeny" in lost.reason
    assert json.loads(lost.mend)["Statement"][0]["Action"] == SUSPEND


async def test_a_condition_that_iam_cannot_judge_denies_nothing(
    world: World, ask: Ask, rights: Rights
) -> None:
    rights("Allow", "iam:SimulatePrincipalPolicy")
    with denied(world, StringNotEquals={"aws:SourceVpc": "vpc-1"}):
        found = await ask(suspend(world))
    (asked,) = [one for one in found.found if one.what == SUSPEND]
    assert asked.verdict.value == "cannot-check"
    assert "aws:SourceVpc" in asked.reason


@contextmanager
def denied(world: World, **condition: dict[str, str]) -> Iterator[None]:
    """Deny the sandbox's role to suspend, as long as it lasts."""
    statement = {"Effect": "Deny", "Action": SUSPEND, "Resource": "*"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [statement | ({"Condition": condition} if condition else {})],
    }
    named = {"RoleName": "my-fis-role", "PolicyName": "denied"}
    with closing(world.client("iam")) as iam:
        iam.put_role_policy(**named, PolicyDocument=json.dumps(policy))
        try:
            yield
        finally:
            iam.delete_role_policy(**named)


async def test_what_google_grants_to_some_rules_only_is_unchecked_and_never_refused(
    world: World, ask: Ask
) -> None:
    account = world.gcp_estate.service_account
    held = set(_granted(world, account))
    assert (await ask(isolate(world))).verdicts(RULES[0]) == ["ok"]
    try:
        world.gcp.create_service_account(account, permissions=sorted(held - set(RULES)))
        found = await ask(isolate(world))
        assert found.missing() == {}
        for rule in RULES:
            assert found.verdicts(rule) == ["cannot-check"]
        (asked,) = [one for one in found.found if one.what == RULES[0]]
        assert "in all of the project" in asked.reason
        assert RULES[0] in asked.mend
        # A rule that is not there can be read by whoever may read rules, and by nobody else.
        world.gcp.create_service_account(
            account, permissions=sorted(held - {"compute.firewalls.get"})
        )
        assert set((await ask(isolate(world))).missing()) == {"compute.firewalls.get"}
    finally:
        world.gcp.create_service_account(account, permissions=sorted(held))


def _granted(world: World, account: str) -> list[str]:
    headers = {"Authorization": f"Bearer {world.gcp.owner_token}"}
    with httpx.Client(base_url=world.gcp.url, headers=headers) as client:
        asked = client.post(f"/v3/projects/{world.gcp.project}:getIamPolicy", json={})
        (role,) = [
            one["role"]
            for one in asked.json()["bindings"]
            if f"serviceAccount:{account}" in one["members"]
        ]
        found: list[str] = client.get(f"/v1/{role}").json()["includedPermissions"]
        return found
