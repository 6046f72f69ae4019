"""What service accounts are granted in Google Cloud: read through Google's API, and put in order.

IAM, "Understanding allow policies": a policy is read, changed and written back whole, with the
etag that it had, so that nobody else's change is lost; version 3 keeps conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from providers.contract import ProviderError
from providers.gcp.rest import Call
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

TOKEN_CREATOR: Final = "roles/iam.serviceAccountTokenCreator"  # noqa: S105 - a role's name
SHOWN: Final = ("title", "description", "stage", "includedPermissions")
"""Members of a custom role that are compared and written."""
_VERSION: Final = 3


@dataclass(frozen=True)
class Held:
    """One binding of somebody, with what its role holds."""

    role: str
    permissions: frozenset[str]
    condition: str = ""
    """In words, where it holds for some resources only."""


@dataclass(frozen=True)
class Where:
    """What has an allow policy: a project, or a service account of one."""

    project: str
    account: str = ""

    @property
    def service(self) -> str:
        """The API that keeps it."""
        return "iam" if self.account else "cloudresourcemanager"

    def __str__(self) -> str:
        """Return it in words."""
        return f"service account {self.account}" if self.account else f"project {self.project}"


def home_of(account: str) -> Where:
    """Return a service account with its project, which its address names."""
    return Where(account.rpartition("@")[2].partition(".")[0], account)


async def policy_of(session: GcpSession, where: Where) -> dict[str, Any]:
    """Return an allow policy, with its etag. Raises ProviderError."""
    if where.account:
        version = (("options.requestedPolicyVersion", str(_VERSION)),)
        return await _call(session, where, "getIamPolicy", None, version)
    options = {"options": {"requestedPolicyVersion": _VERSION}}
    return await _call(session, where, "getIamPolicy", options)


async def put_policy(session: GcpSession, where: Where, policy: Mapping[str, Any]) -> None:
    """Write an allow policy back upon the one whose etag it has. Raises ProviderError."""
    body = {"policy": {**policy, "version": _VERSION}}
    await _call(session, where, "setIamPolicy", body)


async def role_of(session: GcpSession, project: str, name: str) -> dict[str, Any] | None:
    """Return a role by its full name, None where there is none such. Raises ProviderError."""
    call = Call("iam", "roles.get", f"v1/{name}", verb="GET")
    try:
        return await session.ask(project, call)
    except RefusedError as error:
        if not error.gone:
            raise
        return None


async def put_role(
    session: GcpSession, project: str, role_id: str, wanted: Mapping[str, Any], etag: str
) -> None:
    """Write a custom role: with an etag upon that very version, without one a new one.

    Raises ProviderError.
    """
    if etag:
        path, query = f"v1/projects/{project}/roles/{role_id}", (("updateMask", ",".join(SHOWN)),)
        body = {**wanted, "etag": etag}
        call = Call("iam", "projects.roles.patch", path, body, "PATCH", query)
    else:
        body = {"roleId": role_id, "role": dict(wanted)}
        call = Call("iam", "projects.roles.create", f"v1/projects/{project}/roles", body)
    await session.ask(project, call)


async def held_by(
    session: GcpSession, project: str, policy: Mapping[str, Any], member: str
) -> tuple[list[Held], list[str]]:
    """Return what a policy gives to a member by name, and what could not be read of it."""
    found, unread = [], []
    for one in policy.get("bindings", ()):
        if member not in one.get("members", ()):
            continue
        try:
            role = await role_of(session, project, one["role"])
        except ProviderError as error:
            unread.append(f"{one['role']}: {error}")
            continue
        holds = frozenset((role or {}).get("includedPermissions", ()))
        condition = one.get("condition") or {}
        words = str(condition.get("title") or condition.get("expression") or "")
        found.append(Held(one["role"], holds, words))
    return found, unread


def bound(policy: Mapping[str, Any], role: str, member: str) -> dict[str, Any]:
    """Return a policy in which a member has a role without a condition; nothing else changes."""
    changed = deepcopy(dict(policy))
    bindings: list[dict[str, Any]] = changed.setdefault("bindings", [])
    mine = binding_of(changed, role)
    if mine is None:
        bindings.append({"role": role, "members": [member]})
    elif member not in mine["members"]:
        mine["members"] = [*mine["members"], member]
    return changed


def binding_of(policy: Mapping[str, Any], role: str) -> dict[str, Any] | None:
    """Return the binding of a role that has no condition, None where there is none."""
    for one in policy.get("bindings", ()):
        if one.get("role") == role and not one.get("condition"):
            found: dict[str, Any] = one
            return found
    return None


def followed_by_nobody(policy: Mapping[str, Any]) -> list[str]:
    """Return members of a policy that stand for several: who is among them is not known."""
    return sorted(
        {
            member
            for one in policy.get("bindings", ())
            for member in one.get("members", ())
            if member.partition(":")[0] in ("group", "domain", "principalSet")
        }
    )


async def _call(
    session: GcpSession,
    where: Where,
    verb: str,
    body: dict[str, Any] | None,
    query: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    if where.account:
        path = f"v1/projects/-/serviceAccounts/{where.account}:{verb}"
        call = Call("iam", f"serviceAccounts.{verb}", path, body, "POST", tuple(query))
    else:
        path = f"v3/projects/{where.project}:{verb}"
        call = Call("cloudresourcemanager", f"projects.{verb}", path, body)
    return await session.ask(where.project, call)
