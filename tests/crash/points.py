"""Points at which a bridge may die, and the store and the faults that pass them.

A point is before and after every commit of a worker, and before and after every call to a
fault. At each one a case may kill the process (`Killed`), or let the database fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from bridge.model.moment import Micros
from bridge.store import Change, Claim, Store
from providers.contract import Fault
from tests.engine.world import Killed

T = TypeVar("T")

_UNTIL_IT_FAILS: Final = 5.0

STEPS: Final = ("prepare", "mark", "inject", "observe", "revert", "unmark")
"""The calls to a fault that reach its cloud."""


def database_failure() -> sa.exc.OperationalError:
    """Return what SQLAlchemy raises when the database is away."""
    return sa.exc.OperationalError("COMMIT", {}, Exception("the database was told to fail here"))


class Points:
    """Counts the points that a process passes, and strikes at one of them."""

    def __init__(self, at: int = -1) -> None:
        """Die at the point with that number; never if it is negative."""
        self.order: list[str] = []
        """The names of the points in the order in which they were passed."""
        self.struck = ""
        """Name of the point at which it struck."""
        self.frozen: asyncio.Event | None = None
        """A gate: who comes to the point waits there, and may be overtaken meanwhile."""
        self.frozen_now = asyncio.Event()
        self._at = at
        self._strike: Callable[[], BaseException | None] = Killed

    def strike_with(self, strike: Callable[[], BaseException | None]) -> None:
        """Raise what it returns instead of dying; nothing if that is None."""
        self._strike = strike

    def reach(self, name: str) -> None:
        """Pass a point."""
        self.order.append(name)
        if len(self.order) == self._at and not self.struck:
            self.struck = name
            failure = self._strike()
            if failure is not None:
                raise failure

    async def hold(self, name: str) -> None:
        """Freeze before passing the point with that number, if that is wanted."""
        if self.frozen is not None and not self.struck and len(self.order) + 1 == self._at:
            gate, self.struck = self.frozen, name
            self.frozen_now.set()
            await gate.wait()


class PointedStore(Store):
    """A store whose commits are points, and whose database can be away."""

    points: Points
    away_until: Micros = Micros(0)
    """Every transaction before that time fails."""
    wait: Callable[[float], None]
    """Lets the world's time pass; who waits for a database that is away does so for seconds."""

    async def _run(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self.now() < self.away_until:
            self.wait(_UNTIL_IT_FAILS)
            raise database_failure()
        return await super()._run(work, *args, **kwargs)

    async def commit(self, claim: Claim, change: Change) -> None:
        await self.points.hold("before commit")
        await super().commit(claim, change)

    def _commit(self, claim: Claim, change: Change) -> None:
        self.points.reach("before commit")
        super()._commit(claim, change)
        self.points.reach("after commit")


class PointedFault:
    """Makes faults whose steps are points; what is in flight when one dies is kept."""

    def __init__(self, points: Callable[[], Points]) -> None:
        """Pass the points of whichever process runs now."""
        self._points = points
        self._flying: set[asyncio.Future[Any]] = set()
        self.before: Callable[[str, Sequence[Any]], None] = lambda _step, _records: None
        """Told of each step and its records before it is made."""
        self.after: Callable[[str, Sequence[Any]], None] = lambda _step, _records: None

    def of(self, fault: Fault) -> Fault:
        """Return the fault with points around its steps."""
        pointed = copy(fault)
        for step in STEPS:
            setattr(pointed, step, self._step(step, getattr(fault, step)))
        return pointed

    def _step(self, name: str, step: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def call(*given: Any) -> T:
            points = self._points()
            self.before(name, given[-1])
            await points.hold(f"before {name}")
            points.reach(f"before {name}")
            flying = asyncio.ensure_future(step(*given))
            self._flying.add(flying)
            try:
                answer = await asyncio.shield(flying)
            except Exception:
                points.reach(f"after {name}")
                raise
            finally:
                if flying.done():
                    self._flying.discard(flying)
                    self.after(name, given[-1])
            await points.hold(f"after {name}")
            points.reach(f"after {name}")
            return answer

        return call

    async def land(self) -> None:
        """Wait for what was in flight: a cloud goes on with it, whoever died meanwhile."""
        await asyncio.gather(*self._flying, return_exceptions=True)
        self._flying.clear()
