"""Advancing a run: load, read the inbox, ask the machine, act, commit, say when to wake next.

Safety does not depend on who calls this, how often, or in which order: a run is claimed with a
lease and a fence, every write is a compare-and-set on that fence, and every effect is preceded
by the commit that makes it undoable.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bridge.engine import lease as leases
from bridge.engine.context import Context
from bridge.engine.experiment import planned_length
from bridge.engine.guardrails import Timetable
from bridge.engine.run import Limits, Run
from bridge.engine.stop_conditions import StopWatch
from bridge.engine.traits import traits_of
from bridge.engine.turn import Turn
from bridge.model.moment import Micros, micros

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.engine.providers import Providers
    from bridge.settings import Settings
    from bridge.store import Claimed, Store


class Engine:
    """Advances runs. One per process; any number of processes may share a store."""

    def __init__(
        self,
        store: Store,
        providers: Providers,
        settings: Settings,
        *,
        worker: str,
        wake: Callable[[str], None],
    ) -> None:
        """Work as ``worker`` (a name for the lease); ``wake`` asks for a run to be advanced."""
        self.store = store
        self.providers = providers
        self.settings = settings
        self.stop_watch = StopWatch(
            store,
            providers,
            installation=settings.installation,
            every=settings.stop_poll,
            memory=settings.signal_memory,
            unreadable=settings.stop_unreadable,
            wake=wake,
        )
        self._worker = worker
        self._wake = wake
        self._timetable = Timetable(settings.calendar)
        self._pokes: dict[str, asyncio.Event] = {}

    def poke(self, experiment_id: str) -> bool:
        """Tell a run that is being advanced here that there is news; False if it is not."""
        event = self._pokes.get(experiment_id)
        if event is not None:
            event.set()
        return event is not None

    async def advance(self, experiment_id: str) -> None:
        """Advance a run as far as it goes now. Does nothing if another worker holds it."""
        length = micros(self.settings.lease)
        guard = leases.guard_for(length)
        claimed = await self.store.claim(experiment_id, owner=self._worker, lease=length)
        if claimed is None:
            return
        run = self._load(claimed)
        news = asyncio.Event()
        self._pokes[experiment_id] = news
        context = Context(
            run=run,
            store=self.store,
            providers=self.providers,
            stop_watch=self.stop_watch,
            guard=guard,
            installation=self.settings.installation,
            rules=self.settings,
            wake=lambda: self._wake(experiment_id),
        )
        try:
            async with leases.held(self.store, claimed.claim, guard, length):
                await Turn(self.store, context, claimed, news, length).go()
        finally:
            self._pokes.pop(experiment_id, None)

    def _load(self, claimed: Claimed) -> Run:
        experiment = claimed.experiment
        traits = traits_of(experiment.template, self.providers)
        settings = self.settings
        planned = planned_length(experiment.template, traits)
        limits = Limits(
            planned=planned,
            call_lifetime=micros(settings.call_lifetime),
            late=Micros(max(micros(settings.late_at_least), planned // 10)),
            grace=micros(settings.lease),
            stop_unreadable=micros(settings.stop_unreadable),
            retry_first=micros(settings.retry_first),
            retry_longest=micros(settings.retry_longest),
            look_first=micros(settings.poll_shortest),
            timetable=self._timetable,
        )
        return Run(
            experiment,
            {r.id: r for r in claimed.records},
            traits,
            limits,
            pushed=self.stop_watch.pushed(c.source for c in experiment.template.watched),
        )
