"""IsolateVms: cut off by a security group of the run's own, and given back as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.model.record import Record
from bridge.sandbox.azure import AzureEmulator
from bridge.sandbox.azure.inventory import interface
from providers.azure.ids import SECURITY_GROUP, ResourceId
from providers.azure.isolation import IsolateVms
from providers.azure.operations import Begun
from providers.azure.provider import AzureProvider
from providers.azure.session import AzureSession
from providers.contract import Caller, Mark, Outcomes, Resource
from tests.azure_faults.conftest import Calls
from tests.azure_faults.records import EXPERIMENT, PLAN, ROLE, SCOPE, kinds, records_of, vm_id

FAULT = IsolateVms()
FIVE = FAULT.Parameters.model_validate({"duration": "PT5M"})
MARK = Mark("lab", EXPERIMENT, "act", FAULT.id, None, ROLE)
CUT = frozenset({"Inbound", "Outbound"})


@pytest.fixture
def machines(azure: AzureEmulator) -> list[str]:
    """One machine with a security group of its own, and one without."""
    for name in ("web", "db"):
        azure.add_vm(name)
    azure.add_security_group("own", vm="web")
    return ["web", "db"]


async def undone(
    session: AzureSession, azure: AzureEmulator, records: Sequence[Record]
) -> Outcomes:
    """Revert as the engine would, until Azure has carried it all out."""
    for _ in range(3):
        await FAULT.revert(session, records)
        azure.complete_transitions()
    return await FAULT.revert(session, records)


def test_groups_come_first_and_machines_depend_on_them() -> None:
    resources = [
        Resource("azure:compute:vm", vm_id(name), {"location": location})
        for name, location in (("a", "eastus"), ("b", "westeurope"), ("c", "eastus"))
    ]
    subjects = FAULT.subjects(FIVE, resources, PLAN)
    groups = [one.resource for one in subjects[:2]]
    assert {ResourceId.of(one).kind for one in groups} == {SECURITY_GROUP}
    assert all(len(ResourceId.of(one).name) == 29 for one in groups)
    assert [one.touches for one in subjects[2:]] == [(groups[0],), (groups[1],), (groups[0],)]
    assert FAULT.subjects(FIVE, resources, PLAN) == subjects


def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the interfaces' bodies as they are sent from now on."""
    bodies: list[dict[str, Any]] = []
    begin = AzureSession.begin

    async def kept(self: AzureSession, *given: Any, **options: Any) -> Begun:
        if given[2] == "network_interfaces.create_or_update":
            bodies.append(given[-1])
        return await begin(self, *given, **options)

    monkeypatch.setattr(AzureSession, "begin", kept)
    return bodies


async def test_machines_are_cut_off_and_given_back(
    session: AzureSession,
    machines: list[str],
    azure: AzureEmulator,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = [azure.interface(name)["properties"] for name in machines]
    groups = azure.security_groups()
    records = records_of(FAULT, [vm_id(name) for name in machines])
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, FIVE, records), records) == ["done"] * 3
    bodies = sent(monkeypatch)
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 3
    await FAULT.mark(session, MARK, records)
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["pending"] * 3
    assert kinds(await FAULT.observe(session, records), records) == ["applying"] * 3
    azure.complete_transitions()
    calls()
    again = kinds(await FAULT.inject(session, FIVE, records), records)
    assert again == ["pending", "done", "done"]
    assert calls("NetworkInterfaces_CreateOrUpdate") == []
    azure.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 3
    assert [azure.isolated(name) for name in machines] == [CUT, CUT]

    calls()
    assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 3
    assert "NetworkSecurityGroups_Delete" not in calls()
    assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 3
    azure.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["pending", "done", "done"]
    azure.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 3
    assert [azure.interface(name)["properties"] for name in machines] == before
    # An empty reference is none to Azure: an interface without a group has no such member.
    given = [body["properties"].get("networkSecurityGroup") for body in bodies]
    assert [group for group in given if group is None or not group["id"]] == [None]
    assert [azure.isolated(name) for name in machines] == [frozenset()] * 2
    assert azure.security_groups() == groups


