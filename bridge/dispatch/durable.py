"""The dispatcher of a bridge that has no process of its own: AWS Lambda durable functions.

A run is looked after by a durable execution, its loop: look (advance the run if it is due, read
its stop conditions), wait until the next time, look again. Waiting costs nothing, and what is lost
between two looks is only a wake-up, since what is due stands in the store.

Executions are named after the run and a number, so that starting one twice starts one. Each hands
over to the next number before Lambda's limit of operations. Whoever asks something of a run starts
the next number too: that one looks at once, and the one that waits finds itself replaced and ends.
A rule that fires each minute starts one for every run that has none any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from bridge.engine.lateness import Lateness, lateness
from bridge.model.moment import MINUTE, SECOND, Micros, micros
from providers.contract import ProviderError

if TYPE_CHECKING:
    from bridge.engine import Engine, Scheduler
    from bridge.store import Store

logger = logging.getLogger(__name__)

Start = Callable[[str, dict[str, object]], Awaitable[None]]
"""Starts the execution of a name with a payload. Raises ProviderError."""
Sleep = Callable[[float], Awaitable[None]]

NEGLECTED: Final = Micros(10 * SECOND)
"""A run that has been due and free for so long has no loop: one that lives looks within seconds."""
_LONGEST_WAIT: Final = 3600
"""Seconds between two looks at most, so that a loop that was replaced ends within the hour."""
_SHORTEST_WAIT: Final = 1
"""Seconds; the shortest wait that Lambda knows."""
_LONGEST_LOOK: Final = MINUTE
"""Then a look ends in a wait, however soon the next time is: a function's time is limited."""
_AFTER_FAILURE: Final = 5
"""Seconds from a look that failed, such as for the absence of the database, to the next."""
_AT_ONCE: Final = 500
"""Runs that one firing of the minute rule starts loops for."""


