"""Microsoft.Authorization/permissions: what the caller may do with a resource."""

from __future__ import annotations

from werkzeug.wrappers import Response

from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.request import ArmRequest, Route
from bridge.sandbox.azure.subscription import Subscription

_RIGHT = "Microsoft.Authorization/permissions/read"
_PERMISSIONS = "/providers/Microsoft.Authorization/permissions"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_RESOURCE = _GROUP + "/providers/{scope}"


def _of_resource(subscription: Subscription, asked: ArmRequest) -> Response:
    resource_id = asked.path[: -len(_PERMISSIONS)].replace("//", "/")
    subscription.get(resource_id)
    return _granted(subscription, asked)


def _of_group(subscription: Subscription, asked: ArmRequest) -> Response:
    subscription.of_group("", asked.parameters["group"])
    return _granted(subscription, asked)


def _granted(subscription: Subscription, asked: ArmRequest) -> Response:
    scope = asked.path[: -len(_PERMISSIONS)].replace("//", "/")
    found = [dict(one) for one in subscription.roles.permissions(asked.principal, scope)]
    return page(subscription, asked, found)


ROUTES = (
    Route(
        "GET",
        _GROUP + _PERMISSIONS,
        "Permissions_ListForResourceGroup",
        _RIGHT,
        _of_group,
        names=lambda _: (),
    ),
    Route(
        "GET",
        _RESOURCE + _PERMISSIONS,
        "Permissions_ListForResource",
        _RIGHT,
        _of_resource,
        names=lambda asked: (asked.path[: -len(_PERMISSIONS)].replace("//", "/"),),
    ),
)
