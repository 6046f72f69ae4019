"""May the identity do it? Azure lists a caller's rights at a resource, before anything happens."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from re import IGNORECASE, fullmatch
from typing import Any, Final

from providers.azure.errors import actor
from providers.azure.ids import ResourceId
from providers.azure.session import AzureSession
from providers.checks import Check, Verdict, note
from providers.contract import Caller, Denial, Permission, Resource, indirect
from providers.refusals import RefusedError

REVIEW_RIGHTS: Final[tuple[Permission, ...]] = indirect(
    "Microsoft.Authorization/permissions/read",
    because="only with it rights that are missing are found before the run, those to undo too",
)

_PROBED: Final = 10
"""Resources of a group that are asked about one by one, where the group's role does not do."""
_LONGEST_REASON: Final = 512


def allowed(permissions: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether one of the roles has the action among its ``actions`` and not its ``notActions``.

    Roles add up, and ``notActions`` take away from their own role only ("Understand Azure role
    definitions"); ``*`` stands for anything, and case does not matter.
    """
    return any(
        _among(one.get("actions"), action) and not _among(one.get("notActions"), action)
        for one in permissions
    )


async def review(
    session: AzureSession,
    resources: Sequence[Resource],
    permissions: Sequence[Permission],
    *,
    kinds: str = "Microsoft.",
) -> list[Denial]:
    """Ask whether the session may do what is required at the resources' groups.

    A group's answer holds for all in it; where it lacks something the resources are asked, since
    the role may be theirs. ``kinds`` narrows to actions that begin so. A caller who may not ask
    is not denied anything. Raises TransientError.
    """
    needed = [p.name for p in permissions if p.need == "required" and p.name.startswith(kinds)]
    groups: dict[str, list[ResourceId]] = defaultdict(list)
    for which in sorted({ResourceId.of(resource.id) for resource in resources}):
        groups[which.group_id].append(which)
    found = await asyncio.gather(*(_review_group(session, ids, needed) for ids in groups.values()))
    return [denial for denial in found if denial is not None]


async def _review_group(
    session: AzureSession, ids: Sequence[ResourceId], needed: Sequence[str]
) -> Denial | None:
    unasked = f"{actor(session.caller)} may not ask for its rights"
    lacking = await _lacking(session, ids[0], needed, group=True)
    if lacking is None:
        _tell(ids[0], needed, Verdict.UNCHECKED, unasked)
        return None
    if not lacking:
        _tell(ids[0], needed, Verdict.OK)
        return None
    probed = [one.parent if len(one.names) > 1 else one for one in ids]
    each = await asyncio.gather(
        *(_lacking(session, one, lacking) for one in sorted(set(probed))[:_PROBED])
    )
    missing = [action for action in lacking if any(action in (one or ()) for one in each)]
    unsure = [a for a in lacking if a not in missing and any(one is None for one in each)]
    granted = [action for action in needed if action not in (*missing, *unsure)]
    _tell(ids[0], granted, Verdict.OK)
    _tell(ids[0], unsure, Verdict.UNCHECKED, unasked)
    if not missing:
        return None
    names = ", ".join(missing)
    reason = (
        f"Not authorized to perform the required action: {actor(session.caller)} may not {names} "
        f"in {ids[0].group_id}."
    )
    mend = role(session.caller, ids[0].group, missing, ids[0].group_id)
    _tell(ids[0], missing, Verdict.MISSING, reason[:_LONGEST_REASON], mend)
    return Denial(reason[:_LONGEST_REASON], mend)


def _tell(
    which: ResourceId, actions: Sequence[str], verdict: Verdict, reason: str = "", mend: str = ""
) -> None:
    for one in actions:
        note(
            Check(
                one,
                verdict,
                "azure",
                which.subscription,
                reason=reason,
                mend=mend,
                region=which.group,
            )
        )


async def _lacking(
    session: AzureSession, which: ResourceId, needed: Sequence[str], *, group: bool = False
) -> list[str] | None:
    """Return what the caller lacks there; None where it may not ask."""
    if group:
        operation: str = "permissions.list_for_resource_group"
        arguments: tuple[str, ...] = (which.group,)
    else:
        provider, kind = which.kind.split("/", 1)
        operation = "permissions.list_for_resource"
        arguments = (which.group, provider, "", kind, which.name)
    try:
        permissions = [
            one
            async for page in session.pages(
                which.subscription, "authorization", operation, *arguments
            )
            for one in page
        ]
    except RefusedError:
        return None
    return [action for action in needed if not allowed(permissions, action)]


def role(caller: Caller, name: str, actions: Sequence[str], scope: str) -> str:
    """Return a custom role with the actions, and the command that assigns it."""
    definition = {
        "Name": f"Faultbridge {name}",
        "Description": "What Faultbridge was missing",
        "Actions": list(actions),
        "AssignableScopes": [scope],
    }
    assignee = caller.identity or "CLIENT-ID"
    return (
        f"az role definition create --role-definition '{json.dumps(definition, indent=2)}'\n"
        f'az role assignment create --assignee {assignee} --role "Faultbridge {name}" '
        f"--scope {scope}"
    )


def _among(patterns: Iterable[str] | None, action: str) -> bool:
    return any(fullmatch(translate(pattern), action, IGNORECASE) for pattern in patterns or ())
