"""Microsoft.Network/networkInterfaces: reading them, and writing one as a whole."""

from __future__ import annotations

import uuid
from copy import deepcopy
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.operations import accepted, begin
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.request import GROUP, SUBSCRIPTION, ArmRequest, Route
from bridge.sandbox.azure.subscription import NIC, NSG, SUBNET, Resource, Subscription

_ALL = "/providers/Microsoft.Network/networkInterfaces"
_ONE = f"{GROUP}{_ALL}/{{name}}"
_READ_ONLY = ("macAddress", "virtualMachine", "resourceGuid", "primary", "provisioningState")


def refuse_in_progress(resource: Resource) -> None:
    """Refuse a second write while the first is under way, as Microsoft.Network does."""
    if resource.busy is not None:
        message = (
            "Another operation on this or dependent resource is in progress. To retrieve status "
            f"of the operation use uri: {resource.busy.path}."
        )
        raise ArmError("AnotherOperationInProgress", message, 409)


def refuse_other_version(asked: ArmRequest, present: Resource | None) -> None:
    """Refuse a write on a version that is not there (any more), where ``If-Match`` names one."""
    wanted = asked.http.headers.get("If-Match", "")
    if not wanted or (present is not None and wanted in ("*", present.body["etag"])):
        return
    message = (
        f"Precondition failed. Etag provided in if-match header {wanted} does not match etag "
        f"{present.body['etag'] if present else 'null'} of resource {asked.path} in NRP data store."
    )
    raise ArmError("PreconditionFailed", message, 412)


def etag() -> str:
    """Answer a new entity tag in the form of Microsoft.Network."""
    return f'W/"{uuid.uuid4()}"'


def group_of(properties: dict[str, Any]) -> str:
    """Answer the id of the security group in a body's properties, or the empty string."""
    return str((properties.get("networkSecurityGroup") or {}).get("id", ""))


def _linked(body: dict[str, Any]) -> tuple[str, ...]:
    """Answer the rights to join what the interface refers to (Azure RBAC, "Networking")."""
    properties = body.get("properties") or {}
    parts = [each.get("properties") or {} for each in properties.get("ipConfigurations") or ()]
    subnets = any(part.get("subnet") for part in parts)
    rights = (f"{NSG}/join/action",) if group_of(properties) else ()
    return (*rights, *((f"{SUBNET}/join/action",) if subnets else ()))


def _path(subscription: Subscription, asked: ArmRequest) -> str:
    return subscription.path(NIC, asked.parameters["group"], asked.parameters["name"])


def _get(subscription: Subscription, asked: ArmRequest) -> Response:
    return answer(deepcopy(subscription.get(_path(subscription, asked)).body))


def _list(subscription: Subscription, asked: ArmRequest) -> Response:
    interfaces = subscription.of_group(NIC, asked.parameters["group"])
    return page(subscription, asked, [deepcopy(each.body) for each in interfaces])


def _list_all(subscription: Subscription, asked: ArmRequest) -> Response:
    interfaces = subscription.of_type(NIC)
    return page(subscription, asked, [deepcopy(each.body) for each in interfaces])


def _put(subscription: Subscription, asked: ArmRequest) -> Response:
    """Write an interface as the body has it: what the body omits is gone afterwards."""
    body, path = asked.body, _path(subscription, asked)
    properties = deepcopy(body.get("properties") or {})
    present = subscription.resources.get(path.lower())
    _refuse_bad(subscription, path, body, properties)
    refuse_other_version(asked, present)
    if present is not None:
        refuse_in_progress(present)
        _refuse_move(present, body)
    else:
        subscription.of_group(NIC, asked.parameters["group"])  # which must exist
    before = deepcopy(present.body) if present else None
    interface = present or subscription.put(
        NIC,
        asked.parameters["group"],
        asked.parameters["name"],
        location=body["location"],
        properties={"resourceGuid": str(uuid.uuid4())},
    )
    was = interface.properties
    kept = {key: was[key] for key in _READ_ONLY if key in was}
    interface.body |= {
        "etag": etag(),
        "tags": dict(body.get("tags") or {}),
        "properties": {**properties, **kept, "provisioningState": "Updating"},
    }
    _fill_configurations(interface, was.get("ipConfigurations") or [])
    group = group_of(properties)
    if group:
        interface.properties["networkSecurityGroup"] = {"id": subscription.get(group).id}
    else:
        interface.properties.pop("networkSecurityGroup", None)

    def finish() -> None:
        interface.properties["provisioningState"] = "Succeeded"
        interface.effective = group_of(interface.properties).lower()

    def fail() -> None:
        if before is None:
            subscription.remove(interface)
        else:
            interface.body = before
            interface.properties["provisioningState"] = "Failed"

    operation = begin(
        subscription,
        asked,
        [interface],
        finish=finish,
        fail=fail,
        result=lambda: deepcopy(interface.body),
    )
    status = 200 if before is not None else 201
    return accepted(subscription, asked, operation, deepcopy(interface.body), status)


def _fill_configurations(interface: Resource, before: list[dict[str, Any]]) -> None:
    """Fill in what a writer cannot give or need not repeat: ids, states, dynamic addresses."""
    known = {each["name"]: each["properties"] for each in before}
    for each in interface.properties["ipConfigurations"]:
        each["id"] = f"{interface.id}/ipConfigurations/{each['name']}"
        was = known.get(each["name"], {})
        address = {k: was[k] for k in ("privateIPAddress",) if k in was}
        each["properties"] = {**address, **each["properties"], "provisioningState": "Succeeded"}


def _refuse_bad(
    subscription: Subscription, path: str, body: dict[str, Any], properties: dict[str, Any]
) -> None:
    """Refuse a body that lacks what an interface needs, or refers to what is not there."""
    if not body.get("location"):
        message = "The location property is required for this definition."
        raise ArmError("LocationRequired", message)
    if not properties.get("ipConfigurations"):
        message = f"Network interface {path} must have one or more IP configurations."
        raise ArmError("NetworkInterfaceMustHaveAtLeastOneIpConfiguration", message)
    group = group_of(properties)
    if group and group.lower() not in subscription.resources:
        message = (
            f"Resource {group} referenced by resource {path} was not found. Please make sure "
            "that the referenced resource exists, and that both resources are in the same region."
        )
        raise ArmError("InvalidResourceReference", message)


def _refuse_move(present: Resource, body: dict[str, Any]) -> None:
    if body["location"].lower() != present.body["location"].lower():
        message = (
            f"The resource '{present.name}' already exists in location "
            f"'{present.body['location']}'. A resource with the same name cannot be created in "
            f"location '{body['location']}'."
        )
        raise ArmError("InvalidResourceLocation", message, 409)


ROUTES = (
    Route("GET", _ONE, "NetworkInterfaces_Get", f"{NIC}/read", _get),
    Route("GET", f"{GROUP}{_ALL}", "NetworkInterfaces_List", f"{NIC}/read", _list),
    Route("GET", f"{SUBSCRIPTION}{_ALL}", "NetworkInterfaces_ListAll", f"{NIC}/read", _list_all),
    Route(
        "PUT",
        _ONE,
        "NetworkInterfaces_CreateOrUpdate",
        f"{NIC}/write",
        _put,
        linked=_linked,
    ),
)
