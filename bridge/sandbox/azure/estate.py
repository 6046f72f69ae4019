"""A small subscription to break: some machines, their disks and interfaces, a scale set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.azure.server import AzureEmulator
from bridge.sandbox.azure.stock import GROUP

CLIENT_ID = "00000000-0000-4000-8000-0000000000c1"
SCALE_SET_NAME = "web"

# What the faults ask for, one line each. Joining a subnet and a security group, and a write on a
# disk that is attached, are the linked rights that ARM asks for beside the operation's own.
FAULT_ACTIONS = (
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Compute/virtualMachines/instanceView/read",
    "Microsoft.Compute/virtualMachines/powerOff/action",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachines/restart/action",
    "Microsoft.Compute/virtualMachines/deallocate/action",
    "Microsoft.Compute/virtualMachines/redeploy/action",
    "Microsoft.Compute/virtualMachines/attachDetachDataDisks/action",
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachineScaleSets/poweroff/action",
    "Microsoft.Compute/virtualMachineScaleSets/start/action",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView/read",
    "Microsoft.Compute/disks/read",
    "Microsoft.Compute/disks/write",
    "Microsoft.Compute/locations/operations/read",
    "Microsoft.Network/locations/operations/read",
    "Microsoft.Network/networkInterfaces/read",
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/write",
    "Microsoft.Network/networkSecurityGroups/delete",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Resources/subscriptions/resources/read",
    "Microsoft.Authorization/permissions/read",
)
MARK_ACTIONS = ("Microsoft.Resources/tags/read", "Microsoft.Resources/tags/write")
"""Without these a run goes on unmarked."""

_Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Estate:
    """What was built, by name and by id.

    The workers carry ``chaos=ready``; the database ``orders-db-1`` does not, and must be left
    alone. ``client_id`` is the managed identity that the faults act as.
    """

    subscription: str
    resource_group: str
    client_id: str
    vm_ids: dict[str, str]
    disk_ids: dict[str, str]
    scale_set_id: str
    security_group_id: str
    ready_tag: tuple[str, str] = ("chaos", "ready")
    before: _Facts = field(default_factory=dict, repr=False)

    def left_behind(self, emulator: AzureEmulator) -> list[str]:
        """Answer in words what differs from the state in which the estate was built.

        Looked at are power states, data disks with all settings, interfaces with their
        security group, security groups that were not there, and tags. What the emulator was
        told to take away is nobody's leftover.
        """
        now = emulator.snapshot()
        before = {what: _still(emulator, what, was) for what, was in self.before.items()}
        differences = [
            f"{what}: {now[what]!r} instead of {was!r}"
            for what, was in before.items()
            if what in now and now[what] != was
        ]
        added = [f"{what}: {now[what]!r} is new" for what in now.keys() - self.before.keys()]
        lost = [
            f"{what} is gone"
            for what in self.before.keys() - now.keys()
            if not emulator.was_removed(what.partition(" ")[0])
        ]
        return sorted([*differences, *added, *lost])


def _still(emulator: AzureEmulator, what: str, was: Any) -> Any:
    """Answer a fact of before, without the disks that the emulator was told to take away."""
    if not what.endswith(" dataDisks"):
        return was
    return [entry for entry in was if not emulator.was_removed(entry["managedDisk"]["id"])]


def build(emulator: AzureEmulator, *, workers: int = 4, marks: bool = True) -> Estate:
    """Build the estate in a started emulator.

    ``workers`` (at least 2) is the number of tagged machines; every fourth is in zone 2.
    ``marks=False`` leaves out the identity's right to tag.
    """
    ready = {"chaos": "ready", "service": "carts"}
    vms = {
        f"carts-worker-{n}": emulator.add_vm(
            f"carts-worker-{n}", tags=ready, zone="2" if n % 4 == 0 else "1"
        )
        for n in range(1, workers + 1)
    }
    vms["orders-db-1"] = emulator.add_vm("orders-db-1", tags={"service": "orders"})
    disks = {
        f"carts-data-{n}": emulator.add_disk(
            f"carts-data-{n}",
            vm=f"carts-worker-{n}",
            tags={"chaos": "ready"},
            caching="ReadOnly",
            deleteOption="Delete",
            writeAcceleratorEnabled=False,
        )
        for n in (1, 2)
    }
    group = emulator.add_security_group("carts-nsg", vm="carts-worker-1")
    scale_set = emulator.add_scale_set(SCALE_SET_NAME, tags={"chaos": "ready"})
    actions = (*FAULT_ACTIONS, *(MARK_ACTIONS if marks else ()))
    emulator.create_identity(CLIENT_ID, actions=actions)
    return Estate(
        subscription=emulator.subscription,
        resource_group=GROUP,
        client_id=CLIENT_ID,
        vm_ids=vms,
        disk_ids=disks,
        scale_set_id=scale_set,
        security_group_id=group,
        before=emulator.snapshot(),
    )
