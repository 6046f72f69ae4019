"""Allow policies and custom roles, and what they let somebody do.

IAM, "Understanding allow policies" (bindings, etag, conditions) and "Understanding IAM custom
roles". Of conditions only ``resource.name.startsWith("…")`` is evaluated; members are service
accounts. Of the predefined roles those are known that the sandbox itself binds.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.gcp.errors import GoogleError, not_emulated

OWNER_ROLE = "roles/owner"
TOKEN_CREATOR = "roles/iam.serviceAccountTokenCreator"  # noqa: S105 - a role's name
GET_TOKEN = "iam.serviceAccounts.getAccessToken"  # noqa: S105 - a permission's name
DELEGATE = "iam.serviceAccounts.implicitDelegation"
PREDEFINED: Mapping[str, tuple[str, ...]] = {
    TOKEN_CREATOR: (
        "iam.serviceAccounts.get",
        GET_TOKEN,
        "iam.serviceAccounts.getOpenIdToken",
        DELEGATE,
        "iam.serviceAccounts.list",
        "iam.serviceAccounts.signBlob",
        "iam.serviceAccounts.signJwt",
    )
}
"""IAM roles reference, as far as the sandbox binds them; an owner may do everything."""
_STARTS = re.compile(r'resource\.name\.startsWith\("([^"\\]+)"\)')
_CUSTOM = re.compile(r"projects/(?P<project>[^/]+)/roles/(?P<id>[a-zA-Z0-9_.]{3,64})")
_MEMBER = re.compile(r"serviceAccount:[^@\s]+@[a-z0-9.-]+")
_WITH_CONDITIONS = 3


def etag_of(number: int) -> str:
    """Answer an etag as IAM writes it: bytes, in Base64."""
    return base64.b64encode(number.to_bytes(8, "big")).decode()


@dataclass(slots=True)
class Policy:
    """The allow policy of one resource."""

    bindings: list[dict[str, Any]] = field(default_factory=list)
    number: int = 1
    """Of changes: what the etag is made of."""

    def rendered(self, version: int = 1) -> dict[str, Any]:
        """Answer it as getIamPolicy does; without version 3, conditions are hidden in the role."""
        bindings = []
        for one in self.bindings:
            shown = dict(one)
            if version < _WITH_CONDITIONS and shown.pop("condition", None):
                shown["role"] += "_withcond_" + "0" * 20
            bindings.append(shown)
        conditional = any("condition" in one for one in bindings)
        found: dict[str, Any] = {
            "version": _WITH_CONDITIONS if conditional else 1,
            "etag": etag_of(self.number),
        }
        return {**found, "bindings": bindings} if bindings else found

    def replace(self, given: Mapping[str, Any], roles: Roles) -> None:
        """Put another in its place. Raises `GoogleError`, so when the etag is an older one's."""
        for key in given:
            if key not in ("version", "etag", "bindings"):
                raise not_emulated(f"the field {key} of a policy")
        if given.get("etag", etag_of(self.number)) != etag_of(self.number):
            message = (
                "There were concurrent policy changes. Please retry the whole read-modify-write "
                "with exponential backoff."
            )
            raise GoogleError(409, "aborted", message, canonical="ABORTED")
        bindings = [_checked(one, given, roles) for one in given.get("bindings") or ()]
        self.bindings, self.number = bindings, self.number + 1

    def bind(self, role: str, members: Iterable[str]) -> None:
        """Add a binding, from outside of the API."""
        self.bindings.append({"role": role, "members": sorted(members)})
        self.number += 1

    def release(self, member: str) -> None:
        """Take a member out of all bindings, from outside of the API."""
        for one in self.bindings:
            one["members"] = [each for each in one["members"] if each != member]
        self.bindings = [one for one in self.bindings if one["members"]]
        self.number += 1


@dataclass(slots=True)
class Roles:
    """The custom roles of a project, by id."""

    project: str
    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, role_id: str, role: Mapping[str, Any]) -> dict[str, Any]:
        """Store a role under an id, with another etag than before."""
        before = self.by_id.get(role_id, {}).get("etag", etag_of(0))
        number = int.from_bytes(base64.b64decode(before), "big") + 1
        name = f"projects/{self.project}/roles/{role_id}"
        self.by_id[role_id] = {**role, "name": name, "etag": etag_of(number)}
        return self.by_id[role_id]

    def find(self, name: str) -> dict[str, Any] | None:
        """Answer a custom role by its full name."""
        match = _CUSTOM.fullmatch(name)
        if match is None or match["project"] != self.project:
            return None
        return self.by_id.get(match["id"])

    def hold(self, name: str, permission: str) -> bool:
        """Whether a role, custom or predefined, holds a permission."""
        if name == OWNER_ROLE:
            return True
        if name in PREDEFINED:
            return permission in PREDEFINED[name]
        role = self.find(name)
        return role is not None and permission in role.get("includedPermissions", ())


def allows(policy: Policy, roles: Roles, member: str, permission: str, resource: str) -> bool:
    """Whether a policy lets a member do something on a resource (``projects/P/…``)."""
    return any(
        member in one["members"] and roles.hold(one["role"], permission) and _applies(one, resource)
        for one in policy.bindings
    )


def _applies(binding: Mapping[str, Any], resource: str) -> bool:
    condition = binding.get("condition")
    if condition is None:
        return True
    match = _STARTS.fullmatch(condition["expression"])
    return match is not None and resource.startswith(match[1])


def _checked(binding: Mapping[str, Any], policy: Mapping[str, Any], roles: Roles) -> dict[str, Any]:
    """Answer a binding that can be kept. Raises `GoogleError`."""
    role, members = str(binding.get("role", "")), binding.get("members") or []
    known = role in (OWNER_ROLE, *PREDEFINED) or roles.find(role) is not None
    if not known:
        if _CUSTOM.fullmatch(role):
            raise _bad(f"Role ({role}) does not exist in the resource's hierarchy.")
        raise not_emulated(f"the predefined role {role}")
    _check_members(members)
    kept: dict[str, Any] = {"role": role, "members": sorted(set(members))}
    if condition := binding.get("condition"):
        if policy.get("version") != _WITH_CONDITIONS:
            raise _bad("Specified policy version must be 3 for policies with conditions.")
        if not _STARTS.fullmatch(str(condition.get("expression", ""))):
            raise not_emulated(f"the condition {condition.get('expression')!r}")
        kept["condition"] = dict(condition)
    return kept


def _check_members(members: Sequence[Any]) -> None:
    for member in members:
        if not _MEMBER.fullmatch(str(member)):
            raise not_emulated(f"the member {member!r}")


def _bad(message: str) -> GoogleError:
    return GoogleError(400, "badRequest", message)
