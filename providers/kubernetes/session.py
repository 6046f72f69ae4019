"""One caller's way into clusters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.model.event import EventType
from providers.contract import Caller, Guard, News, Observation, Outcome
from providers.kubernetes import events, parts, stuck
from providers.kubernetes.api import Answer, ApiError
from providers.kubernetes.around import around
from providers.kubernetes.calls import read_one
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.events import EventReader
from providers.kubernetes.lifecycle import verdict
from providers.kubernetes.refusals import refusal, rejected
from providers.kubernetes.removing import remove
from providers.kubernetes.resource import CustomResource, Notes, metadata
from providers.kubernetes.stuck import Diagnoses
from providers.kubernetes.watches import Watches

Connect = Callable[[Caller, Guard | None, str], Awaitable[Cluster]]


@dataclass(frozen=True)
class KubernetesSession:
    """What a fault is given to act with."""

    caller: Caller
    guard: Guard | None
    wake: Callable[[], None] | None
    connect: Connect
    watches: Watches
    events: EventReader
    diagnoses: Diagnoses

    async def cluster(self, cluster_id: str) -> Cluster:
        """Connect to a cluster: an EKS cluster's ARN, or ``k8s:context/NAME``.

        Raises ProviderError when there is no such cluster or it cannot be found out.
        """
        return await self.connect(self.caller, self.guard, cluster_id)

    async def look(self, cluster: Cluster, resource: CustomResource, there: Answer) -> Observation:
        """Judge a resource that was read, and tell what is new of it, of its parts and events."""
        seen_around = await around(cluster, resource, there.body)
        news, notes = parts.told(resource, there.body, there.now, seen_around)
        told, notes = await self._events(cluster, resource, notes, version_of(there.body))
        known = resource.model_copy(update={"notes": notes})
        seen = verdict(known, there.body, there.now, seen_around)
        return replace(seen, news=(*news, *told), notes=_changed(resource, notes))

    async def remove(self, cluster: Cluster, resource: CustomResource) -> tuple[Outcome, str]:
        """Take the next step of removing a resource; return it with the version that was read.

        Raises TransientError when it may or may not have been taken.
        """
        try:
            there = await read_one(cluster, resource)
        except ApiError as error:
            return rejected(refusal(cluster, "get", error)), ""

        async def diagnose(answer: Answer) -> str:
            return await self.diagnoses.of(cluster, resource, answer.body, answer.now)

        outcome = await remove(cluster, resource, there, diagnose)
        return outcome, "" if there is None else version_of(there.body)

    async def told(
        self, cluster: Cluster, resource: CustomResource, outcome: Outcome, version: str
    ) -> Outcome:
        """Add to an outcome of ``remove`` what is new: events, and why it is stuck."""
        told, notes = await self._events(cluster, resource, resource.notes, version)
        causes = stuck.named(outcome.reason)
        if causes and causes != notes.stuck:
            notes = notes.model_copy(update={"stuck": causes})
            told = (*told, News(EventType.RESOURCE_STATE, {"reason": outcome.reason}))
        return replace(outcome, news=told, notes=_changed(resource, notes))

    async def _events(
        self, cluster: Cluster, resource: CustomResource, notes: Notes, version: str
    ) -> tuple[tuple[News, ...], Notes]:
        if len(notes.events) > events.MOST_TOLD:
            return (), notes
        identity = self.caller.identity or ""
        found = await self.events.fresh(cluster, resource, identity, version)
        return events.told(found, notes)

    def follow(self, cluster: Cluster, resource: CustomResource) -> None:
        """Be woken when the resource changes, as far as the identity may watch."""
        if self.wake is not None:
            self.watches.follow(self.caller, cluster, resource, self.wake)

    def forget(self, resource: CustomResource) -> None:
        """Be woken no more by a resource that is gone."""
        self.watches.forget(self.caller, resource)


def version_of(manifest: Mapping[str, Any]) -> str:
    """Return the version of an object, which grows with each change."""
    return str(metadata(manifest).get("resourceVersion") or "")


def _changed(resource: CustomResource, notes: Notes) -> dict[str, Any] | None:
    return None if notes == resource.notes else {"notes": notes.model_dump(mode="json")}
