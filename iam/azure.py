"""What an identity is granted in Azure: read through Resource Manager, and put in order.

Authorization REST API 2022-04-01. ``atScope() and assignedTo(…)`` finds what counts at a scope,
also what is assigned above it, and to groups that the identity is in.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.azure.session import AzureSession
from providers.contract import ProviderError

SHOWN: Final = ("roleName", "description", "actions", "assignableScopes")
"""Members of a role definition that are compared and written."""
_EXISTS: Final = "RoleAssignmentExists"
_CLIENT: Final = "authorization"


@dataclass(frozen=True)
class Assigned:
    """One role assignment, with what its role holds."""

    id: str
    role: str
    scope: str
    permissions: tuple[Mapping[str, Any], ...]

    @property
    def actions(self) -> list[str]:
        """All actions and patterns of them."""
        return [action for one in self.permissions for action in one.get("actions") or ()]


async def assigned(session: AzureSession, scope: str, object_id: str) -> list[Assigned]:
    """Return the role assignments that count for an identity at a scope. Raises ProviderError."""
    found = []
    filtered = f"atScope() and assignedTo('{object_id}')"
    for one in await _assignments(session, scope, filtered):
        properties = one["properties"]
        role = await _definition(session, properties["roleDefinitionId"])
        permissions = tuple(role.get("permissions") or ())
        name = str(role.get("roleName") or properties["roleDefinitionId"])
        found.append(Assigned(one["id"], name, properties["scope"], permissions))
    return found


async def definition_named(
    session: AzureSession, scope: str, name: str
) -> tuple[str, dict[str, Any]] | None:
    """Return the guid of a custom role, and what is shown of it; None where there is none.

    Raises ProviderError.
    """
    filtered = f"roleName eq '{name}'"
    pages = session.pages(
        _subscription(scope), _CLIENT, "role_definitions.list", _bare(scope), filter=filtered
    )
    async for page in pages:
        for one in page:
            return str(one["name"]), shown(one["properties"])
    return None


def shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared of a role definition."""
    permissions: Sequence[Mapping[str, Any]] = properties.get("permissions") or ()
    actions = [action for one in permissions for action in one.get("actions") or ()]
    return {
        "roleName": properties.get("roleName"),
        "description": properties.get("description"),
        "actions": actions,
        "assignableScopes": list(properties.get("assignableScopes") or ()),
    }


async def put_definition(
    session: AzureSession, scope: str, guid: str, wanted: Mapping[str, Any]
) -> None:
    """Write a custom role, given as ``shown`` returns it. Raises ProviderError."""
    properties = {
        "roleName": wanted["roleName"],
        "type": "CustomRole",
        "description": wanted["description"],
        "assignableScopes": wanted["assignableScopes"],
        "permissions": [{"actions": wanted["actions"], "notActions": []}],
    }
    await _put(session, scope, "role_definitions.create_or_update", guid, properties)


async def assignment_of(
    session: AzureSession, scope: str, guid: str, object_id: str
) -> dict[str, Any] | None:
    """Return what assigns a role at this very scope, None where nothing does.

    Raises ProviderError.
    """
    for one in await _assignments(session, scope, f"principalId eq '{object_id}'"):
        properties: dict[str, Any] = one["properties"]
        here = properties["scope"].lower() == scope.lower()
        if here and properties["roleDefinitionId"].rpartition("/")[2].lower() == guid.lower():
            return assignment(scope, guid, object_id)
    return None


def assignment(scope: str, guid: str, object_id: str) -> dict[str, Any]:
    """Return the properties of a role assignment."""
    role = f"/subscriptions/{_subscription(scope)}/providers/Microsoft.Authorization"
    return {
        "roleDefinitionId": f"{role}/roleDefinitions/{guid}",
        "principalId": object_id,
        "principalType": "ServicePrincipal",
    }


async def put_assignment(session: AzureSession, scope: str, guid: str, object_id: str) -> None:
    """Assign a role; one that is assigned already is well. Raises ProviderError."""
    name = identifier(scope, guid, object_id)
    try:
        properties = assignment(scope, guid, object_id)
        await _put(session, scope, "role_assignments.create", name, properties)
    except ProviderError as error:
        if error.code != _EXISTS:
            raise


def identifier(*parts: str) -> str:
    """Return a guid that is always the same for the same thing, so that a repeat makes no other."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(part.lower() for part in parts)))


async def _assignments(session: AzureSession, scope: str, filtered: str) -> list[dict[str, Any]]:
    operation = "role_assignments.list_for_scope"
    pages = session.pages(_subscription(scope), _CLIENT, operation, _bare(scope), filter=filtered)
    return [one async for page in pages for one in page]


async def _definition(session: AzureSession, definition_id: str) -> dict[str, Any]:
    operation = "role_definitions.get_by_id"
    answer = await session.get(
        _subscription(definition_id), _CLIENT, operation, _bare(definition_id)
    )
    properties: dict[str, Any] = answer.get("properties") or {}
    return properties


async def _put(
    session: AzureSession, scope: str, operation: str, name: str, properties: Mapping[str, Any]
) -> None:
    body = json.dumps({"properties": dict(properties)}).encode()
    await session.get(_subscription(scope), _CLIENT, operation, _bare(scope), name, body)


def _subscription(scope: str) -> str:
    return scope.strip("/").split("/")[1]


def _bare(scope: str) -> str:
    # The SDK puts a slash before what it is given.
    return scope.lstrip("/")
