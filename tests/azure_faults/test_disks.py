"""DetachDisks: detached, seen, and attached again with every setting as it was."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.azure import AzureEmulator
from providers.azure.disks import DetachDisks
from providers.azure.session import AzureSession
from providers.contract import Resource, Undo
from tests.azure_faults.conftest import Calls
from tests.azure_faults.records import disk_id, kinds, records_of, vm_id

FAULT = DetachDisks()
FIVE = FAULT.Parameters.model_validate({"duration": "PT5M"})


@pytest.fixture
def machine(azure: AzureEmulator) -> str:
    """A machine with two data disks of unlike settings."""
    azure.add_vm("web")
    azure.add_disk("data-0", vm="web", lun=3, caching="ReadWrite", deleteOption="Delete")
    azure.add_disk("data-1", vm="web", lun=0, caching="None", writeAcceleratorEnabled=True)
    return "web"


def attached(azure: AzureEmulator, vm: str = "web") -> list[dict[str, Any]]:
    disks: list[dict[str, Any]] = azure.vm(vm)["properties"]["storageProfile"]["dataDisks"]
    return sorted(disks, key=lambda one: str(one["name"]))


async def test_disks_come_back_as_they_were_in_one_call_each_way(
    session: AzureSession, machine: str, azure: AzureEmulator, calls: Calls
) -> None:
    assert FAULT.undo(FIVE) is Undo.RESTORES
    before = attached(azure)
    records = records_of(FAULT, [disk_id("data-0"), disk_id("data-1")])
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, FIVE, records), records) == ["done"] * 2
    canonical = vm_id(machine)
    assert {record.touches for record in records} == {(canonical,)}
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 2
    calls()
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["pending"] * 2
    assert calls() == ["VirtualMachines_AttachDetachDataDisks"]
    assert kinds(await FAULT.observe(session, records), records) == ["applying"] * 2
    assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 2
    azure.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 2
    assert attached(azure) == []
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["done"] * 2

    calls()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 2
    sent = calls("VirtualMachines_AttachDetachDataDisks")
    assert sent == ["VirtualMachines_AttachDetachDataDisks"]
    assert kinds(await FAULT.observe(session, records), records) == ["lifting"] * 2
    azure.complete_transitions()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 2
    assert attached(azure) == before


async def test_what_cannot_be_put_back_is_not_detached(
    session: AzureSession, machine: str, azure: AzureEmulator
) -> None:
    azure.add_disk("free")
    azure.add_disk("shared", vm=machine, lun=5)
    azure._cloud.get(disk_id("shared")).properties["maxShares"] = 2
    system = azure.vm(machine)["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    names = ["free", "shared", "ghost"]
    records = records_of(FAULT, [*map(disk_id, names), disk_id(system.rpartition("/")[2].lower())])
    outcomes = await FAULT.prepare(session, FIVE, records)
    assert kinds(outcomes, records) == ["left", "rejected", "gone", "rejected"]
    assert "maxShares" in outcomes[records[1].id].reason
    assert "OS disk of web" in outcomes[records[3].id].reason


async def test_one_that_is_gone_does_not_hold_up_the_others(
    session: AzureSession, machine: str, azure: AzureEmulator
) -> None:
    azure.add_vm("db")
    azure.add_disk("data-2", vm="db")
    records = records_of(FAULT, [disk_id(f"data-{n}") for n in range(3)])
    await FAULT.prepare(session, FIVE, records)
    azure._cloud.get(vm_id(machine)).properties["storageProfile"]["dataDisks"] = [
        one for one in attached(azure) if one["name"] != "data-1"
    ]
    azure.remove_disk("data-1")
    outcomes = kinds(await FAULT.inject(session, FIVE, records), records)
    assert (outcomes[0], outcomes[2]) == ("pending", "pending")
    azure.complete_transitions()
    azure.remove_vm("db")
    outcomes = kinds(await FAULT.revert(session, records), records)
    assert outcomes == ["pending", "gone", "gone"]


async def test_a_disk_that_went_elsewhere_is_not_torn_away(
    session: AzureSession, machine: str, azure: AzureEmulator
) -> None:
    records = records_of(FAULT, [disk_id("data-0")])
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    azure.add_vm("thief")
    azure._cloud.get(disk_id("data-0")).body["managedBy"] = vm_id("thief")
    assert kinds(await FAULT.observe(session, records), records) == ["present"]
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "goes back to web at LUN 3" in outcomes[records[0].id].reason


async def test_a_disk_that_came_back_otherwise_is_not_called_restored(
    session: AzureSession, machine: str, azure: AzureEmulator
) -> None:
    records = records_of(FAULT, [disk_id("data-0")])
    await FAULT.prepare(session, FIVE, records)
    azure._cloud.get(vm_id(machine)).properties["storageProfile"]["dataDisks"][0]["lun"] = 9
    assert kinds(await FAULT.observe(session, records), records) == ["present"]
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "with other settings" in outcomes[records[0].id].reason


async def test_what_fails_late_is_told_and_tried_again(
    session: AzureSession, machine: str, azure: AzureEmulator
) -> None:
    operation = "VirtualMachines_AttachDetachDataDisks"
    records = records_of(FAULT, [disk_id("data-0")])
    await FAULT.prepare(session, FIVE, records)
    azure.fail_late(operation=operation, error="DetachFailed")
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["failed"]
    await FAULT.inject(session, FIVE, records)
    azure.complete_transitions()
    azure.fail_late(operation=operation, error="AttachFailed")
    await FAULT.revert(session, records)
    azure.complete_transitions()
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "AttachFailed" in outcomes[records[0].id].reason
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    azure.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"]


async def test_rights_are_asked_for_where_disk_and_machine_are(
    session: AzureSession, machine: str, allow: Any
) -> None:
    resources = [Resource("azure:compute:disk", disk_id("data-0"))]
    assert await FAULT.review(session, FIVE, resources) == []
    allow("Microsoft.Authorization/*", "Microsoft.Compute/*/read", "Microsoft.Compute/disks/*")
    (denial,) = await FAULT.review(session, FIVE, resources)
    assert "attachDetachDataDisks/action in" in denial.reason
