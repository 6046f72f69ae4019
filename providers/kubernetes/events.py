"""Kubernetes' own events about a resource, for the run's journal.

Reading them is optional and cheap: only while the resource changes, and one list serves everybody
who asks for the same kind in the same namespace at the same time.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.model.event import EventType
from providers.contract import News, ProviderError
from providers.kubernetes.api import DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import CustomResource, Notes, metadata
from providers.kubernetes.verdicts.status import line, object_of

MOST_TOLD: Final = 50
"""Events of one resource in the journal; after the last of them it is said that there are more."""
PAGES: Final = 10
"""Pages of a list that serves many; what is beyond is told with a later list, or never."""
ASK_AGAIN: Final = 600.0
"""Seconds after which a refused identity is taken to have got the right."""
_REMEMBERED: Final = 10_000
_SILENT: Final = frozenset({"Updated"})
"""What Chaos Mesh says of each change of a field; the other events say what happened."""
_MESSAGE: Final = 512


@dataclass
class _Place:
    """The events of one kind in one namespace, as one identity sees them."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    names: set[str] = field(default_factory=set)
    """Whom the next list is for."""
    begun: int = 0
    """How many lists have begun."""
    found: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What the last list had, by the name of the object that it is about."""
    waiting: int = 0
    """How many want what it has, or will have."""
    refused_at: float | None = None


class EventReader:
    """Reads the events of a provider's resources."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._places: dict[tuple[str, str, str, str], _Place] = {}
        self._looked: dict[tuple[str, str], tuple[str, bool]] = {}

    async def fresh(
        self, cluster: Cluster, resource: CustomResource, identity: str, version: str
    ) -> list[Mapping[str, Any]]:
        """Return the events about a resource, none if nothing has changed since the last look.

        ``version`` is the resource's own, or empty for one that is gone. Never raises for a
        cluster's answer.
        """
        key = (resource.id, identity)
        before = self._looked.pop(key, None)
        same = before is not None and before[0] == version
        # An event may be written a little after the change that it is about: one more look.
        if before is not None and same and before[1]:
            self._looked[key] = before
            return []
        self._looked[key] = (version, same)
        if len(self._looked) > _REMEMBERED:
            del self._looked[next(iter(self._looked))]
        found = await self._list(cluster, resource, identity)
        return [event for event in found if _is_about(event, resource)]

    async def _list(
        self, cluster: Cluster, resource: CustomResource, identity: str
    ) -> Sequence[Mapping[str, Any]]:
        key = (cluster.id, identity, resource.namespace, resource.kind)
        place = self._places.setdefault(key, _Place())
        if place.refused_at is not None and time.monotonic() - place.refused_at < ASK_AGAIN:
            return ()
        place.waiting += 1
        try:
            return await self._of(place, cluster, resource)
        finally:
            place.waiting -= 1
            if not place.waiting and place.refused_at is None:
                del self._places[key]  # the lists of thousands are not kept for nobody

    @staticmethod
    async def _of(
        place: _Place, cluster: Cluster, resource: CustomResource
    ) -> Sequence[Mapping[str, Any]]:
        place.names.add(resource.name)
        came = place.begun
        async with place.lock:
            if place.begun > came:  # of a list that began after we had come
                return place.found.get(resource.name, ())
            names, place.names = place.names, set()
            place.begun, place.found = place.begun + 1, {}
            selector = f"involvedObject.kind={resource.kind}"
            if len(names) == 1:
                selector += f",involvedObject.name={resource.name}"
            try:
                answer = await cluster.select(
                    f"/api/v1/namespaces/{resource.namespace}/events",
                    pages=PAGES,
                    fieldSelector=selector,
                )
            except DeniedError:
                place.refused_at = time.monotonic()
            except ProviderError:
                place.refused_at = None  # read with the next change; the run goes on without
            else:
                place.refused_at = None
                place.found = _by_name(answer.body["items"])
            return place.found.get(resource.name, ())


def _by_name(events: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Sort events by whom they are about, once for all who ask."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        found[line(object_of(event.get("involvedObject")).get("name"))].append(event)
    return found


def told(events: Sequence[Mapping[str, Any]], notes: Notes) -> tuple[tuple[News, ...], Notes]:
    """Return the news that is in events, each once, and what to remember of them."""
    known = list(notes.events)
    news: list[News] = []
    for event in sorted(events, key=_moment):
        mark = _mark(event)
        if line(event.get("reason")) in _SILENT or mark in known or len(known) > MOST_TOLD:
            continue
        known.append(mark)
        if len(known) > MOST_TOLD:
            details = {"reason": "", "message": "there are more events; they are not copied here"}
            news.append(News(EventType.RESOURCE_EVENT, details))
        else:
            news.append(News(EventType.RESOURCE_EVENT, _details(event)))
    if not news:
        return (), notes
    return tuple(news), notes.model_copy(update={"events": known})


def _details(event: Mapping[str, Any]) -> dict[str, Any]:
    source = object_of(event.get("source"))
    told_by = line(source.get("component") or event.get("reportingComponent"))
    details = {
        "reason": line(event.get("reason")),
        "message": " ".join(str(event.get("message") or "")[: 2 * _MESSAGE].split())[:_MESSAGE],
        "event_type": line(event.get("type")),
        "component": told_by,
        "time": _moment(event)[0],
    }
    return {key: text for key, text in details.items() if text or key in {"reason", "message"}}


def _mark(event: Mapping[str, Any]) -> str:
    """Return what an event is known by. A failure that is written anew each time is one."""
    if event.get("type") == "Warning":
        what = f"{event.get('reason')}\n{event.get('message')}"
        return hashlib.sha256(what.encode(errors="replace")).hexdigest()[:8]
    return line(metadata(event).get("uid"))[:8]


def _moment(event: Mapping[str, Any]) -> tuple[str, str]:
    when = event.get("lastTimestamp") or event.get("eventTime")
    about = metadata(event)
    return line(when or about.get("creationTimestamp")), line(about.get("name"))


def _is_about(event: Mapping[str, Any], resource: CustomResource) -> bool:
    """Say whether an event of the resource's name and kind is about its group as well."""
    version = str(object_of(event.get("involvedObject")).get("apiVersion", ""))
    return version.partition("/")[0] == (resource.group or resource.version)
