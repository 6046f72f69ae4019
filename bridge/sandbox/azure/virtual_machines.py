"""Microsoft.Compute/virtualMachines: reading them, their power, their end."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure import data_disks
from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.operations import accepted, begin
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.power import (
    DEALLOCATE,
    POWER_OFF,
    REDEPLOY,
    RESTART,
    START,
    Change,
    change,
    refuse_busy,
    statuses,
)
from bridge.sandbox.azure.request import GROUP, SUBSCRIPTION, ArmRequest, Route
from bridge.sandbox.azure.subscription import VM, Resource, Subscription
from bridge.sandbox.azure.tags import refuse_bad_tags

_ALL = "/providers/Microsoft.Compute/virtualMachines"
_ONE = f"{GROUP}{_ALL}/{{name}}"


def instance_view(machine: Resource) -> dict[str, Any]:
    """Answer what VirtualMachines_InstanceView does."""
    view = {
        "computerName": machine.name,
        "osName": "ubuntu",
        "osVersion": "24.04",
        "hyperVGeneration": "V2",
        "statuses": statuses(machine),
    }
    if machine.power != "running":  # the agent within does not report then
        del view["computerName"], view["osName"], view["osVersion"]
    return view


def written(machine: Resource, *, view: bool = False) -> dict[str, Any]:
    """Answer a machine as the API does, on demand with its instance view."""
    body = deepcopy(machine.body)
    if view:
        body["properties"]["instanceView"] = instance_view(machine)
    return body


def with_shouting_group(body: dict[str, Any]) -> dict[str, Any]:
    """Answer a body whose id has its resource group in capitals.

    Compute really does that in many answers (Azure/azure-sdk-for-python 574, Azure/azure-cli
    7262, Azure/azure-sdk-for-java 2014), so a client compares ids without regard to case.
    """
    parts = body["id"].split("/")
    parts[4] = parts[4].upper()
    return {**body, "id": "/".join(parts)}


def _path(subscription: Subscription, asked: ArmRequest) -> str:
    return subscription.path(VM, asked.parameters["group"], asked.parameters["name"])


def _machine(subscription: Subscription, asked: ArmRequest) -> Resource:
    return subscription.get(_path(subscription, asked))


def _get(subscription: Subscription, asked: ArmRequest) -> Response:
    machine = _machine(subscription, asked)
    return answer(written(machine, view=asked.query("$expand").lower() == "instanceview"))


def _instance_view(subscription: Subscription, asked: ArmRequest) -> Response:
    return answer(instance_view(_machine(subscription, asked)))


def _list(subscription: Subscription, asked: ArmRequest) -> Response:
    view = asked.query("$expand").lower() == "instanceview"
    machines = subscription.of_group(VM, asked.parameters["group"])
    return page(subscription, asked, [written(each, view=view) for each in machines])


def _list_all(subscription: Subscription, asked: ArmRequest) -> Response:
    status_only = asked.flag("statusOnly")
    view = status_only or asked.query("$expand").lower() == "instanceview"
    bodies = [written(each, view=view) for each in subscription.of_type(VM)]
    if status_only:
        bodies = [_status_only(body) for body in bodies]
    return page(subscription, asked, [with_shouting_group(body) for body in bodies])


def _status_only(body: dict[str, Any]) -> dict[str, Any]:
    view = {"statuses": body["properties"]["instanceView"]["statuses"]}
    kept = {key: body[key] for key in ("id", "name", "type", "location")}
    vm_id = body["properties"]["vmId"]
    return {**kept, "properties": {"vmId": vm_id, "instanceView": view}}


def _refuse_hibernation(asked: ArmRequest) -> None:
    if asked.flag("hibernate"):
        raise ArmError("NotImplemented", "The sandbox does not emulate hibernation", 501)


def _change(wanted: Change, subscription: Subscription, asked: ArmRequest) -> Response:
    _refuse_hibernation(asked)
    return change(subscription, asked, [_machine(subscription, asked)], wanted, preempts=True)


def _update(subscription: Subscription, asked: ArmRequest) -> Response:
    """Replace the tags and the list of data disks where the body has them."""
    machine = _machine(subscription, asked)
    body = asked.body
    properties = body.get("properties", {})
    profile = properties.get("storageProfile", {})
    other = (body.keys() - {"tags", "properties"}) | (properties.keys() - {"storageProfile"})
    if other or profile.keys() - {"dataDisks"}:
        message = "The sandbox's VirtualMachines_Update takes tags and dataDisks only"
        raise ArmError("NotImplemented", message, 501)
    if "dataDisks" in profile:
        return data_disks.replace(subscription, asked, machine, profile["dataDisks"])
    if "tags" in body:
        refuse_bad_tags(body["tags"])
        machine.body["tags"] = dict(body["tags"])
    return answer(written(machine))


def _delete(subscription: Subscription, asked: ArmRequest) -> Response:
    machine = subscription.resources.get(_path(subscription, asked).lower())
    if machine is None:
        return answer(None, 204)
    if machine.busy is not None and machine.busy.preemptible:
        machine.busy.preempt(subscription)
    else:
        refuse_busy(machine)
    machine.properties["provisioningState"] = "Deleting"

    def finish() -> None:
        data_disks.end_with(subscription, machine)
        subscription.remove(machine)

    def fail() -> None:
        machine.properties["provisioningState"] = "Failed"

    operation = begin(subscription, asked, [machine], finish=finish, fail=fail)
    return accepted(subscription, asked, operation)


def _of_the_path(asked: ArmRequest) -> tuple[str, ...]:
    return (asked.path.rpartition("/")[0],)


def _power(name: str, operation: str, wanted: Change) -> Route:
    right = f"{VM}/{name}/action"
    handler = partial(_change, wanted)
    return Route("POST", f"{_ONE}/{name}", operation, right, handler, names=_of_the_path)


ROUTES = (
    Route("GET", _ONE, "VirtualMachines_Get", f"{VM}/read", _get),
    Route(
        "GET",
        f"{_ONE}/instanceView",
        "VirtualMachines_InstanceView",
        f"{VM}/instanceView/read",
        _instance_view,
        names=_of_the_path,
    ),
    Route("GET", f"{GROUP}{_ALL}", "VirtualMachines_List", f"{VM}/read", _list),
    Route("GET", f"{SUBSCRIPTION}{_ALL}", "VirtualMachines_ListAll", f"{VM}/read", _list_all),
    _power("powerOff", "VirtualMachines_PowerOff", POWER_OFF),
    _power("start", "VirtualMachines_Start", START),
    _power("restart", "VirtualMachines_Restart", RESTART),
    _power("deallocate", "VirtualMachines_Deallocate", DEALLOCATE),
    _power("redeploy", "VirtualMachines_Redeploy", REDEPLOY),
    Route("PATCH", _ONE, "VirtualMachines_Update", f"{VM}/write", _update),
    Route("DELETE", _ONE, "VirtualMachines_Delete", f"{VM}/delete", _delete),
    Route(
        "POST",
        f"{_ONE}/attachDetachDataDisks",
        "VirtualMachines_AttachDetachDataDisks",
        f"{VM}/attachDetachDataDisks/action",
        data_disks.attach_or_detach,
        linked=data_disks.linked_rights,
        names=data_disks.named,
    ),
)
