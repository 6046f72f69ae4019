"""The in-process dispatcher: wakes each run when it is due.

It may lose, repeat or reorder wake-ups without breaking anything: what is due stands in the
store, and the store's leases and fences keep two workers apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bridge.model.failure import whereabouts
from bridge.model.moment import SECOND

if TYPE_CHECKING:
    from bridge.engine import Engine, Scheduler

logger = logging.getLogger(__name__)

_SWEEP: Final = 1.0
"""Longest pause in seconds between two looks for due runs, whatever was announced."""
_SHARED_SWEEP: Final = 0.5
"""The same where other processes may have announced it, or died."""
_APART: Final = 0.02
"""Seconds by which processes on one database look one after another, for most times one finds
what is due and the others nothing."""
_SLOT_SWEEP: Final = 0.5
"""Longest pause in seconds between two looks for slots of schedules: a slot that was made known
just now is late by so much at most."""
AT_ONCE: Final = 64
"""Runs advanced at the same time; each may have calls in flight."""


class TimerDispatcher:
    """Advances due runs in this process's event loop, and polls the stop conditions."""

    def __init__(self, *, shared: bool = False) -> None:
        """Begin idle; ``start`` binds it to an engine. ``shared``: others look at the same runs."""
        self._shared = shared
        self._sweep = _SHARED_SWEEP if shared else _SWEEP
        self._engine: Engine | None = None
        self._news = asyncio.Event()
        self._active: dict[str, asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Nothing is passed on to anybody."""

    def start(self, engine: Engine, scheduler: Scheduler | None = None) -> None:
        """Begin to advance what is due, and to start what is scheduled."""
        self._engine = engine
        self._loops = [
            asyncio.create_task(self._advance_due(engine)),
            asyncio.create_task(self._poll_stop_conditions(engine)),
        ]
        if scheduler is not None:
            self._loops.append(asyncio.create_task(self._start_scheduled(engine, scheduler)))

    def wake(self, experiment_id: str) -> None:
        """Have a run advanced now; one that is being advanced here is told that there is news.

        News that comes too late for that is in the store, which makes the run due again.
        """
        self.take(experiment_id)

    def take(self, experiment_id: str) -> bool:
        """Do as `wake` does; False where nothing can be advanced here now."""
        if self._engine is None:
            return False
        if self._engine.poke(experiment_id):
            return True
        if experiment_id in self._active:
            self._news.set()
            return True
        if len(self._active) >= AT_ONCE:
            self._news.set()
            return False
        self._start(self._engine, experiment_id)
        return True

    def holds(self, experiment_id: str) -> bool:
        """Say whether a run is this process's at the moment."""
        return self._engine is not None and self._engine.poke(experiment_id)

    async def advance(self, experiment_id: str) -> None:
        """Advance a run once there is room, and return when it has been let go."""
        while not self.take(experiment_id):
            if self._engine is None:
                return
            await asyncio.wait(self._active.values(), return_when=asyncio.FIRST_COMPLETED)
        task = self._active.get(experiment_id)
        if task is not None:
            await asyncio.wait({task})

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let calls in flight return, then let go.

        Faults that are in effect stay for the next process: that is what the store is for.
        A run that is still busy after ``seconds`` is left to its lease's end.
        """
        self._engine = None
        for loop in self._loops:
            loop.cancel()
        for loop in self._loops:
            with suppress(asyncio.CancelledError):
                await loop
        if self._active:
            await asyncio.wait(self._active.values(), timeout=seconds)
        for task in self._active.values():
            task.cancel()
        await asyncio.gather(*self._active.values(), return_exceptions=True)

    async def _advance_due(self, engine: Engine) -> None:
        while True:
            self._news.clear()
            try:
                pause = await self._start_due(engine)
            except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
                logger.error("due runs could not be listed: %s", whereabouts(error))
                pause = self._sweep
            # Not wait_for: in Python 3.11 it can lose a cancellation that meets the news.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    async def _start_due(self, engine: Engine) -> float:
        """Start what is due; return the seconds until the next look."""
        if len(self._active) < AT_ONCE:
            due = await engine.store.due(limit=AT_ONCE * (4 if self._shared else 1))
            if self._shared:
                random.shuffle(due)  # where there is much to do, each begins elsewhere
            for experiment_id in due:
                if experiment_id not in self._active and len(self._active) < AT_ONCE:
                    self._start(engine, experiment_id)
        next_due = await engine.store.next_due()
        if next_due is None:
            return self._sweep
        pause = max((next_due - engine.store.now()) / SECOND, 0.002)
        if self._shared:
            pause += random.uniform(0, _APART)  # noqa: S311 - no secret
        return min(pause, self._sweep)

    def _start(self, engine: Engine, experiment_id: str) -> None:
        task = asyncio.create_task(self._advance(engine, experiment_id))
        self._active[experiment_id] = task

    async def _advance(self, engine: Engine, experiment_id: str) -> None:
        try:
            await engine.advance(experiment_id)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
            # The lease stands until it ends, which is pause enough before the next attempt.
            logger.error(
                "experiment %s could not be advanced: %s", experiment_id, whereabouts(error)
            )
        finally:
            self._active.pop(experiment_id, None)
            self._news.set()

    async def _start_scheduled(self, engine: Engine, scheduler: Scheduler) -> None:
        while True:
            pause = _SLOT_SWEEP
            try:
                async for experiment_id in scheduler.starting():
                    self.wake(experiment_id)
                next_due = await scheduler.next_due()
                left = 0.0 if next_due is None else (next_due - engine.store.now()) / SECOND
                # What is due and still there could not be decided; it need not be tried at once.
                pause = min(left, _SLOT_SWEEP) if left > 0 else _SLOT_SWEEP
            except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
                logger.error("the slots of schedules could not be started: %s", whereabouts(error))
            await asyncio.sleep(pause)

    async def _poll_stop_conditions(self, engine: Engine) -> None:
        every = engine.settings.stop_poll.total_seconds()
        while True:
            try:
                await engine.stop_watch.poll()
            except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
                # Runs stop by the age of their last reading, so a broken poll fails safe.
                logger.error("stop conditions could not be polled: %s", whereabouts(error))
            # Jitter keeps many bridges from reading in step.
            await asyncio.sleep(every * random.uniform(0.2, 0.3))  # noqa: S311 - no secret
