"""Data disks of virtual machines: attaching, detaching, and what becomes of them.

The API's reference of VirtualMachines_AttachDetachDataDisks and of ``DataDisk``; the codes of
refusals are those that clients of Compute report.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError
from bridge.sandbox.azure.operations import accepted, begin
from bridge.sandbox.azure.power import refuse_busy
from bridge.sandbox.azure.request import ArmRequest
from bridge.sandbox.azure.subscription import DISK, Resource, Subscription

_MOST_LUNS = 64


def linked_rights(body: dict[str, Any]) -> tuple[str, ...]:
    """Answer the rights on the disks of a body: attaching one is a write on it."""
    return (f"{DISK}/write",) if body.get("dataDisksToAttach") else ()


def named(asked: ArmRequest) -> tuple[str, ...]:
    """Answer the disks that a request names; the machine stays in another's hands."""
    body = asked.body
    entries = [*(body.get("dataDisksToAttach") or ()), *(body.get("dataDisksToDetach") or ())]
    return tuple(str(entry.get("diskId", "")) for entry in entries)


def attached(machine: Resource) -> list[dict[str, Any]]:
    """Answer the machine's data disks as its model has them."""
    disks: list[dict[str, Any]] = machine.properties["storageProfile"]["dataDisks"]
    return disks


def describe(disk: Resource, lun: int, **settings: Any) -> dict[str, Any]:
    """Answer the entry of a disk in a machine's model, with the reference's defaults."""
    kind = disk.body["sku"]["name"]
    usual = "None" if kind.startswith("Standard") else "ReadOnly"
    return {
        "lun": lun,
        "name": disk.name,
        "createOption": "Attach",
        "caching": settings.get("caching") or usual,
        "writeAcceleratorEnabled": bool(settings.get("writeAcceleratorEnabled")),
        "managedDisk": {"storageAccountType": kind, "id": disk.id},
        "deleteOption": settings.get("deleteOption") or "Detach",
        "diskSizeGB": disk.properties["diskSizeGB"],
        "toBeDetached": False,
    }


def hold(machine: Resource, disk: Resource) -> None:
    """Let a disk belong to a machine."""
    disk.body["managedBy"] = machine.id


def release(disk: Resource) -> None:
    """Let a disk belong to nobody."""
    disk.body.pop("managedBy", None)


def end_with(subscription: Subscription, machine: Resource) -> None:
    """Delete or release the disks of a machine that ends, as each ``deleteOption`` says."""
    profile = machine.properties["storageProfile"]
    for entry in (profile["osDisk"], *profile["dataDisks"]):
        disk = subscription.resources.get(entry["managedDisk"]["id"].lower())
        if disk is None:
            continue
        release(disk)
        if entry.get("deleteOption") == "Delete":
            subscription.remove(disk)


def attach_or_detach(subscription: Subscription, asked: ArmRequest) -> Response:
    """Detach and attach by disk id; the answer is the storage profile as it will be."""
    group, name = asked.parameters["group"], asked.parameters["name"]
    machine = subscription.get(subscription.path("Microsoft.Compute/virtualMachines", group, name))
    body = asked.body
    to_detach = _entries(body, "dataDisksToDetach")
    to_attach = _entries(body, "dataDisksToAttach")
    if not to_detach and not to_attach:
        message = "Either dataDisksToAttach or dataDisksToDetach must name a disk."
        raise ArmError("InvalidParameter", message)
    wanted = deepcopy(attached(machine))
    for entry in to_detach:
        _detach(subscription, machine, wanted, entry)
    for entry in to_attach:
        _attach(subscription, machine, wanted, entry)
    _refuse_being_detached(machine, to_attach)
    refuse_busy(machine)
    return _begin(
        subscription, asked, machine, wanted, lambda: machine.properties["storageProfile"]
    )


def replace(
    subscription: Subscription, asked: ArmRequest, machine: Resource, disks: list[dict[str, Any]]
) -> Response:
    """Take a whole list of data disks (VirtualMachines_Update); what it omits is detached."""
    refuse_busy(machine)
    present = {_disk_id(entry): entry for entry in attached(machine)}
    wanted = [present[_disk_id(e)] | e for e in disks if _disk_id(e) in present]
    wanted = [each for each in deepcopy(wanted) if not each.get("toBeDetached")]
    for entry in disks:
        if _disk_id(entry) not in present:
            flat = {**entry, "diskId": entry["managedDisk"]["id"]}
            _attach(subscription, machine, wanted, flat)
    kept = {_disk_id(entry) for entry in wanted}
    gone = [{**entry, "toBeDetached": True} for key, entry in present.items() if key not in kept]
    return _begin(subscription, asked, machine, [*gone, *wanted], lambda: machine.body)


