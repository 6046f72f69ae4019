"""Virtual machines, scale set instances and disks as ARM describes them, with their states."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

from bridge.model.record import Record
from providers.azure.ids import ResourceId
from providers.azure.session import AzureSession
from providers.refusals import DeniedError, RefusedError

FEW: Final = 8
"""Up to so many resources of a subscription are read by a call each, side by side; more by
listing the subscription. A list takes one call for some hundred resources, but all of the
subscription's, and Azure counts it dearer ("Understanding how Azure Resource Manager throttles
requests" and "Troubleshoot API throttling errors" for Compute)."""

Described = Mapping[str, Any]
Seen = dict[ResourceId, dict[str, Any]]


async def machines(session: AzureSession, ids: Iterable[ResourceId], *, model: bool = True) -> Seen:
    """Return the virtual machines that exist, with their instance view.

    With ``model`` also what they are made of and their tags; without it, many come by one list
    that has only their states. Raises ProviderError.
    """

    async def one(which: ResourceId) -> dict[str, Any]:
        return await session.get(
            which.subscription,
            "compute",
            "virtual_machines.get",
            which.group,
            which.name,
            expand="instanceView",
        )

    async def listed(subscription: str) -> Seen:
        every = "virtual_machines.list_all"
        states = _listed(session, subscription, "compute", every, status_only="true")
        if not model:
            return await states
        wholes = _listed(session, subscription, "compute", every)
        by_state, by_model = await asyncio.gather(states, wholes)
        return {
            which: _with_view(machine, by_state[which])
            for which, machine in by_model.items()
            if which in by_state
        }

    return await _found(set(ids), one, listed)


async def disks(session: AzureSession, ids: Iterable[ResourceId]) -> Seen:
    """Return the managed disks that exist. Raises ProviderError."""

    async def one(which: ResourceId) -> dict[str, Any]:
        return await session.get(
            which.subscription, "compute", "disks.get", which.group, which.name
        )

    async def listed(subscription: str) -> Seen:
        return await _listed(session, subscription, "compute", "disks.list")

    return await _found(set(ids), one, listed)


async def interfaces(session: AzureSession, ids: Iterable[ResourceId]) -> Seen:
    """Return the network interfaces that exist. Raises ProviderError."""

    async def one(which: ResourceId) -> dict[str, Any]:
        return await session.get(
            which.subscription, "network", "network_interfaces.get", which.group, which.name
        )

    async def listed(subscription: str) -> Seen:
        return await _listed(session, subscription, "network", "network_interfaces.list_all")

    return await _found(set(ids), one, listed)


async def list_machines(session: AzureSession, subscription: str, group: str | None) -> Seen:
    """Return the virtual machines of a subscription or of one of its groups, without states.

    Raises ProviderError.
    """
    every = "virtual_machines.list_all" if group is None else "virtual_machines.list"
    where = () if group is None else (group,)
    return await _listed(session, subscription, "compute", every, *where)


async def list_disks(session: AzureSession, subscription: str, group: str | None) -> Seen:
    """Return the managed disks of a subscription or of one of its groups. Raises ProviderError."""
    every = "disks.list" if group is None else "disks.list_by_resource_group"
    where = () if group is None else (group,)
    return await _listed(session, subscription, "compute", every, *where)


async def instances(session: AzureSession, ids: Iterable[ResourceId]) -> Seen:
    """Return the scale set instances that exist, by one list for each scale set.

    Raises ProviderError.
    """
    wanted = set(ids)
    sets = sorted({which.parent for which in wanted})
    found = await asyncio.gather(*(instances_of(session, one) for one in sets))
    return {w: one for seen in found for w, one in seen.items() if w in wanted}


async def instances_of(session: AzureSession, scale_set: ResourceId) -> Seen:
    """Return a scale set's instances with their states; none when it does not exist.

    Raises ProviderError.
    """
    try:
        return await _listed(
            session,
            scale_set.subscription,
            "compute",
            "virtual_machine_scale_set_vms.list",
            scale_set.group,
            scale_set.name,
            expand="instanceView",
        )
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return {}


def resource_of(record: Record) -> ResourceId:
    """Return the parts of a record's resource."""
    return ResourceId.of(record.resource)


def power_of(described: Described | None) -> str:
    """Return ``running``, ``stopped``, ``deallocated``, ``starting`` …; empty where unsaid."""
    return _status(described, "PowerState/")


def provisioning_of(described: Described | None) -> str:
    """Return ``succeeded``, ``updating`` or ``failed``, as the instance view has it."""
    return _status(described, "ProvisioningState/")


def provisioned(described: Described) -> str:
    """Return the ``provisioningState`` of a resource that has no instance view."""
    return str(properties(described).get("provisioningState", "")).lower()


def tags_of(described: Described) -> dict[str, str]:
    """Return a resource's tags."""
    return dict(described.get("tags") or {})


def properties(described: Described) -> Described:
    """Return a resource's ``properties``."""
    found: Described = described.get("properties") or {}
    return found


async def _found(
    wanted: set[ResourceId],
    one: Callable[[ResourceId], Coroutine[Any, Any, dict[str, Any]]],
    listed: Callable[[str], Coroutine[Any, Any, Seen]],
) -> Seen:
    """Read few by a call each and many by lists; who is in no list is asked for by name.

    A list leaves out what the identity may not read, and may lag behind.
    """
    by_subscription: dict[str, list[ResourceId]] = defaultdict(list)
    for which in sorted(wanted):
        by_subscription[which.subscription].append(which)

    async def of(subscription: str, ids: Sequence[ResourceId]) -> Seen:
        seen: Seen = {}
        if len(ids) > FEW:
            try:
                seen = await listed(subscription)
            except DeniedError:
                seen = {}  # whose rights are on resource groups may read each, but list none
        rest = [which for which in ids if which not in seen]
        answers = await asyncio.gather(*(_existing(one(which)) for which in rest))
        return {which: seen[which] for which in ids if which in seen} | {
            which: answer for which, answer in zip(rest, answers, strict=True) if answer
        }

    parts = await asyncio.gather(*(of(*item) for item in by_subscription.items()))
    return {which: described for part in parts for which, described in part.items()}


async def _existing(answer: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return await answer
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return None


async def _listed(
    session: AzureSession,
    subscription: str,
    client: str,
    operation: str,
    *arguments: str,
    **options: str,
) -> Seen:
    return {
        ResourceId.of(item["id"]): item
        async for page in session.pages(subscription, client, operation, *arguments, **options)
        for item in page
    }


def _with_view(machine: dict[str, Any], state: Described) -> dict[str, Any]:
    view = properties(state).get("instanceView")
    return {**machine, "properties": {**properties(machine), "instanceView": view}}


def _status(described: Described | None, prefix: str) -> str:
    view = properties(described or {}).get("instanceView") or {}
    for status in view.get("statuses") or ():
        code = str(status.get("code", ""))
        if code.lower().startswith(prefix.lower()):
            return code[len(prefix) :].partition("/")[0].lower()
    return ""
