"""Watches: the history of one resource as a stream of events, one JSON object a line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import selectors, status
from bridge.sandbox.kubernetes.listing import resource_version
from bridge.sandbox.kubernetes.objects import Change, HistoryExpiredError, Object, copy_json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bridge.sandbox.kubernetes.call import Call
    from bridge.sandbox.kubernetes.objects import Subscription
    from bridge.sandbox.kubernetes.registry import Registry

BOOKMARK_EVERY = 60.0
"""Seconds between bookmarks of a quiet watch (a real API server sends one about every minute)."""

LONGEST = 1800.0
"""Seconds after which a watch ends by itself where the request names no time."""


class Watch:
    """One watch request, validated before the stream begins."""

    def __init__(self, registry: Registry, call: Call) -> None:
        query, resource = call.query, call.resource
        if query.get("sendInitialEvents"):
            raise status.not_implemented("streaming lists (sendInitialEvents)")
        self._match = selectors.selector(query, resource.group, resource.plural)
        self._resource = resource
        self._namespace = call.info.namespace if resource.namespaced else ""
        self._name = call.info.name
        self._bookmarks = query.get("allowWatchBookmarks", "").lower() in ("true", "1")
        self._seconds = _seconds(query.get("timeoutSeconds"))
        self._store = registry.store
        # Without a version, or with 0, the present objects come first.
        self._since = resource_version(query) or None

    async def events(self, stopping: asyncio.Event) -> AsyncGenerator[tuple[str, Object], None]:
        """Give the events in order, until time is up or the server stops."""
        started = self._store.version
        try:
            subscription = self._store.subscribe(self._since)
        except HistoryExpiredError as error:
            yield "ERROR", status.expired(str(error)).status
            return
        with subscription:
            if self._since is None:
                namespace = self._namespace or None
                for obj in self._store.list(
                    self._resource.group, self._resource.plural, namespace, at=started
                ):
                    if self._selects(obj):
                        yield "ADDED", obj
            try:
                async for event in self._follow(subscription, stopping):
                    yield event
            except HistoryExpiredError as error:
                yield "ERROR", status.expired(str(error)).status

    async def _follow(
        self, subscription: Subscription, stopping: asyncio.Event
    ) -> AsyncGenerator[tuple[str, Object], None]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        stop = asyncio.ensure_future(stopping.wait())
        following: asyncio.Future[Change] = asyncio.ensure_future(anext(subscription))
        try:
            while True:
                left = min(deadline - loop.time(), BOOKMARK_EVERY)
                await asyncio.wait(
                    (stop, following), timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED
                )
                if following.done():
                    event = self._event(following.result())
                    following = asyncio.ensure_future(anext(subscription))
                    if event is not None:
                        yield event
                    continue
                ended = stop.done() or loop.time() >= deadline
                if self._bookmarks:
                    yield "BOOKMARK", self._bookmark(subscription.version)
                if ended:
                    return
        finally:
            stop.cancel()
            following.cancel()

    def _bookmark(self, version: int) -> Object:
        return {
            "kind": self._resource.kind,
            "apiVersion": self._resource.api_version,
            "metadata": {"resourceVersion": str(version), "creationTimestamp": None},
        }

    def _event(self, change: Change) -> tuple[str, Object] | None:
        """Turn a change into what this watch may see of it."""
        key = change.key
        if (key.group, key.resource) != (self._resource.group, self._resource.plural):
            return None
        if self._namespace and key.namespace != self._namespace:
            return None
        now = change.type != "DELETED" and self._selects(change.object)
        before = change.previous is not None and self._selects(change.previous)
        if now:
            return ("MODIFIED" if before else "ADDED"), copy_json(change.object)
        if not before or change.previous is None:
            return None
        # An object that leaves the selection is shown as it was, under the new version.
        gone: Object = copy_json(change.previous)
        gone["metadata"]["resourceVersion"] = str(change.version)
        return "DELETED", gone

    def _selects(self, obj: dict[str, Any]) -> bool:
        return (not self._name or obj["metadata"]["name"] == self._name) and self._match(obj)


def _seconds(text: str | None) -> float:
    if not text:
        return LONGEST
    if not text.isdigit():
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return float(text) or LONGEST
