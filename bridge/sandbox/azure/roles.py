"""Role definitions and role assignments, and what they let somebody do.

Azure RBAC, "Understand role definitions" and "Understand role assignments"; Authorization REST API
2022-04-01. Of built-in roles there is Owner only. Not evaluated: data actions, conditions, deny
assignments, groups.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from typing import Any

OWNER_ROLE = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
"""The id of Owner in every tenant (Azure built-in roles)."""
_PROVIDER = "/providers/Microsoft.Authorization"


@dataclass(slots=True)
class Definition:
    """One role definition."""

    guid: str
    name: str
    permissions: list[dict[str, Any]]
    assignable: list[str]
    kind: str = "CustomRole"
    description: str = ""

    def id(self, subscription: str) -> str:
        """Answer its id, which names the subscription whatever it is assignable at."""
        return f"/subscriptions/{subscription}{_PROVIDER}/roleDefinitions/{self.guid}"

    def rendered(self, subscription: str) -> dict[str, Any]:
        """Answer it as the API does."""
        return {
            "id": self.id(subscription),
            "name": self.guid,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {
                "roleName": self.name,
                "type": self.kind,
                "description": self.description,
                "assignableScopes": self.assignable,
                "permissions": self.permissions,
            },
        }


@dataclass(frozen=True, slots=True)
class Assignment:
    """One role assignment."""

    name: str
    scope: str
    principal: str
    definition: str
    """The guid of the role definition."""


@dataclass
class Roles:
    """What is defined and assigned in the subscription."""

    subscription: str = ""
    definitions: dict[str, Definition] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    """By id, in lower case."""

    @property
    def scope(self) -> str:
        """The subscription as a scope."""
        return f"/subscriptions/{self.subscription}"

    def clear(self) -> None:
        """Leave Owner, assigned to nobody."""
        everything = [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]
        owner = Definition(OWNER_ROLE, "Owner", everything, ["/"], "BuiltInRole")
        self.definitions = {OWNER_ROLE: owner}
        self.assignments = {}

    def grant(self, principal: str, actions: Iterable[str]) -> None:
        """Give a principal these actions in the subscription, instead of all that it had."""
        self.assignments = {
            key: one for key, one in self.assignments.items() if one.principal != principal
        }
        guid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"role of {principal}"))
        if wanted := list(actions):
            permission = {"actions": wanted, "notActions": []}
            empty: dict[str, Any] = {"dataActions": [], "notDataActions": []}
            name = f"Sandbox {principal}"
            self.definitions[guid] = Definition(guid, name, [permission | empty], [self.scope])
            self.assign(Assignment(guid, self.scope, principal, guid))

    def assign(self, one: Assignment) -> str:
        """Store an assignment; answer its id."""
        assignment_id = f"{one.scope}{_PROVIDER}/roleAssignments/{one.name}"
        self.assignments[assignment_id.lower()] = one
        return assignment_id

    def of(self, principal: str, scope: str) -> Iterator[tuple[Assignment, Definition]]:
        """Yield what is assigned to a principal at a scope, or above it."""
        for one in self.assignments.values():
            if one.principal == principal and within(scope, one.scope):
                yield one, self.definitions[one.definition]

    def permissions(self, principal: str, scope: str) -> list[Mapping[str, Any]]:
        """Answer the permissions of a principal at a scope, role by role."""
        return [each for _, role in self.of(principal, scope) for each in role.permissions]

    def allow(self, principal: str, action: str, scope: str) -> bool:
        """Whether a principal may do something; ``notActions`` take from their own role only."""
        return any(
            _among(tuple(one.get("actions", ())), action)
            and not _among(tuple(one.get("notActions", ())), action)
            for one in self.permissions(principal, scope)
        )


def within(scope: str, other: str) -> bool:
    """Whether a scope is another one, or lies in it; case does not matter."""
    inner, outer = scope.lower().rstrip("/"), other.lower().rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/")


def _among(patterns: tuple[str, ...], action: str) -> bool:
    return _pattern(patterns).match(action) is not None


@lru_cache(maxsize=256)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)) or r"(?!)", re.IGNORECASE)
