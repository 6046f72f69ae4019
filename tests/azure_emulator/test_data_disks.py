"""Attaching and detaching data disks, with every setting of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from bridge.sandbox.azure import AzureEmulator, Estate
from tests.azure_emulator.answers import refusal

GROUP = "sandbox"


def change(
    compute: Any,
    vm: str,
    *,
    attach: Sequence[Any] = (),
    detach: Sequence[Any] = (),
    **more: Any,
) -> Any:
    body = {"dataDisksToAttach": list(attach), "dataDisksToDetach": list(detach)}
    return compute.virtual_machines.begin_attach_detach_data_disks(GROUP, vm, body, **more)


def entries(emulator: AzureEmulator, vm: str) -> list[dict[str, Any]]:
    profile: dict[str, Any] = emulator.vm(vm)["properties"]["storageProfile"]
    disks: list[dict[str, Any]] = profile["dataDisks"]
    return disks


def test_a_disk_leaves_and_comes_back_as_it_was(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    disk = estate.disk_ids["carts-data-1"]
    (before,) = entries(emulator, "carts-worker-1")
    assert (before["caching"], before["deleteOption"], before["lun"]) == ("ReadOnly", "Delete", 0)
    gone = [{"diskId": disk.upper(), "detachOption": "ForceDetach"}]
    change(compute, "carts-worker-1", detach=gone, polling=False)
    (leaving,) = entries(emulator, "carts-worker-1")
    assert leaving["toBeDetached"] is True
    assert emulator.disk("carts-data-1")["properties"]["diskState"] == "Attached"
    emulator.complete_transitions()
    assert entries(emulator, "carts-worker-1") == []
    free = compute.disks.get(GROUP, "carts-data-1")
    assert (free.managed_by, free.properties.disk_state) == (None, "Unattached")
    assert estate.left_behind(emulator)
    back = {
        "diskId": disk,
        "lun": 0,
        "caching": "ReadOnly",
        "deleteOption": "Delete",
        "writeAcceleratorEnabled": False,
    }
    change(compute, "carts-worker-1", attach=[back]).result()
    assert estate.left_behind(emulator) == []
    owner = compute.disks.get(GROUP, "carts-data-1").managed_by
    assert owner.lower() == estate.vm_ids["carts-worker-1"].lower()
    assert "/resourceGroups/SANDBOX/" in owner


def test_settings_that_are_not_given_take_the_references_defaults(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a")
    first, second = emulator.add_disk("d1"), emulator.add_disk("d2")
    change(compute, "a", attach=[{"diskId": first}]).result()
    change(compute, "a", attach=[{"diskId": second}]).result()
    got = [(e["lun"], e["caching"], e["deleteOption"]) for e in entries(emulator, "a")]
    assert got == [(0, "ReadOnly", "Detach"), (1, "ReadOnly", "Detach")]


def test_what_a_fault_did_not_give_back_is_seen(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    disk = estate.disk_ids["carts-data-1"]
    change(compute, "carts-worker-1", detach=[{"diskId": disk}]).result()
    change(compute, "carts-worker-1", attach=[{"diskId": disk, "lun": 0}]).result()
    (difference,) = estate.left_behind(emulator)
    assert "dataDisks" in difference


def test_a_disk_that_is_being_detached_cannot_be_attached(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a")
    disk = emulator.add_disk("d", vm="a")
    change(compute, "a", detach=[{"diskId": disk}], polling=False)
    with pytest.raises(HttpResponseError) as caught:
        change(compute, "a", attach=[{"diskId": disk}])
    assert caught.value.status_code == 409
    assert refusal(caught).code == "AttachDiskWhileBeingDetached"


def test_a_second_change_while_one_is_under_way_is_a_conflict(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a")
    one, other = emulator.add_disk("d", vm="a"), emulator.add_disk("e")
    change(compute, "a", detach=[{"diskId": one}], polling=False)
    with pytest.raises(HttpResponseError, match="concurrent request") as caught:
        change(compute, "a", attach=[{"diskId": other}])
    assert (caught.value.status_code, refusal(caught).code) == (409, "Conflict")
    with pytest.raises(HttpResponseError, match="concurrent request"):
        compute.virtual_machines.begin_power_off(GROUP, "a")
    emulator.complete_transitions()
    change(compute, "a", attach=[{"diskId": other}]).result()


@pytest.mark.parametrize(
    ("attach", "status", "code"),
    [
        ({"diskId": "elsewhere"}, 409, "ConflictingUserInput"),
        ({"diskId": "zone2"}, 400, "BadRequest"),
        ({"diskId": "free", "lun": 5}, 400, "InvalidParameter"),
        ({"diskId": "none"}, 404, "ResourceNotFound"),
        ({}, 400, "InvalidParameter"),
    ],
)
def test_an_attachment_that_cannot_be_is_refused(
    emulator: AzureEmulator, compute: Any, attach: dict[str, Any], status: int, code: str
) -> None:
    emulator.add_vm("a")
    emulator.add_vm("b")
    emulator.add_disk("mine", vm="a", lun=5)
    emulator.add_disk("elsewhere", vm="b")
    emulator.add_disk("zone2", zone="2")
    known = emulator.add_disk("free")
    before = emulator.snapshot()
    wanted = {**attach}
    if "diskId" in wanted:
        wanted["diskId"] = known.replace("free", attach["diskId"])
    with pytest.raises(HttpResponseError) as caught:
        change(compute, "a", attach=[wanted])
    assert (caught.value.status_code, refusal(caught).code) == (status, code)
    assert emulator.snapshot() == before


def test_the_os_disk_and_what_is_not_attached_cannot_be_detached(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a")
    free = emulator.add_disk("free")
    system = emulator.vm("a")["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    with pytest.raises(HttpResponseError, match="OS disk") as caught:
        change(compute, "a", detach=[{"diskId": system}])
    assert caught.value.status_code == 409
    with pytest.raises(HttpResponseError, match="not attached"):
        change(compute, "a", detach=[{"diskId": free}])
    with pytest.raises(HttpResponseError, match="must name a disk"):
        change(compute, "a")


def test_a_change_that_fails_late_leaves_the_disks_as_they_were(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    emulator.fail_late(error="DetachFailed")
    detach = [{"diskId": estate.disk_ids["carts-data-1"]}]
    with pytest.raises(HttpResponseError, match="DetachFailed"):
        change(compute, "carts-worker-1", detach=detach).result()
    assert estate.left_behind(emulator) == []
    spare = emulator.add_disk("spare")
    emulator.fail_late(error="AttachFailed")
    with pytest.raises(HttpResponseError, match="AttachFailed"):
        change(compute, "carts-worker-1", attach=[{"diskId": spare}]).result()
    assert emulator.disk("spare")["properties"]["diskState"] == "Unattached"


def test_the_whole_list_can_be_patched_too(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    emulator.add_disk("old", vm="a", lun=0)
    kept = emulator.add_disk("kept", vm="a", lun=1, caching="None")
    new = emulator.add_disk("new")
    wanted = [
        {"lun": 1, "createOption": "Attach", "managedDisk": {"id": kept}},
        {"lun": 2, "createOption": "Attach", "managedDisk": {"id": new}},
    ]
    body = {"properties": {"storageProfile": {"dataDisks": wanted}}}
    compute.virtual_machines.begin_update(GROUP, "a", body).result()
    got = [(e["name"], e["lun"], e["caching"]) for e in entries(emulator, "a")]
    assert got == [("kept", 1, "None"), ("new", 2, "ReadOnly")]
    assert emulator.disk("old")["properties"]["diskState"] == "Unattached"


def test_a_disk_in_use_is_not_deleted(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a", power="deallocated")
    emulator.add_disk("d", vm="a")
    assert compute.disks.get(GROUP, "d").properties.disk_state == "Reserved"
    with pytest.raises(HttpResponseError, match="attached to VM"):
        compute.disks.begin_delete(GROUP, "d")
    emulator.remove_vm("a")
    compute.disks.begin_delete(GROUP, "a-os").result()
    assert [disk.name for disk in compute.disks.list_by_resource_group(GROUP)] == ["d"]
