"""Every fault runs with exactly its grants; one that is missing is told before the first fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from bridge.catalog.entries import canonical
from bridge.catalog.grants import chosen
from bridge.catalog.needs import Need, Who
from providers import registry
from tests.grants.house import House, house
from tests.grants.test_sufficiency import began, named

LATE: Final = {
    # Google can be asked about them for a whole project only, where a narrower grant does not show.
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.networks.updatePolicy",
    "compute.instanceGroupManagers.update",
}
"""Required rights of which nobody can be sure beforehand: they are told to be unchecked."""
_TAGS: Final = {"chaos": "ready"}


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(tmp_path, monkeypatch) as found:
        yield found


def target(sandbox: House, action: str) -> dict[str, Any] | None:
    """Return a target of the estate for an action."""
    world, spec = sandbox.world, registry.fault(action).target
    if spec is None:
        return None
    kind = spec.resource_type
    found: dict[str, Any] = {"resourceType": kind, "selectionMode": "COUNT(1)"}
    if action == "aws:autoscaling:terminate-instances":
        return found | {"resourceTags": {"aws:autoscaling:groupName": "web"}}
    if action.endswith("managed-instances"):
        group = world.gcp_estate.group_name
        return found | {"parameters": {"instanceGroupManager": group}}
    if kind == "azure:compute:scale-set-instance":
        return found | {"parameters": {"scaleSet": world.azure_estate.scale_set_id}}
    found["resourceTags"] = _TAGS
    if kind.startswith("gcp:"):
        place = {"project": world.gcp_estate.project, "zone": world.gcp_estate.zone}
        found["parameters"] = place
    if kind.startswith("azure:"):
        estate = world.azure_estate
        found["parameters"] = {
            "subscription": estate.subscription,
            "resourceGroup": estate.resource_group,
        }
    return found


def document(sandbox: House, action: str) -> dict[str, Any]:
    """Return a template with one action."""
    fault, aimed = registry.fault(action), target(sandbox, action)
    fields = type(fault).Parameters.model_fields
    parameters = {}
    if "duration" in fields:
        parameters["duration"] = "PT2S"
    if "start_instances_after_duration" in fields:
        parameters["startInstancesAfterDuration"] = "PT2S"
    if action == "aws:cloudwatch:assert-alarm-state":
        parameters = {"alarmArns": sandbox.world.estate.alarm_arn, "alarmStates": "OK"}
    made: dict[str, Any] = {
        "description": action,
        "targets": {},
        "actions": {"Act": {"actionId": action, "parameters": parameters}},
        "stopConditions": [{"source": "none"}],
        "roleArn": sandbox.world.estate.role_arn,
    }
    if aimed is not None and fault.target is not None:
        made["targets"] = {"Aim": aimed}
        made["actions"]["Act"]["targets"] = {fault.target.key: "Aim"}
    return made


@pytest.mark.parametrize(
    "cloud",
    ["aws", *(pytest.param(cloud, marks=pytest.mark.slow) for cloud in ("gcp", "azure"))],
)
async def test_a_fault_runs_with_its_grants_and_with_no_fewer(sandbox: House, cloud: str) -> None:
    wrong: list[str] = []
    for action in registry.FAULTS:
        if not action.startswith(cloud) or registry.fault(action).provider != cloud:
            continue
        assert canonical(action) == action
        written = document(sandbox, action)
        needs, told = await sandbox.needs(written)
        granted = chosen(needs)
        for missing in granted:
            if not missing.required or missing.who is Who.READER:
                continue
            await sandbox.grant([one for one in granted if one is not missing], told)
            complaint = await without(sandbox, written, missing)
            wrong += [f"{action} without {missing.permission}: {complaint}"] if complaint else []
        await sandbox.grant(granted, told)
        late = {one.permission for one in granted} & LATE
        wrong += [
            f"{action}: preflight does not find {one}"
            for one in sorted(late)
            if await sandbox.verdict(written, one) != "ok"
        ]
        found = await sandbox.run(written)
        if found.status.value != "completed":
            wrong.append(f"{action}: {found.status.value} {found.failure}")
    assert not wrong, "\n".join(wrong)


async def without(sandbox: House, written: dict[str, Any], missing: Need) -> str:
    """Return what is wrong with how a missing right is told; empty where nothing is."""
    if missing.permission in LATE:
        verdict = await sandbox.verdict(written, missing.permission)
        return "" if verdict == "cannot-check" else f"preflight says {verdict}"
    found = await sandbox.run(written)
    refused = found.status.value == "failed" and named(missing, found)
    if refused and not began(found):
        return ""
    said = [one.reason for one in (found.failure, *found.errors) if one]
    return f"{found.status.value} {said}"
