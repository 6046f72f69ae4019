"""A small project to break: workers, a database, data disks and a group of web servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.gcp.cloud import ZONES, Resource
from bridge.sandbox.gcp.server import GcpEmulator

FAULT_PERMISSIONS = (
    "compute.instances.get",
    "compute.instances.list",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.instances.suspend",
    "compute.instances.resume",
    "compute.instances.reset",
    "compute.instances.attachDisk",
    "compute.instances.detachDisk",
    "compute.instances.setTags",
    "compute.instances.setLabels",
    "compute.instances.delete",
    "compute.disks.get",
    "compute.disks.list",
    "compute.disks.setLabels",
    "compute.disks.use",
    "compute.disks.useReadOnly",
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.firewalls.get",
    "compute.firewalls.list",
    "compute.networks.get",
    "compute.networks.updatePolicy",
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.list",
    "compute.instanceGroupManagers.update",
    "compute.zoneOperations.get",
    "compute.zoneOperations.list",
    "compute.regionOperations.get",
    "compute.regionOperations.list",
    "compute.globalOperations.get",
    "compute.globalOperations.list",
    "iam.serviceAccounts.actAs",
)
"""What the experiment's account may do in the project: all that the faults and target types of
Compute Engine declare, marks included, and the lists that looking for marks needs."""
ACCOUNT = "chaos"
_GROUP_SIZE = 3


GROUP = "web"
_OURS = ("faultbridge", "fb-")


@dataclass(frozen=True, slots=True)
class Estate:
    """What was built: full resource names by name.

    The workers and their data disks carry the label ``chaos=ready``; the database
    ``orders-db-1`` does not, and must be left alone. ``group_name`` is the managed instance
    group's.
    """

    project: str
    zone: str
    service_account: str
    group_name: str
    instances: dict[str, str]
    disks: dict[str, str]
    ready_label: tuple[str, str] = ("chaos", "ready")
    _as_built: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def left_behind(self, emulator: GcpEmulator) -> list[str]:
        """Tell what is not as built, one sentence each, or nothing.

        Looked at are each instance's status, attachments with all their settings and tags,
        disks and their users, labels of the bridge's, firewall rules, and the group's size.
        """
        found = []
        names = set(emulator.names("instances"))
        for name, built in self._as_built.items():
            if name not in names:
                found.append(f"instance {name} is gone")
                continue
            now = _of_interest(emulator.instance(name))
            found += [f"instance {name}: {what}" for what in _differences(built, now)]
        disks = set(emulator.names("disks"))
        found += [f"disk {name} is gone" for name in self.disks if name not in disks]
        for kind, names_of_kind, look in (
            ("instance", names, emulator.instance),
            ("disk", disks, emulator.disk),
        ):
            for name in sorted(names_of_kind):
                labels = look(name).get("labels", {})
                marks = [key for key in labels if key.startswith(_OURS)]
                found += [f"{kind} {name} has the label {key}" for key in marks]
        found += [f"firewall {name} is there" for name in emulator.names("firewalls")]
        size = emulator.group(GROUP)["targetSize"]
        if size != _GROUP_SIZE:
            found.append(f"group {GROUP} has the target size {size}, not {_GROUP_SIZE}")
        return found


def build(emulator: GcpEmulator, workers: int = 4) -> Estate:
    """Build the estate in a started emulator, at once.

    ``workers`` (at least 2) is the number of labelled instances.
    """
    email = emulator.create_service_account(ACCOUNT, permissions=FAULT_PERMISSIONS)
    zone = ZONES[0]
    worker = {"chaos": "ready", "service": "carts"}
    plan = {f"carts-worker-{n}": worker for n in range(1, workers + 1)}
    plan["orders-db-1"] = {"service": "orders"}
    instances = {
        name: emulator.add_instance(name, zone=zone, labels=labels) for name, labels in plan.items()
    }
    disks = {
        f"carts-data-{n}": emulator.add_disk(
            f"carts-data-{n}",
            zone=zone,
            labels={"chaos": "ready"},
            instance=f"carts-worker-{n}",
            device_name=f"data-{n}",
            auto_delete=True,
        )
        for n in (1, 2)
    }
    group = emulator.add_group(GROUP, size=_GROUP_SIZE, zone=zone, labels={"service": "web"})
    return Estate(
        project=emulator.project,
        zone=zone,
        service_account=email,
        group_name=group,
        instances=instances,
        disks=disks,
        _as_built={name: _of_interest(emulator.instance(name)) for name in plan},
    )


def _of_interest(instance: Resource) -> dict[str, Any]:
    """Answer those fields of an instance that a fault changes and its end restores."""
    return {
        "status": instance["status"],
        "tags": instance["tags"].get("items", []),
        **{f"disk {disk['deviceName']}": disk for disk in instance["disks"]},
    }


def _differences(built: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [
        f"{key} is {now.get(key)!r}, not {built.get(key)!r}"
        for key in (*built, *(key for key in now if key not in built))
        if now.get(key) != built.get(key)
    ]