class DurableDispatcher:
    """Starts the executions that look after runs; looks itself once started."""

    def __init__(self, store: Store, begin: Start, *, sleep: Sleep = asyncio.sleep) -> None:
        """Begin executions with ``begin``; ``sleep`` is for tests in virtual time."""
        self._store = store
        self._begin = begin
        self._sleep = sleep
        self._engine: Engine | None = None
        self._scheduler: Scheduler | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._looking = ""
        """The run that is being looked at here: it is asked again before the look ends."""

    async def open(self) -> None:
        """Nothing has to be made ready."""

    def start(self, engine: Engine, scheduler: Scheduler | None = None) -> None:
        """Look at runs with this engine when asked to; nothing runs by itself."""
        self._engine = engine
        self._scheduler = scheduler

    def wake(self, experiment_id: str) -> None:
        """Have a run looked at now; `passed_on` waits until that is on its way."""
        if self._engine is not None and self._engine.poke(experiment_id):
            return
        if experiment_id == self._looking:
            return
        task = asyncio.get_running_loop().create_task(self._replace(experiment_id))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def passed_on(self) -> None:
        """Wait until every wake-up is on its way: a function that has answered is frozen."""
        while self._passing:
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Let wake-ups leave; looks are awaited by whoever asked for them."""
        self._engine = None
        if self._passing:
            await asyncio.wait(self._passing, timeout=seconds)

    # --- looking ---------------------------------------------------------------------------

    async def look(self, experiment_id: str, sequence: int) -> int | None:
        """Look at a run, as its loop of that number.

        Returns after how many seconds to look again; None where this loop has nothing more to do.
        Raises nothing: what failed is logged, and looked at again.
        """
        self._looking = experiment_id
        try:
            if not await self._store.take_loop(experiment_id, sequence):
                return None
            return await self._look(experiment_id)
        except Exception as error:  # noqa: BLE001 - whatever it was, the run is looked at again
            logger.warning("%s could not be looked at: %s", experiment_id, _told(error))
            return _AFTER_FAILURE
        finally:
            self._looking = ""
            await self.passed_on()

    async def _look(self, experiment_id: str) -> int | None:
        engine = self._require_engine()
        await self._read_stop_conditions(engine)
        began: Micros | None = None
        before: Micros | None = None
        while True:
            outlook = await self._store.outlook(experiment_id)
            if outlook is None:
                return None
            began = began or outlook.now
            left = outlook.free_at - outlook.now
            # What is due as it was could not be taken: somebody is at its row just now.
            untaken = outlook.free_at == before
            if left > SECOND or untaken or outlook.now - began > _LONGEST_LOOK:
                return self._pause(engine, left, outlook.sources)
            before = outlook.free_at
            if left > 0:
                await self._sleep(left / SECOND)
            await engine.advance(experiment_id)

    @staticmethod
    def _pause(engine: Engine, left: int, sources: frozenset[str]) -> int:
        pause = min(left // SECOND, _LONGEST_WAIT)
        if sources - engine.stop_watch.pushed(sources):
            pause = min(pause, micros(engine.settings.stop_poll) // SECOND)
        return max(pause, _SHORTEST_WAIT)

    @staticmethod
    async def _read_stop_conditions(engine: Engine) -> None:
        try:
            await engine.stop_watch.poll()
        except Exception as error:  # noqa: BLE001 - runs stop by the age of their last reading
            logger.warning("stop conditions could not be polled: %s", _told(error))

    def _require_engine(self) -> Engine:
        if self._engine is None:
            msg = "this process does not advance runs"
            raise RuntimeError(msg)
        return self._engine

    # --- passing on ------------------------------------------------------------------------

    async def hand_over(self, experiment_id: str, sequence: int) -> int | None:
        """Start the execution after that number; one that was started already stays the only one.

        Returns after how many seconds to try again; None where there is nothing left to do.
        Raises nothing.
        """
        try:
            await self._start_loop(experiment_id, sequence + 1)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
            logger.warning("%s could not be handed over: %s", experiment_id, _told(error))
            return _AFTER_FAILURE
        return None

    async def _replace(self, experiment_id: str) -> None:
        try:
            await self._start_loop(experiment_id, await self._store.loop_of(experiment_id) + 1)
        except Exception as error:  # noqa: BLE001 - the request is in the store, the rule finds it
            logger.warning(
                "a wake-up of %s could not be passed on: %s", experiment_id, _told(error)
            )

    async def _start_loop(self, experiment_id: str, sequence: int) -> None:
        payload: dict[str, object] = {"experiment": experiment_id, "sequence": sequence}
        await self._begin(execution_name(experiment_id, sequence), payload)

    # --- the minute rule -------------------------------------------------------------------

    async def sweep(self) -> list[str]:
        """Start what is scheduled, and a loop for every due run that has none; return those runs.

        Each gets a number that no execution has: one that was started and died before its first
        look would keep its name for itself.
        """
        engine = self._require_engine()
        await self._start_scheduled()
        await self._read_stop_conditions(engine)
        neglected = await self._store.due(limit=_AT_ONCE, since=NEGLECTED)
        for experiment_id in neglected:
            try:
                number = await self._store.next_loop(experiment_id)
                await self._start_loop(experiment_id, number)
            except ProviderError as error:
                logger.warning("no loop of %s could be started: %s", experiment_id, error)
        await self.passed_on()
        return neglected

    async def lateness(self) -> Lateness:
        """Return how late the bridges on the store are. Raises what the store raises."""
        engine = self._require_engine()
        return await lateness(engine.store, engine.providers)

    async def _start_scheduled(self) -> None:
        if self._scheduler is None:
            return
        try:
            async for experiment_id in self._scheduler.starting():
                self.wake(experiment_id)
        except Exception as error:  # noqa: BLE001 - it must not keep due runs from their loops
            logger.warning("slots of schedules could not be started: %s", _told(error))


def execution_name(experiment_id: str, sequence: int) -> str:
    """Return the name of a run's execution: letters, digits and hyphens, 64 at most."""
    return f"{experiment_id}-{sequence}"


def _told(error: Exception) -> str:
    """Return what a log may hold of an error: a driver's own words may quote the URL."""
    return str(error) if isinstance(error, ProviderError) else type(error).__name__
