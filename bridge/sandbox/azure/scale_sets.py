"""Microsoft.Compute/virtualMachineScaleSets in uniform orchestration, and their instances."""

from __future__ import annotations

from copy import deepcopy
from functools import partial

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.power import (
    DEALLOCATE,
    POWER_OFF,
    RESTART,
    START,
    Change,
    change,
)
from bridge.sandbox.azure.request import GROUP, SUBSCRIPTION, ArmRequest, Route
from bridge.sandbox.azure.subscription import INSTANCE, SCALE_SET, Resource, Subscription
from bridge.sandbox.azure.virtual_machines import instance_view, with_shouting_group, written

_ALL = "/providers/Microsoft.Compute/virtualMachineScaleSets"
_ONE = f"{GROUP}{_ALL}/{{name}}"
_MEMBERS = f"{_ONE}/virtualMachines"
_MEMBER = f"{_MEMBERS}/{{instance}}"


def _scale_set(subscription: Subscription, asked: ArmRequest) -> Resource:
    path = subscription.path(SCALE_SET, asked.parameters["group"], asked.parameters["name"])
    return subscription.get(path)


def _members(subscription: Subscription, scale_set: Resource) -> list[Resource]:
    return subscription.of_type(INSTANCE, scale_set.id)


def _member(subscription: Subscription, scale_set: Resource, instance: str) -> Resource:
    """Answer an instance; raises ``ArmError`` with Compute's words where it is not."""
    path = f"{scale_set.id}/virtualMachines/{instance}".lower()
    found = subscription.resources.get(path)
    if found is None:
        message = (
            f"The entity was not found in this Azure location. Instance '{instance}' of virtual "
            f"machine scale set '{scale_set.name}' does not exist."
        )
        raise ArmError("NotFound", message, 404)
    return found


def _get(subscription: Subscription, asked: ArmRequest) -> Response:
    return answer(deepcopy(_scale_set(subscription, asked).body))


def _list(subscription: Subscription, asked: ArmRequest) -> Response:
    sets = subscription.of_group(SCALE_SET, asked.parameters["group"])
    return page(subscription, asked, [deepcopy(each.body) for each in sets])


def _list_all(subscription: Subscription, asked: ArmRequest) -> Response:
    sets = subscription.of_type(SCALE_SET)
    bodies = [with_shouting_group(deepcopy(each.body)) for each in sets]
    return page(subscription, asked, bodies)


def _list_members(subscription: Subscription, asked: ArmRequest) -> Response:
    view = asked.query("$expand").lower() == "instanceview"
    members = _members(subscription, _scale_set(subscription, asked))
    return page(
        subscription, asked, [with_shouting_group(written(each, view=view)) for each in members]
    )


def _get_member(subscription: Subscription, asked: ArmRequest) -> Response:
    scale_set = _scale_set(subscription, asked)
    member = _member(subscription, scale_set, asked.parameters["instance"])
    return answer(written(member, view=asked.query("$expand").lower() == "instanceview"))


def _view_member(subscription: Subscription, asked: ArmRequest) -> Response:
    scale_set = _scale_set(subscription, asked)
    member = _member(subscription, scale_set, asked.parameters["instance"])
    return answer(instance_view(member))


def _refuse_inactive(instances: list[str]) -> None:
    if instances:
        message = (
            f"The provided instanceId {instances[0]} is not an active Virtual Machine Scale Set "
            "VM instanceId."
        )
        raise ArmError("InvalidParameter", message, target="instanceIds")


def _change_members(wanted: Change, subscription: Subscription, asked: ArmRequest) -> Response:
    """Change the instances that the body names, or all: of what is refused, nothing is begun."""
    scale_set = _scale_set(subscription, asked)
    ids = asked.body.get("instanceIds")
    if ids == []:  # the reference does not say what it means: rather a refusal than all or none
        message = "The value of parameter instanceIds is invalid: it names no instance."
        raise ArmError("InvalidParameter", message, target="instanceIds")
    if ids is None or ids == ["*"]:
        members = _members(subscription, scale_set)
    else:
        present = {each.body["instanceId"]: each for each in _members(subscription, scale_set)}
        _refuse_inactive([str(each) for each in ids if str(each) not in present])
        members = [present[str(each)] for each in ids]
    return change(subscription, asked, members, wanted, preempts=False)


def _change_member(wanted: Change, subscription: Subscription, asked: ArmRequest) -> Response:
    scale_set = _scale_set(subscription, asked)
    member = _member(subscription, scale_set, asked.parameters["instance"])
    return change(subscription, asked, [member], wanted, preempts=False)


def _named(asked: ArmRequest) -> tuple[str, ...]:
    """Answer the instances that a request names, or else the scale set."""
    scale_set = asked.path.rpartition("/")[0]
    ids = asked.body.get("instanceIds") or ()
    return tuple(f"{scale_set}/virtualMachines/{each}" for each in ids) or (scale_set,)


def _of_the_path(asked: ArmRequest) -> tuple[str, ...]:
    return (asked.path.rpartition("/")[0],)


def _sets(name: str, operation: str, wanted: Change) -> Route:
    right, handler = f"{SCALE_SET}/{name}/action", partial(_change_members, wanted)
    return Route("POST", f"{_ONE}/{name}", operation, right, handler, names=_named)


def _member_power(name: str, operation: str, wanted: Change) -> Route:
    right, handler = f"{INSTANCE}/{name}/action", partial(_change_member, wanted)
    return Route("POST", f"{_MEMBER}/{name}", operation, right, handler, names=_of_the_path)


ROUTES = (
    Route("GET", _ONE, "VirtualMachineScaleSets_Get", f"{SCALE_SET}/read", _get),
    Route("GET", f"{GROUP}{_ALL}", "VirtualMachineScaleSets_List", f"{SCALE_SET}/read", _list),
    Route(
        "GET",
        f"{SUBSCRIPTION}{_ALL}",
        "VirtualMachineScaleSets_ListAll",
        f"{SCALE_SET}/read",
        _list_all,
    ),
    _sets("poweroff", "VirtualMachineScaleSets_PowerOff", POWER_OFF),
    _sets("start", "VirtualMachineScaleSets_Start", START),
    _sets("restart", "VirtualMachineScaleSets_Restart", RESTART),
    _sets("deallocate", "VirtualMachineScaleSets_Deallocate", DEALLOCATE),
    Route("GET", _MEMBERS, "VirtualMachineScaleSetVMs_List", f"{INSTANCE}/read", _list_members),
    Route("GET", _MEMBER, "VirtualMachineScaleSetVMs_Get", f"{INSTANCE}/read", _get_member),
    Route(
        "GET",
        f"{_MEMBER}/instanceView",
        "VirtualMachineScaleSetVMs_GetInstanceView",
        f"{INSTANCE}/instanceView/read",
        _view_member,
        names=_of_the_path,
    ),
    _member_power("powerOff", "VirtualMachineScaleSetVMs_PowerOff", POWER_OFF),
    _member_power("start", "VirtualMachineScaleSetVMs_Start", START),
    _member_power("restart", "VirtualMachineScaleSetVMs_Restart", RESTART),
)
