"""What alarms on the bridge go by: how late it is with what is due, with undoing, with ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.engine.experiment import planned_length
from bridge.engine.traits import traits_of
from bridge.model.moment import MINUTE, SECOND, Micros
from bridge.model.record import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.engine.providers import Providers
    from bridge.store import Store
    from bridge.store.lateness import OpenRun

STUCK_AFTER: Final = Micros(15 * MINUTE)
"""So long after its planned end, or after it was asked to stop, a run that is open is stuck."""


@dataclass(frozen=True)
class Lateness:
    """How late a bridge is; seconds, but for the number of runs."""

    queue_age: float
    """How long the run that waits longest has been due, held by nobody."""
    undo_late: float
    """By how much the latest undo that is not done is past its time."""
    runs_stuck: int
    """Runs that should have ended long ago."""
    open_runs: int


async def lateness(store: Store, providers: Providers) -> Lateness:
    """Return how late the bridges on a store are. Raises what the store raises."""
    now, runs = await store.open_runs()
    return Lateness(
        queue_age=_latest(now, (run.free_at for run in runs)),
        undo_late=_latest(now, (at for run in runs for at in _undo_times(run))),
        runs_stuck=sum(now > _end(run, providers) + STUCK_AFTER for run in runs),
        open_runs=len(runs),
    )


def _latest(now: Micros, due: Iterable[Micros]) -> float:
    return max((now - at for at in due if at < now), default=0) / SECOND


def _undo_times(run: OpenRun) -> Iterable[Micros]:
    """Yield when each fault that stands, or may, should have been undone."""
    actions = run.experiment.actions
    for record in run.live:
        if record.phase is Phase.PREPARED:
            continue
        ends = [actions[name].ends_at for name in record.holders if name in actions]
        planned = [at for at in ends if at is not None]
        # One that is meant to stay, or has no end of its own, is undone by a stop only.
        times = [max(planned)] if planned and len(planned) == len(ends) else []
        if run.stop_at is not None:
            times.append(run.stop_at)
        if times:
            yield min(times)


def _end(run: OpenRun, providers: Providers) -> Micros:
    experiment = run.experiment
    try:
        planned = planned_length(experiment.template, traits_of(experiment.template, providers))
    except (KeyError, ValueError):  # an action that this version does not know any more
        planned = Micros(0)
    end = Micros(experiment.created_at + planned)
    return end if run.stop_at is None else min(end, run.stop_at)
