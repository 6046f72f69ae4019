"""Changes that an emulated cloud begins now and finishes later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.sandbox.clock import Clock


@dataclass(frozen=True, slots=True)
class LateFailure:
    """Why a change that was accepted does not come about."""

    code: str
    message: str


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
        self._failing: LateFailure | None = None

    def begin(
        self,
        resource: str,
        seconds: float,
        finish: Callable[[], None],
        fail: Callable[[LateFailure], None] | None = None,
    ) -> None:
        """Call ``finish`` in ``seconds``; a change under way on ``resource`` is given up.

        ``fail`` is called in its place where the emulator was told to `fail_late`; a change
        without one cannot fail.
        """
        failure = self._failing
        if failure is not None and fail is not None:
            finish = _given(fail, failure)
        self._pending[resource] = _Pending(self._clock() + timedelta(seconds=seconds), finish)

    @contextmanager
    def failing(self, failure: LateFailure) -> Iterator[None]:
        """Let every change that is begun within fail in the end; not for two threads at once."""
        self._failing = failure
        try:
            yield
        finally:
            self._failing = None

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

    def give_up(self, resource: str) -> None:
        """Forget the change under way on a resource, if there is one."""
        self._pending.pop(resource, None)

    def clear(self) -> None:
        """Forget every unfinished change."""
        self._pending.clear()


def _given(fail: Callable[[LateFailure], None], failure: LateFailure) -> Callable[[], None]:
    return lambda: fail(failure)
