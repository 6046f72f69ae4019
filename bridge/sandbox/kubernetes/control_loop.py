"""How the cluster's controllers run: driven by changes and deadlines, never by polling.

A controller does its work in steps that do not wait, so that tests can drive the same code in
virtual time: `settle` runs all steps that are due now, `run_controllers` does it for real.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from bridge.sandbox.kubernetes.objects import HistoryExpiredError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.sandbox.kubernetes.objects import Key, ObjectStore

logger = logging.getLogger(__name__)

RETRY_BROKEN = timedelta(minutes=1)
"""After which an object that could not be handled is tried again."""

_LONGEST_SLEEP = timedelta(seconds=5)
_PACE = timedelta(milliseconds=5)
_STEPS_TO_SETTLE = 10_000


class Controller(Protocol):
    """What reacts to changes of the store."""

    def step(self) -> bool:
        """Do one round of what is due now; False when there was nothing to do."""

    def next_due(self) -> datetime | None:
        """Tell when there will be something to do even if nothing changes."""


class ChangedKeys:
    """The objects that changed since the last look, each once."""

    def __init__(self, store: ObjectStore, wanted: Callable[[Key], bool]) -> None:
        self._store = store
        self._wanted = wanted
        self._version: int | None = None

    def take(self) -> set[Key]:
        """Return the keys changed since the last call; at first, and after a gap, all of them."""
        if self._version is None:
            return self._all()
        changed: set[Key] = set()
        try:
            while (change := self._store.change_after(self._version)) is not None:
                self._version = change.version
                if self._wanted(change.key):
                    changed.add(change.key)
        except HistoryExpiredError:
            return self._all()
        return changed

    def _all(self) -> set[Key]:
        self._version = self._store.version
        return {key for key in self._store.keys() if self._wanted(key)}  # noqa: SIM118 - no dict


class Reconciler(ABC):
    """A controller that takes its objects one by one: those that changed, and those that are due.

    `concerns` tells which changes it looks at. A subclass writes into `_due` when an object needs
    it again though nothing changes.
    """

    def __init__(
        self, store: ObjectStore, now: Callable[[], datetime], concerns: Callable[[Key], bool]
    ) -> None:
        self._store = store
        self._now = now
        self._changed = ChangedKeys(store, concerns)
        self._due: dict[Key, datetime] = {}

    def next_due(self) -> datetime | None:
        """Tell when the next object is due."""
        return min(self._due.values(), default=None)

    def step(self) -> bool:
        """Take each object once that a change, or the time, concerns."""
        now = self._now()
        keys = {self._of(key) for key in self._changed.take()}
        keys |= {key for key, due in self._due.items() if due <= now}
        concerned = sorted(key for key in keys if key is not None)
        for key in concerned:
            self._due.pop(key, None)
            try:
                self._reconcile(key)
            except Exception:
                # One object that cannot be handled must not stop the others.
                logger.exception("cannot reconcile %s %s/%s", *key[1:])
                self._due[key] = now + RETRY_BROKEN
        return bool(concerned)

    def _of(self, key: Key) -> Key | None:
        """Return the object to take for a change; None where there is none."""
        return key

    @abstractmethod
    def _reconcile(self, key: Key) -> None:
        """Bring one object, which may be gone, a step on."""


def settle(controllers: Sequence[Controller]) -> datetime | None:
    """Step the controllers until none has anything to do now; return the next deadline.

    Raises RuntimeError for controllers that never come to rest.
    """
    for _ in range(_STEPS_TO_SETTLE):
        if not _step(controllers):
            return _next_due(controllers)
    raise RuntimeError(f"controllers still busy after {_STEPS_TO_SETTLE} rounds")


async def run_controllers(
    store: ObjectStore,
    controllers: Sequence[Controller],
    *,
    now: Callable[[], datetime],
    pace: timedelta = _PACE,
) -> None:
    """Run controllers until cancelled.

    `pace` is the pause between two rounds: as in a real cluster, whoever reads between them
    sees a state that is not yet complete.
    """
    while True:
        while _step(controllers):  # noqa: ASYNC110 - a pause between rounds, not a poll
            await asyncio.sleep(pace.total_seconds())
        due = _next_due(controllers)
        sleep = _LONGEST_SLEEP if due is None else min(due - now(), _LONGEST_SLEEP)
        # Nothing can change between the last step and this line: there is no await.
        with store.subscribe() as changes:
            try:
                # Not wait_for: in Python 3.11 it can lose a cancellation that meets a change.
                async with asyncio.timeout(max(sleep.total_seconds(), 0)):
                    await anext(changes)
            except (TimeoutError, HistoryExpiredError):
                continue


def _step(controllers: Sequence[Controller]) -> bool:
    # A list, so that all of them get their turn.
    busy = [controller.step() for controller in controllers]
    return any(busy)


def _next_due(controllers: Sequence[Controller]) -> datetime | None:
    return min(
        (due for controller in controllers if (due := controller.next_due()) is not None),
        default=None,
    )
