"""Changes that the emulated cloud begins now and finishes later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.sandbox.aws.clock import Clock


@dataclass(frozen=True, slots=True)
class _Pending:
    due: datetime
    finish: Callable[[], None]


class Transitions:
    """At most one unfinished change per resource, finished when somebody looks after it is due.

    Nothing runs in the background: an observer cannot tell a change that happened on time
    from one that happened just before it looked, and a clock that stands still in a test
    needs no thread to be woken.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending: dict[str, _Pending] = {}

    def begin(self, resource: str, seconds: float, finish: Callable[[], None]) -> None:
        """Call ``finish`` in ``seconds``; a change under way on ``resource`` is given up."""
        due = self._clock() + timedelta(seconds=seconds)
        self._pending[resource] = _Pending(due, finish)

    def settle(self) -> None:
        """Finish everything that is due, in the order in which it became due."""
        self._finish(self._clock())

    def settle_at(self, moment: datetime) -> None:
        """Finish everything that would be due at ``moment``."""
        self._finish(moment)

    def _finish(self, moment: datetime) -> None:
        if not self._pending:
            return
        ready = [(r, p) for r, p in self._pending.items() if p.due <= moment]
        for resource, pending in sorted(ready, key=lambda entry: entry[1].due):
            del self._pending[resource]
            pending.finish()

    def clear(self) -> None:
        """Forget every unfinished change."""
        self._pending.clear()
