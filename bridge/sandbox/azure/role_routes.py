"""Microsoft.Authorization: role definitions and role assignments (REST API 2022-04-01)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.request import ArmRequest, Route
from bridge.sandbox.azure.roles import Assignment, Definition, within
from bridge.sandbox.azure.subscription import Subscription

_DEFINITIONS = "/{scope}/providers/Microsoft.Authorization/roleDefinitions"
_ASSIGNMENTS = "/{scope}/providers/Microsoft.Authorization/roleAssignments"
_RIGHT = "Microsoft.Authorization"
_BY_NAME = re.compile(r"roleName eq '(?P<value>[^']+)'", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?:atScope\(\) and )?assignedTo\('(?P<value>[^']+)'\)|principalId eq '(?P<direct>[^']+)'",
    re.IGNORECASE,
)
_PERMISSION = ("actions", "notActions", "dataActions", "notDataActions")


def _scope(subscription: Subscription, asked: ArmRequest) -> str:
    """Answer the scope in the path: the subscription, a group, or a resource of it."""
    scope = "/" + asked.parameters["scope"].strip("/")
    if not within(scope, subscription.roles.scope):
        message = f"The sandbox has no scope {scope}"
        raise ArmError("NotImplemented", message, 501)
    return scope


def _list_definitions(subscription: Subscription, asked: ArmRequest) -> Response:
    scope, wanted = _scope(subscription, asked), ""
    if asked.query("$filter"):
        match = _BY_NAME.fullmatch(asked.query("$filter"))
        if match is None:
            raise _not_emulated(asked)
        wanted = match["value"].lower()
    found = [
        one.rendered(subscription.id)
        for one in subscription.roles.definitions.values()
        if any(one.kind == "BuiltInRole" or within(scope, each) for each in one.assignable)
        and wanted in ("", one.name.lower())
    ]
    return page(subscription, asked, found)


def _get_definition(subscription: Subscription, asked: ArmRequest) -> Response:
    _scope(subscription, asked)
    return answer(_definition(subscription, asked.parameters["name"]).rendered(subscription.id))


def _definition(subscription: Subscription, guid: str) -> Definition:
    found = subscription.roles.definitions.get(guid.lower())
    if found is None:
        message = f"The specified role definition with ID '{guid}' does not exist."
        raise ArmError("RoleDefinitionDoesNotExist", message, 404)
    return found


def _put_definition(subscription: Subscription, asked: ArmRequest) -> Response:
    _scope(subscription, asked)
    guid, roles = asked.parameters["name"].lower(), subscription.roles
    given: Mapping[str, Any] = asked.body.get("properties") or {}
    before = roles.definitions.get(guid)
    if not _is_guid(guid) or (before is not None and before.kind == "BuiltInRole"):
        raise ArmError("InvalidRoleDefinitionId", f"The role definition ID '{guid}' is not valid.")
    name, scopes = given.get("roleName"), given.get("assignableScopes") or []
    if not name or not scopes or given.get("type", "CustomRole") != "CustomRole":
        message = "A custom role has a roleName, the type CustomRole and assignableScopes."
        raise ArmError("BadRequestFormat", message)
    for other in roles.definitions.values():
        if other.guid != guid and other.name.lower() == name.lower():
            message = f"A custom role with the same name already exists in this directory: {name}."
            raise ArmError("RoleDefinitionWithSameNameExists", message, 409)
    for each in scopes:
        if not within(each, roles.scope):
            message = f"The assignable scope '{each}' is not valid."
            raise ArmError("LinkedInvalidPropertyId", message)
    permissions = [
        {key: list(each.get(key) or ()) for key in _PERMISSION}
        for each in given.get("permissions") or ()
    ]
    made = Definition(
        guid, name, permissions, list(scopes), description=given.get("description", "")
    )
    roles.definitions[guid] = made
    return answer(made.rendered(subscription.id), 201)


def _list_assignments(subscription: Subscription, asked: ArmRequest) -> Response:
    scope, principal = _scope(subscription, asked), ""
    if asked.query("$filter"):
        match = _ASSIGNED.fullmatch(asked.query("$filter"))
        if match is None:
            raise _not_emulated(asked)
        principal = match["value"] or match["direct"]
    found = [
        _rendered(subscription, one)
        for one in subscription.roles.assignments.values()
        if within(scope, one.scope) and principal in ("", one.principal)
    ]
    return page(subscription, asked, found)


def _put_assignment(subscription: Subscription, asked: ArmRequest) -> Response:
    scope, roles = _scope(subscription, asked), subscription.roles
    given: Mapping[str, Any] = asked.body.get("properties") or {}
    for key in given:
        if key not in ("roleDefinitionId", "principalId", "principalType"):
            raise ArmError("NotImplemented", f"The sandbox does not emulate {key}", 501)
    principal = str(given.get("principalId", ""))
    if not subscription.identities.knows(principal):
        message = f"Principal {principal} does not exist in the directory."
        raise ArmError("PrincipalNotFound", message)
    definition = _definition(subscription, str(given.get("roleDefinitionId")).rpartition("/")[2])
    if definition.kind != "BuiltInRole" and not any(
        within(scope, s) for s in definition.assignable
    ):
        message = f"The role definition '{definition.guid}' is not assignable at scope '{scope}'."
        raise ArmError("RoleDefinitionNotAvailable", message)
    wanted = Assignment(asked.parameters["name"].lower(), scope, principal, definition.guid)
    for other in roles.assignments.values():
        same = (other.scope.lower(), other.principal, other.definition) == (
            scope.lower(),
            principal,
            definition.guid,
        )
        if same and other.name != wanted.name:
            raise ArmError("RoleAssignmentExists", "The role assignment already exists.", 409)
        if not same and other.name == wanted.name:
            message = (
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
            )
            raise ArmError("RoleAssignmentUpdateNotPermitted", message)
    roles.assign(wanted)
    return answer(_rendered(subscription, wanted), 201)


def _rendered(subscription: Subscription, one: Assignment) -> dict[str, Any]:
    definition = subscription.roles.definitions[one.definition]
    return {
        "id": f"{one.scope}/providers/Microsoft.Authorization/roleAssignments/{one.name}",
        "name": one.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": definition.id(subscription.id),
            "principalId": one.principal,
            "principalType": "ServicePrincipal",
            "scope": one.scope,
        },
    }


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _not_emulated(asked: ArmRequest) -> ArmError:
    message = f"The sandbox does not emulate the filter {asked.query('$filter')}"
    return ArmError("NotImplemented", message, 501)


def _route(
    method: str, template: str, operation: str, right: str, handler: Any, *, filters: bool = False
) -> Route:
    return Route(
        method,
        template,
        operation,
        f"{_RIGHT}/{right}",
        handler,
        names=lambda _: (),
        filters=filters,
    )


ROUTES = (
    _route(
        "GET",
        _DEFINITIONS,
        "RoleDefinitions_List",
        "roleDefinitions/read",
        _list_definitions,
        filters=True,
    ),
    _route(
        "GET",
        _DEFINITIONS + "/{name}",
        "RoleDefinitions_Get",
        "roleDefinitions/read",
        _get_definition,
    ),
    _route(
        "PUT",
        _DEFINITIONS + "/{name}",
        "RoleDefinitions_CreateOrUpdate",
        "roleDefinitions/write",
        _put_definition,
    ),
    _route(
        "GET",
        _ASSIGNMENTS,
        "RoleAssignments_ListForScope",
        "roleAssignments/read",
        _list_assignments,
        filters=True,
    ),
    _route(
        "PUT",
        _ASSIGNMENTS + "/{name}",
        "RoleAssignments_Create",
        "roleAssignments/write",
        _put_assignment,
    ),
)
