"""May the identity do it? Compute Engine says which permissions a caller has on a resource.

``testIamPermissions`` is asked on one resource per project. It cannot tell what is granted on
some resources only (an IAM condition on names or tags, a binding on another instance), nor what
is no permission: an organization policy, a service perimeter, an API that is not enabled; nor
rights that are checked elsewhere (``compute.zoneOperations.get`` on the project). What it finds
missing is missing, what it finds may still be refused, and is then told by its record.

Firewall rules, networks and groups cannot be asked so. The project can (Resource Manager): what the
identity has in all of it, it has. What it has not there it may still have for some resources, by
an IAM condition, and nobody can be asked about those: that is told, and denies nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from providers.checks import Check, Verdict, note
from providers.contract import Caller, Denial, ProviderError, Resource, RightAsked
from providers.gcp.clients import Body
from providers.gcp.describe import read
from providers.gcp.errors import actor
from providers.gcp.names import Name
from providers.gcp.rest import Call
from providers.gcp.session import GcpSession
from providers.refusals import DeniedError, RefusedError

_LONGEST_REASON: Final = 512
_ASKED_AT_ONCE: Final = 100
"""Permissions in one testIamPermissions call (Resource Manager API reference)."""


async def missing_rights(
    session: GcpSession, resources: Sequence[Resource], permissions: Sequence[str]
) -> list[Denial]:
    """Ask on one resource of each project for permissions that are tested on its kind.

    Raises TransientError.
    """
    probes: dict[str, Name] = {}
    for resource in resources:
        name = Name.of(resource.id)
        probes.setdefault(name.project, name)
    asked = (_ask(session, name, permissions) for name in probes.values())
    return [denial for denial in await asyncio.gather(*asked) if denial is not None]


async def _ask(session: GcpSession, name: Name, permissions: Sequence[str]) -> Denial | None:
    content = {"permissions": list(permissions)}
    body = Body("test_permissions_request_resource", "TestPermissionsRequest", content)
    try:
        answer = await session.call(
            name.collection, "testIamPermissions", body, **name.place, resource=name.name
        )
    except DeniedError as refusal:
        mend = role_commands(session.caller, name.project, permissions)
        _tell(name, permissions, Verdict.MISSING, str(refusal), mend)
        return Denial(str(refusal)[:_LONGEST_REASON], mend)
    except RefusedError as refusal:
        _tell(name, permissions, Verdict.UNCHECKED, str(refusal))
        return None  # it is gone: left for prepare to explain
    granted = answer.get("permissions", [])
    _tell(name, [one for one in permissions if one in granted], Verdict.OK)
    if lacking := [one for one in permissions if one not in granted]:
        reason = (
            f"Not authorized to perform the required action: {actor(session.caller)} may not "
            f"{', '.join(lacking)} in the project {name.project} (asked on {name.path})."
        )
        mend = role_commands(session.caller, name.project, lacking)
        _tell(name, lacking, Verdict.MISSING, reason, mend)
        return Denial(reason[:_LONGEST_REASON], mend)
    return None


async def readable(session: GcpSession, name: Name) -> list[Denial]:
    """Read a resource, which need not be there, and so see whether the identity may.

    Raises TransientError.
    """
    right = f"compute.{name.collection}.get"
    try:
        await read(session, name)
    except DeniedError as refusal:
        mend = role_commands(session.caller, name.project, [right])
        _tell(name, [right], Verdict.MISSING, str(refusal), mend)
        return [Denial(str(refusal)[:_LONGEST_REASON], mend)]
    except RefusedError as refusal:
        _tell(name, [right], Verdict.UNCHECKED, str(refusal))
        return []
    _tell(name, [right], Verdict.OK)
    return []


async def foretell(session: GcpSession, rights: Sequence[RightAsked]) -> None:
    """Note of each right whether the identity has it in all of its project.

    Never raises ProviderError.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in rights:
        wanted[one.account].add(one.name)
    await asyncio.gather(*(in_project(session, p, sorted(wanted[p])) for p in sorted(wanted)))


async def in_project(session: GcpSession, project: str, permissions: Sequence[str]) -> None:
    """Note of each permission whether the identity has it in all of a project.

    Never raises ProviderError.
    """
    for first in range(0, len(permissions), _ASKED_AT_ONCE):
        some = list(permissions[first : first + _ASKED_AT_ONCE])
        call = Call(
            "cloudresourcemanager",
            "projects.testIamPermissions",
            f"v3/projects/{project}:testIamPermissions",
            {"permissions": some},
        )
        try:
            granted = (await session.ask(project, call)).get("permissions", [])
        except ProviderError as error:
            why = f"the project could not be asked: {error}"
            note(*(_unchecked(one, project, why) for one in some))
            continue
        for one in some:
            if one in granted:
                note(Check(one, Verdict.OK, "gcp", project))
                continue
            why = (
                f"{actor(session.caller)} does not have it in all of the project {project}; "
                "whether it has it for some resources (an IAM condition) nobody can ask"
            )
            note(_unchecked(one, project, why, role_commands(session.caller, project, [one])))


def _unchecked(permission: str, project: str, reason: str, mend: str = "") -> Check:
    return Check(
        permission, Verdict.UNCHECKED, "gcp", project, reason=reason[:_LONGEST_REASON], mend=mend
    )


def _tell(
    name: Name, permissions: Sequence[str], verdict: Verdict, reason: str = "", mend: str = ""
) -> None:
    for one in permissions:
        note(Check(one, verdict, "gcp", name.project, reason=reason[:_LONGEST_REASON], mend=mend))


def role_commands(caller: Caller, project: str, permissions: Sequence[str]) -> str:
    """Return the commands that grant exactly these permissions in a project."""
    names = ",".join(permissions)
    # A role's id can neither be reused for a week after deletion nor hold other permissions.
    role = f"faultbridge_{sha256(names.encode()).hexdigest()[:8]}"
    account = caller.identity or "ACCOUNT-OF-THE-BRIDGE"
    return (
        f"gcloud iam roles create {role} --project={project} --permissions={names} && "
        f"gcloud projects add-iam-policy-binding {project} "
        f"--member=serviceAccount:{account} --role=projects/{project}/roles/{role}"
    )
