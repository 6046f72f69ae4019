"""Watching stop conditions: one batched read for all runs of a scope, as the bridge's reader."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.engine.signals import heard_readings
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import Micros, micros
from providers.contract import Caller, ProviderError, StopState, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bridge.engine.providers import Providers
    from bridge.model.scope import Scope
    from bridge.store import Store

logger = logging.getLogger(__name__)

_Condition = tuple["Scope", str, str]
"""Scope, source and value."""

_BACKOFF_LIMIT = 6
"""A source that throttles is read at most this many intervals apart: well inside the minute
after which an unread stop condition stops its runs."""


class StopWatch:
    """Reads the stop conditions of every open run and stops the runs whose signal came."""

    def __init__(
        self,
        store: Store,
        providers: Providers,
        *,
        installation: str,
        every: timedelta,
        unreadable: timedelta,
        memory: timedelta = timedelta(days=1),
        wake: Callable[[str], None],
    ) -> None:
        """Read each scope's conditions once ``every`` interval, however many bridges run.

        Runs are woken when one of theirs could not be read for ``unreadable``; what was pushed
        counts for as long as ``memory``.
        """
        self._store = store
        self._providers = providers
        self._installation = installation
        self._every = every
        self._memory = memory
        self._unreadable = micros(unreadable)
        self._wake = wake
        self._failures: dict[tuple[Scope, str], int] = {}
        self._asked: dict[_Condition, set[str]] = {}
        """Runs that were asked to stop, by condition: an undo may outlast many readings."""
        self._told: dict[_Condition, set[str]] = {}
        """Runs that were woken because a condition could not be read, until it is read again."""

    def pushed(self, sources: Iterable[str]) -> frozenset[str]:
        """Return which of the sources are never read, only heard."""
        found = set()
        for source in sources:
            # One that is unknown fails its run where it is read, with a reason.
            with suppress(KeyError):
                if self._providers.stop_source(source).pushed:
                    found.add(source)
        return frozenset(found)

    async def read(
        self, scope: Scope, source: str, values: Sequence[str]
    ) -> Mapping[str, StopState]:
        """Read some conditions now and keep what they say. Raises ProviderError.

        One that is only heard is clear unless a signal says that it is triggered.
        """
        reader = self._providers.stop_source(source)
        if reader.pushed:
            heard = await heard_readings(self._store, reader, values, memory=self._memory)
            return {
                value: StopState.TRIGGERED
                if value in heard and heard[value].state == StopState.TRIGGERED
                else StopState.CLEAR
                for value in values
            }
        caller = Caller(scope, None, "reader", self._installation)
        session = await self._providers.session(reader.provider, caller)
        states = await reader.read(session, sorted(set(values)))
        await self._store.save_readings(
            scope, source, dict(states), unreadable=StopState.UNREADABLE
        )
        return states

    async def poll(self) -> None:
        """Read what is due to be read, and ask the runs whose condition holds to stop."""
        everything = await self._store.watched()
        heard = self.pushed({source for _, source in everything})
        watched = {place: values for place, values in everything.items() if place[1] not in heard}
        there = {(*place, value) for place, values in watched.items() for value in values}
        for runs in (self._asked, self._told):
            for condition in runs.keys() - there:
                del runs[condition]
        polls = (self._poll(scope, source, values) for (scope, source), values in watched.items())
        failures = [one for one in await asyncio.gather(*polls, return_exceptions=True) if one]
        # Whatever became of the reading: that it does not happen is what this looks for.
        for (scope, source), values in watched.items():
            await self._wake_unread(scope, source, values)
        for failure in failures:
            raise failure

    async def _poll(self, scope: Scope, source: str, values: Sequence[str]) -> None:
        failures = self._failures.get((scope, source), 0)
        every = micros(self._every * min(1 + failures, _BACKOFF_LIMIT))
        if not await self._store.claim_poll(scope, source, every=every):
            return
        try:
            states = await self.read(scope, source, values)
        except ProviderError as error:
            # The age of the last reading stops the runs in time; here only the pace is slowed.
            if isinstance(error, TransientError):
                self._failures[scope, source] = failures + 1
            logger.warning("stop conditions of %s cannot be read: %s", scope, error)
            return
        self._failures.pop((scope, source), None)
        for value, state in states.items():
            if state is StopState.TRIGGERED:
                await self._stop((scope, source, value))

    async def _stop(self, condition: _Condition) -> None:
        """Ask the runs that watch a condition to stop, those that were not asked before."""
        watching = await self._store.watchers(*condition)
        asked = self._asked.setdefault(condition, set())
        asked &= set(watching)
        to_ask = [run for run in watching if run not in asked]
        details = {"reason": "Experiment halted by stop condition.", "cause": condition[2]}
        now = self._store.now()
        await self._store.append_all(
            [
                Request(experiment=run, kind=RequestKind.STOP, at=now, details=details)
                for run in to_ask
            ]
        )
        asked |= set(to_ask)
        for run in to_ask:
            self._wake(run)

    async def _wake_unread(self, scope: Scope, source: str, values: list[str]) -> None:
        """Have the runs looked at whose condition could not be read for too long.

        They decide for themselves that they stop. This one look at the readings stands for a
        wake-up of every run each minute, which ten thousand that wait could not afford.
        """
        limit = Micros(self._store.now() - self._unreadable)
        readings = await self._store.readings(scope, source, values)
        for value in values:
            condition = (scope, source, value)
            reading = readings.get(value)
            if reading is not None and reading.read_at is not None and reading.read_at > limit:
                self._told.pop(condition, None)
                continue
            # Once is enough: a run that is undoing by then would only be disturbed.
            told = self._told.setdefault(condition, set())
            woken = await self._store.wake_watchers(scope, source, value, since=limit, but=told)
            told |= set(woken)
            for run in woken:
                self._wake(run)
