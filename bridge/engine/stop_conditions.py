"""Watching stop conditions: one batched read for all runs of a scope, as the bridge's reader."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.engine.signals import heard_readings
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import micros
from providers.contract import Caller, ProviderError, StopState, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bridge.engine.providers import Providers
    from bridge.model.scope import Scope
    from bridge.store import Store

logger = logging.getLogger(__name__)

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
        memory: timedelta = timedelta(days=1),
        wake: Callable[[str], None],
    ) -> None:
        """Read each scope's conditions once ``every`` interval, however many bridges run.

        What was pushed counts for as long as ``memory``.
        """
        self._store = store
        self._providers = providers
        self._installation = installation
        self._every = every
        self._memory = memory
        self._wake = wake
        self._failures: dict[tuple[Scope, str], int] = {}
        self._asked: set[tuple[str, str]] = set()
        """Runs that were asked to stop, by condition: an undo may outlast many readings."""

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
        watched = {place: runs for place, runs in everything.items() if place[1] not in heard}
        self._asked &= {
            (experiment, value)
            for runs in watched.values()
            for value, experiments in runs.items()
            for experiment in experiments
        }
        await asyncio.gather(
            *(self._poll(scope, source, runs) for (scope, source), runs in watched.items())
        )

    async def _poll(self, scope: Scope, source: str, runs: Mapping[str, list[str]]) -> None:
        failures = self._failures.get((scope, source), 0)
        every = micros(self._every * min(1 + failures, _BACKOFF_LIMIT))
        if not await self._store.claim_poll(scope, source, every=every):
            return
        try:
            states = await self.read(scope, source, list(runs))
        except ProviderError as error:
            # The age of the last reading stops the runs in time; here only the pace is slowed.
            if isinstance(error, TransientError):
                self._failures[scope, source] = failures + 1
            logger.warning("stop conditions of %s cannot be read: %s", scope, error)
            return
        self._failures.pop((scope, source), None)
        for value, state in states.items():
            if state is StopState.TRIGGERED:
                for experiment in runs.get(value, ()):
                    await self._stop(experiment, value)

    async def _stop(self, experiment: str, value: str) -> None:
        if (experiment, value) in self._asked:
            return
        await self._store.append(
            Request(
                experiment=experiment,
                kind=RequestKind.STOP,
                at=self._store.now(),
                details={"reason": "Experiment halted by stop condition.", "cause": value},
            )
        )
        self._asked.add((experiment, value))
        self._wake(experiment)
