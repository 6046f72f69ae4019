"""The methods that are emulated, with the query parameters that each one reads.

Whatever is not in this table is refused by name: the emulator never plays a success that it
does not act out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.sandbox.gcp import (
    attachments,
    disks,
    firewalls,
    group_changes,
    groups,
    instances,
    labels,
    listing,
    standing,
)
from bridge.sandbox.gcp.cloud import Cloud, Resource
from bridge.sandbox.gcp.operations import Operation
from bridge.sandbox.gcp.request import GcpRequest

Answer = Callable[[Cloud, GcpRequest], Resource | Operation]

COMMON = frozenset(("alt", "$alt", "prettyPrint", "key", "quotaUser", "userIp", "fields"))
"""System parameters (Google Cloud APIs, "System parameters"). ``fields`` narrows the real
answer; here the answer stays whole, which holds all that was asked for."""


@dataclass(frozen=True, slots=True)
class Method:
    """How one method is answered, and its query parameters."""

    answer: Answer
    verb: str = "GET"
    parameters: frozenset[str] = frozenset()


def _list(answer: Answer, verb: str = "GET") -> Method:
    return Method(answer, verb, frozenset(listing.PARAMETERS))


def _change(answer: Answer, *parameters: str, verb: str = "POST") -> Method:
    return Method(answer, verb, frozenset(("requestId", *parameters)))


METHODS: dict[str, Method] = {
    "instances.get": Method(instances.get),
    "instances.list": _list(instances.list_zone),
    "instances.aggregatedList": _list(instances.list_all),
    "instances.start": _change(instances.change_power),
    "instances.stop": _change(instances.change_power, "discardLocalSsd"),
    "instances.suspend": _change(instances.change_power, "discardLocalSsd"),
    "instances.resume": _change(instances.change_power),
    "instances.reset": _change(instances.reset),
    "instances.delete": _change(instances.delete, verb="DELETE"),
    "instances.setLabels": _change(labels.set_labels),
    "instances.setTags": _change(labels.set_tags),
    "instances.attachDisk": _change(attachments.attach, "forceAttach"),
    "instances.detachDisk": _change(attachments.detach, "deviceName"),
    "instances.setDiskAutoDelete": _change(attachments.set_auto_delete, "deviceName", "autoDelete"),
    "instances.testIamPermissions": Method(standing.test_permissions, "POST"),
    "disks.get": Method(instances.get),
    "disks.list": _list(disks.list_zone),
    "disks.aggregatedList": _list(disks.list_all),
    "disks.setLabels": _change(labels.set_labels),
    "disks.delete": _change(disks.delete, verb="DELETE"),
    "disks.testIamPermissions": Method(standing.test_permissions, "POST"),
    "firewalls.get": Method(instances.get),
    "firewalls.list": _list(firewalls.list_all),
    "firewalls.insert": _change(firewalls.insert),
    "firewalls.delete": _change(firewalls.delete, verb="DELETE"),
    "networks.get": Method(instances.get),
    "networks.list": _list(firewalls.list_networks),
    "instanceGroupManagers.aggregatedList": _list(groups.list_all),
    "zoneOperations.get": Method(standing.operation),
    "zoneOperations.list": _list(standing.operations),
    "regionOperations.get": Method(standing.operation),
    "regionOperations.list": _list(standing.operations),
    "globalOperations.get": Method(standing.operation),
    "globalOperations.list": _list(standing.operations),
    "zones.get": Method(standing.zone),
    "zones.list": _list(standing.zones),
    "projects.get": Method(standing.project),
}
for _groups in ("instanceGroupManagers", "regionInstanceGroupManagers"):
    METHODS |= {
        f"{_groups}.get": Method(groups.get),
        f"{_groups}.list": _list(groups.list_scope),
        f"{_groups}.listManagedInstances": _list(groups.list_members, "POST"),
        f"{_groups}.deleteInstances": _change(group_changes.delete_instances),
        f"{_groups}.recreateInstances": _change(group_changes.recreate_instances),
        f"{_groups}.resize": _change(group_changes.resize, "size"),
    }
