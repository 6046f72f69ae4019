"""Microsoft.Compute/disks: reading and deleting managed disks."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.operations import accepted, begin
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.power import refuse_busy
from bridge.sandbox.azure.request import GROUP, SUBSCRIPTION, ArmRequest, Route
from bridge.sandbox.azure.subscription import DISK, Resource, Subscription
from bridge.sandbox.azure.virtual_machines import with_shouting_group

_ALL = "/providers/Microsoft.Compute/disks"
_ONE = f"{GROUP}{_ALL}/{{name}}"


def _path(subscription: Subscription, asked: ArmRequest) -> str:
    return subscription.path(DISK, asked.parameters["group"], asked.parameters["name"])


def written(subscription: Subscription, disk: Resource) -> dict[str, Any]:
    """Answer a disk as the API does; its owner's id has the resource group in capitals.

    ``diskState``: a disk of a machine that is deallocated is Reserved (API reference).
    """
    body = deepcopy(disk.body)
    owner = subscription.resources.get(body.get("managedBy", "").lower())
    state = "Unattached"
    if owner is not None:
        body["managedBy"] = with_shouting_group(owner.body)["id"]
        state = "Reserved" if owner.power == "deallocated" else "Attached"
    body["properties"]["diskState"] = state
    return body


def _get(subscription: Subscription, asked: ArmRequest) -> Response:
    return answer(written(subscription, subscription.get(_path(subscription, asked))))


def _list(subscription: Subscription, asked: ArmRequest) -> Response:
    disks = subscription.of_type(DISK)
    return page(subscription, asked, [written(subscription, disk) for disk in disks])


def _list_group(subscription: Subscription, asked: ArmRequest) -> Response:
    disks = subscription.of_group(DISK, asked.parameters["group"])
    return page(subscription, asked, [written(subscription, disk) for disk in disks])


def _delete(subscription: Subscription, asked: ArmRequest) -> Response:
    disk = subscription.resources.get(_path(subscription, asked).lower())
    if disk is None:
        return answer(None, 204)
    refuse_busy(disk)
    owner = disk.body.get("managedBy")
    if owner:
        message = f"Disk {disk.name} is attached to VM {owner}."
        raise ArmError("OperationNotAllowed", message, 409)
    operation = begin(
        subscription,
        asked,
        [disk],
        finish=lambda: subscription.remove(disk),
        fail=lambda: None,
    )
    return accepted(subscription, asked, operation)


ROUTES = (
    Route("GET", _ONE, "Disks_Get", f"{DISK}/read", _get),
    Route("GET", f"{SUBSCRIPTION}{_ALL}", "Disks_List", f"{DISK}/read", _list),
    Route("GET", f"{GROUP}{_ALL}", "Disks_ListByResourceGroup", f"{DISK}/read", _list_group),
    Route("DELETE", _ONE, "Disks_Delete", f"{DISK}/delete", _delete),
)