def _begin(
    subscription: Subscription,
    asked: ArmRequest,
    machine: Resource,
    wanted: list[dict[str, Any]],
    result: Callable[[], Any],
) -> Response:
    """Begin to bring the data disks into the wanted shape."""
    before = deepcopy(attached(machine))
    profile = machine.properties["storageProfile"]
    profile["dataDisks"] = wanted
    machine.properties["provisioningState"] = "Updating"
    joining = {_disk_id(entry) for entry in wanted} - {_disk_id(entry) for entry in before}
    for disk_id in joining:
        hold(machine, subscription.get(disk_id))

    def finish() -> None:
        machine.properties["provisioningState"] = "Succeeded"
        profile["dataDisks"] = [
            entry
            for entry in wanted
            if not entry.get("toBeDetached") and _disk_id(entry) in subscription.resources
        ]
        for entry in wanted:
            if entry.get("toBeDetached") and _disk_id(entry) in subscription.resources:
                release(subscription.get(_disk_id(entry)))

    def fail() -> None:
        machine.properties["provisioningState"] = "Failed"
        profile["dataDisks"] = [e for e in before if _disk_id(e) in subscription.resources]
        for disk_id in joining & subscription.resources.keys():
            release(subscription.get(disk_id))

    operation = begin(
        subscription, asked, [machine], finish=finish, fail=fail, result=lambda: deepcopy(result())
    )
    if asked.method == "PATCH":
        return accepted(subscription, asked, operation, deepcopy(machine.body), 200)
    return accepted(subscription, asked, operation)


def _disk_id(entry: dict[str, Any]) -> str:
    return str(entry.get("managedDisk", {}).get("id", "")).lower()


def _entries(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = body.get(key) or []
    for number, entry in enumerate(entries):
        if not entry.get("diskId"):
            message = f"Required parameter '{key}[{number}].diskId' is missing (null)."
            raise ArmError("InvalidParameter", message)
    return list(entries)


def _detach(
    subscription: Subscription,
    machine: Resource,
    wanted: list[dict[str, Any]],
    entry: dict[str, Any],
) -> None:
    disk_id = entry["diskId"].lower()
    system = machine.properties["storageProfile"]["osDisk"]["managedDisk"]["id"]
    if disk_id == system.lower():
        message = f"The OS disk '{entry['diskId']}' of VM '{machine.name}' cannot be detached."
        raise ArmError("OperationNotAllowed", message, 409)
    for present in wanted:
        if _disk_id(present) == disk_id:
            present["toBeDetached"] = True
            if entry.get("detachOption"):
                present["detachOption"] = entry["detachOption"]
            return
    subscription.get(entry["diskId"])
    message = f"The disk '{entry['diskId']}' is not attached to VM '{machine.name}'."
    raise ArmError("InvalidParameter", message)


def _refuse_being_detached(machine: Resource, to_attach: list[dict[str, Any]]) -> None:
    leaving = {_disk_id(entry) for entry in attached(machine) if entry.get("toBeDetached")}
    for entry in to_attach:
        if entry["diskId"].lower() in leaving:
            name = entry["diskId"].rpartition("/")[2]
            message = (
                f"Cannot attach data disk '{name}' to VM '{machine.name}' because the disk is "
                "currently being detached or the last detach operation failed. Please wait until "
                "the disk is completely detached and then try again or delete/detach the disk "
                "explicitly again."
            )
            raise ArmError("AttachDiskWhileBeingDetached", message, 409)


def _attach(
    subscription: Subscription,
    machine: Resource,
    wanted: list[dict[str, Any]],
    entry: dict[str, Any],
) -> None:
    disk = subscription.get(entry["diskId"])
    _refuse_being_detached(machine, [entry])
    owner = disk.body.get("managedBy", "")
    if owner:
        message = (
            f"Disk '{disk.id}' cannot be attached as the disk is already owned by VM '{owner}'."
        )
        raise ArmError("ConflictingUserInput", message, 409)
    zones = (disk.body.get("zones"), machine.body.get("zones"))
    if zones[0] and zones[0] != zones[1]:
        message = (
            f"Disk {disk.id} cannot be attached to the VM because it is not in the same zone as "
            "the VM."
        )
        raise ArmError("BadRequest", message)
    taken = {present["lun"]: present["name"] for present in wanted}
    lun = entry.get("lun")
    if lun is None:
        lun = next(number for number in range(_MOST_LUNS) if number not in taken)
    if lun in taken:
        message = (
            f"Cannot attach data disk '{disk.name}' at lun {lun}: a disk named '{taken[lun]}' "
            f"already uses the same LUN: {lun}."
        )
        raise ArmError("InvalidParameter", message)
    wanted.append(describe(disk, lun, **{k: v for k, v in entry.items() if k != "lun"}))
