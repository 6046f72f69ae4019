"""Watches that wake runs early.

They carry no truth: whoever is woken reads the resource itself, and looks now and then anyway.
So a watch that breaks, or that the identity may not open, costs some seconds and nothing else.

One that ends goes on where it was, so that nobody is woken for nothing; where the server no
longer knows what came after that (410 Gone), it begins again with all that there is.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from providers.contract import Caller, ProviderError
from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import CustomResource, metadata

LASTING: Final = 240
"""Seconds until a watch is opened anew, with a fresh token."""
INTEREST: Final = 300.0
"""Seconds after which a listener that did not ask again is another worker's by now."""
SWEEP: Final = 10.0
"""Seconds between two looks for listeners of long ago."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds before a watch that ended is opened again, doubled each time that it broke
or told nothing."""
REFUSED_PAUSE: Final = 600.0
"""Seconds before one is asked for again that was refused; polling does without it meanwhile."""

_UNAUTHORIZED: Final = 401
_GONE: Final = 410

Wake = Callable[[], None]
Key = tuple[str, str, str, str]


@dataclass
class _Watch:
    cluster: Cluster
    collection: str
    installation: str
    listeners: dict[str, tuple[Wake, float]] = field(default_factory=dict)
    """Name of a resource → whom to wake (names are one run's), and when it last asked."""
    task: asyncio.Task[None] | None = None
    version: str = ""
    """Up to which change it has come; empty before the first, and when that is too long ago."""

    def take(self, event: dict[str, Any]) -> None:
        """Note how far the watch has come, and wake whom a change is about."""
        about = metadata(event.get("object") or {})
        self.version = str(about.get("resourceVersion") or self.version)
        listener = self.listeners.get(str(about.get("name", "")))
        if listener is not None and event.get("type") != "BOOKMARK":
            listener[0]()

    def wanted(self) -> bool:
        limit = time.monotonic() - INTEREST
        self.listeners = {
            name: (wake, asked) for name, (wake, asked) in self.listeners.items() if asked > limit
        }
        return bool(self.listeners)


class Watches:
    """One watch per cluster, identity and collection, as long as somebody listens."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._watches: dict[Key, _Watch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._swept = -math.inf

    def __len__(self) -> int:
        """How many watches there are."""
        return len(self._watches)

    def follow(
        self, caller: Caller, cluster: Cluster, resource: CustomResource, wake: Wake
    ) -> None:
        """Call ``wake`` when the resource changes; a repeat renews the interest."""
        self._sweep()
        key = _key(caller, resource)
        watch = self._watches.get(key)
        if watch is None:
            watch = _Watch(cluster, resource.collection, resource.installation)
            self._watches[key] = watch
        if watch.task is None or watch.task.done():  # it ended for want of listeners
            watch.task = asyncio.create_task(self._run(watch))
            self._tasks.add(watch.task)
            watch.task.add_done_callback(self._tasks.discard)
        watch.cluster = cluster
        watch.listeners[resource.name] = (wake, time.monotonic())

    def forget(self, caller: Caller, resource: CustomResource) -> None:
        """Wake nobody more for this resource; the last to go ends the watch."""
        key = _key(caller, resource)
        watch = self._watches.get(key)
        if watch is not None:
            watch.listeners.pop(resource.name, None)
            if not watch.wanted():
                self._drop(key)

    async def close(self) -> None:
        """End every watch."""
        for key in list(self._watches):
            self._drop(key)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _sweep(self) -> None:
        """End what nobody wants any more; not each time, for each of thousands asks often."""
        now = time.monotonic()
        if now - self._swept < SWEEP:
            return
        self._swept = now
        for key in [key for key, watch in self._watches.items() if not watch.wanted()]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        task = self._watches.pop(key).task
        if task is not None:
            task.cancel()

    @staticmethod
    async def _run(watch: _Watch) -> None:
        pause, renew = FIRST_PAUSE, False
        while watch.wanted():
            told = False
            try:
                events = watch.cluster.watch(
                    watch.collection,
                    watch.installation,
                    lasting=LASTING,
                    since=watch.version,
                    renew=renew,
                )
                async for event in events:
                    pause, renew, told = FIRST_PAUSE, False, True
                    watch.take(event)
                if not told:  # a proxy may end each at once
                    pause = min(2 * pause, LONGEST_PAUSE)
            except ApiError as error:
                pause = min(2 * pause, LONGEST_PAUSE)
                if error.status == _GONE:
                    watch.version = ""  # begin again, with what there is now
                elif error.status == _UNAUTHORIZED and not renew:
                    renew = True  # the token is too old: once more with a fresh one
                else:
                    # Not allowed to watch, or the kind is gone. Polling does without.
                    pause = REFUSED_PAUSE
            except ProviderError:
                pause = min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load only
            if pause == REFUSED_PAUSE:
                pause, renew = FIRST_PAUSE, False


def _key(caller: Caller, resource: CustomResource) -> Key:
    return (resource.cluster, caller.identity or "", caller.installation, resource.collection)