async def test_an_interface_that_fails_late_is_noticed_and_undone(
    session: AzureSession, machines: list[str], azure: AzureEmulator
) -> None:
    records = records_of(FAULT, [vm_id("web")])
    await FAULT.prepare(session, FIVE, records)
    azure.fail_late(operation="NetworkInterfaces_CreateOrUpdate", error="NicFailed")
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    for record in records:
        record.accepted = True
    seen = await FAULT.observe(session, records)
    assert kinds(seen, records) == ["present", "failed"]
    assert "NicFailed" in seen[records[1].id].reason
    outcomes = await undone(session, azure, records)
    assert kinds(outcomes, records) == ["done"] * 2
    assert azure.interface("web")["properties"]["provisioningState"] == "Succeeded"


async def test_a_refused_security_group_refuses_its_machines(
    session: AzureSession, machines: list[str], azure: AzureEmulator
) -> None:
    records = records_of(FAULT, [vm_id(name) for name in machines])
    await FAULT.prepare(session, FIVE, records)
    azure.fail(
        operation="NetworkSecurityGroups_CreateOrUpdate",
        error="RequestDisallowedByPolicy",
        status=403,
    )
    outcomes = await FAULT.inject(session, FIVE, records)
    assert kinds(outcomes, records) == ["rejected"] * 3
    assert "its security group: Azure refused" in outcomes[records[1].id].reason


async def test_what_somebody_else_put_on_meanwhile_stays(
    session: AzureSession, machines: list[str], azure: AzureEmulator
) -> None:
    records = records_of(FAULT, [vm_id("web")])
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    azure.add_security_group("newer", vm="web")
    assert kinds(await FAULT.revert(session, records), records) == ["pending", "done"]
    group = azure.interface("web")["properties"]["networkSecurityGroup"]["id"]
    assert group.endswith("/newer")


async def test_the_network_is_given_back_from_the_marks_alone(
    session: AzureSession, provider: AzureProvider, machines: list[str], azure: AzureEmulator
) -> None:
    before = azure.snapshot()
    records = records_of(FAULT, [vm_id(name) for name in machines])
    await FAULT.prepare(session, FIVE, records)
    assert kinds(await FAULT.mark(session, MARK, records), records) == ["done"] * 3
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    found = (await provider.find_marks(Caller(SCOPE, None, "reader", "lab"))).found
    assert [one.problem for one in found] == [""] * 3
    rebuilt = sorted((one.record for one in found), key=lambda one: one.resource)
    expected = sorted(records, key=lambda one: one.resource)
    assert [one.resource for one in rebuilt] == [one.resource for one in expected]
    assert [one.touches for one in rebuilt] == [one.touches for one in expected]
    outcomes = await undone(session, azure, rebuilt)
    assert set(kinds(outcomes, rebuilt)) == {"done"}
    assert set(kinds(await FAULT.unmark(session, MARK, rebuilt), rebuilt)) == {"done"}
    assert azure.snapshot() == before


async def test_a_machine_that_is_gone_leaves_its_interface_to_be_restored(
    session: AzureSession, machines: list[str], azure: AzureEmulator
) -> None:
    records = records_of(FAULT, [vm_id("db")])
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    azure.remove_vm("db")
    outcomes = await undone(session, azure, records)
    assert kinds(outcomes, records) == ["done", "done"]


async def test_a_machine_of_which_one_interface_is_missed_is_not_called_isolated(
    session: AzureSession, machines: list[str], azure: AzureEmulator
) -> None:
    second = interface(azure._cloud, "sandbox", "db-nic-2", location="eastus")
    profile = azure._cloud.get(vm_id("db")).properties["networkProfile"]
    profile["networkInterfaces"].append({"id": second.id})
    records = records_of(FAULT, [vm_id("db")])
    await FAULT.prepare(session, FIVE, records)
    assert len(records[1].state["interfaces"]) == 2
    # The second write is refused when the first has been made: not "certainly nothing".
    second.body["location"] = "westeurope"
    azure._cloud.get(second.id).properties["ipConfigurations"] = []
    outcomes = await FAULT.inject(session, FIVE, records)
    assert kinds(outcomes, records) == ["pending", "unknown"]
    azure.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present", "failed"]
    outcomes = await undone(session, azure, records)
    assert kinds(outcomes, records) == ["done"] * 2
    assert azure.isolated("db") == frozenset()
