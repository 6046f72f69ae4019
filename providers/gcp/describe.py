"""Instances and disks as Compute Engine describes them, by full name."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from bridge.model.record import Record
from providers.contract import ProviderError
from providers.gcp.names import Name, canonical
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

FEW: Final = 5
"""So many resources of a zone are read one by one, side by side. Beyond that the zone is listed:
500 come with one answer, and Compute Engine counts requests, not bytes."""

_PARAMETERS: Final = {
    "instances": "instance",
    "disks": "disk",
    "instanceGroupManagers": "instance_group_manager",
    "firewalls": "firewall",
}
_Answer = TypeVar("_Answer")


def kind_of(name: Name) -> str:
    """Return what the SDK calls the kind of a resource: regional ones have clients of their own."""
    if name.location.startswith("regions/"):
        return f"region{name.collection[0].upper()}{name.collection[1:]}"
    return name.collection


def addressed(name: Name) -> dict[str, str]:
    """Return the parameters of a call that name a resource."""
    return {**name.place, _PARAMETERS[name.collection]: name.name}


async def read(session: GcpSession, name: Name) -> dict[str, Any] | None:
    """Return a resource, None where it does not exist. Raises ProviderError."""
    try:
        return await session.call(kind_of(name), "get", **addressed(name))
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return None


async def described(session: GcpSession, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the resources that exist, by full name: of one kind, all in zones.

    Raises ProviderError.
    """
    zones: dict[tuple[str, str], list[Name]] = defaultdict(list)
    for name in map(Name.of, dict.fromkeys(names)):
        zones[name.project, name.location].append(name)
    answers = await asyncio.gather(*(_in_zone(session, wanted) for wanted in zones.values()))
    return {name: one for answer in answers for name, one in answer.items()}


async def _in_zone(session: GcpSession, wanted: Sequence[Name]) -> dict[str, dict[str, Any]]:
    if len(wanted) <= FEW:
        found = await asyncio.gather(*(read(session, name) for name in wanted))
        return {str(name): one for name, one in zip(wanted, found, strict=True) if one is not None}
    try:
        listed = await session.listed(wanted[0].collection, **wanted[0].place)
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return {}  # no such project or zone
    names = set(map(str, wanted))
    return {name: one for one in listed if (name := canonical(one["selfLink"])) in names}


async def look(
    session: GcpSession, records: Sequence[Record]
) -> list[tuple[Record, dict[str, Any] | None]]:
    """Return each record with its resource, None where that is not there any more.

    Raises ProviderError.
    """
    found = await described(session, (record.resource for record in records))
    return [(record, found.get(record.resource)) for record in records]


async def each_project(
    records: Sequence[Record],
    act: Callable[[Sequence[Record]], Awaitable[Mapping[str, _Answer]]],
) -> dict[str, _Answer]:
    """Act on the records project by project, side by side; one that fails holds up no other.

    Its records are left out, which means "unknown". Raises ProviderError when all failed, and
    what is no ProviderError.
    """
    projects: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        projects[Name.of(record.resource).project].append(record)
    answers = await asyncio.gather(*map(act, projects.values()), return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    for failure in failures:
        if len(failures) == len(answers) or not isinstance(failure, ProviderError):
            raise failure
    return {
        record: one
        for answer in answers
        if not isinstance(answer, BaseException)
        for record, one in answer.items()
    }
