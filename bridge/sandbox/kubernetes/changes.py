"""What has happened in a cluster: every change once, in order, for as long as it is kept.

One counter, the `resourceVersion`, grows by one with every change of any object, as in etcd.
Readers keep their own place; whoever falls further behind than the history reaches is told to
list again (410 Gone, reason `Expired`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self, TypeAlias

Object: TypeAlias = dict[str, Any]


class Key(NamedTuple):
    """Where an object lives; `group` is "" for the core group, `namespace` "" where it has none."""

    group: str
    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the history. Its objects are shared by all readers: copy before changing them.

    `previous` is the object before the change (None when added), which tells a watch with a
    selector whether the object has just entered or left what it may see.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    object: Object
    previous: Object | None
    version: int


class HistoryExpiredError(Exception):
    """The version asked for is older than the history that is kept: list again."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


class History:
    """The last `limit` changes. The first version of a cluster is 1, when it is empty."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changes: dict[int, Change] = {}
        self._subscriptions: set[Subscription] = set()
        self.version = 1

    @property
    def oldest(self) -> int:
        """The lowest version from which a reader can still go on."""
        return self.version - len(self._changes)

    def add(
        self,
        kind: Literal["ADDED", "MODIFIED", "DELETED"],
        key: Key,
        obj: Object,
        previous: Object | None,
    ) -> None:
        """Record a change under the next version, which is written into the object."""
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self._changes[self.version] = Change(kind, key, obj, previous, self.version)
        if len(self._changes) > self._limit:
            del self._changes[next(iter(self._changes))]
        for subscription in self._subscriptions:
            subscription.wake()

    def after(self, version: int) -> Change | None:
        """Return the change that followed a version; None when there is none yet.

        Raises HistoryExpiredError when it is no longer kept.
        """
        if version < self.oldest:
            raise HistoryExpiredError(version, self.oldest)
        return self._changes.get(version + 1)

    def back_to(self, version: int) -> list[Change]:
        """Return all changes after a version, the latest first.

        Raises HistoryExpiredError when they are no longer kept.
        """
        if version < self.oldest:
            raise HistoryExpiredError(version, self.oldest)
        return [self._changes[step] for step in range(self.version, version, -1)]

    def forget(self) -> None:
        """Drop all changes."""
        self._changes.clear()

    def subscribe(self, since: int | None) -> Subscription:
        """Read the changes after version `since` (None: from now on), in order, without a gap."""
        start = self.version if since is None else since
        if start < self.oldest:
            raise HistoryExpiredError(start, self.oldest)
        subscription = Subscription(self, start)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop waking a subscription."""
        self._subscriptions.discard(subscription)

    @property
    def readers(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)


class Subscription:
    """A reader's place in the history: `async for change in subscription`.

    It holds no changes itself, so a slow reader costs nothing and learns of its slowness by
    HistoryExpiredError. Use it as a context manager, or call `close` when done; closing ends
    the iteration.
    """

    def __init__(self, history: History, version: int) -> None:
        self._history = history
        self._woken = asyncio.Event()
        self._closed = False
        self.version = version

    def __aiter__(self) -> Self:
        """Iterate over the changes from the current place on."""
        return self

    async def __anext__(self) -> Change:
        """Wait for the next change."""
        while not self._closed:
            self._woken.clear()
            change = self._history.after(self.version)
            if change is not None:
                self.version = change.version
                return change
            await self._woken.wait()
        raise StopAsyncIteration

    def wake(self) -> None:
        """Tell the reader that there may be something new."""
        self._woken.set()

    def close(self) -> None:
        """End the iteration."""
        self._closed = True
        self._woken.set()
        self._history.unsubscribe(self)

    def __enter__(self) -> Self:
        """Use the subscription until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
