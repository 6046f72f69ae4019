"""Starting what is scheduled.

Any number of processes may call `Scheduler.start_due` at once and as often as they like: that each
slot is started once is the store's doing. Called too late or not at all, slots are late or are
skipped, and nothing else is harmed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from bridge.dialects.fis.tags import reserved_tag_problems
from bridge.engine.experiment import new_experiment
from bridge.engine.slots import due
from bridge.model.failure import whereabouts
from bridge.model.moment import micros
from bridge.model.problem import Severity
from bridge.model.schedule import Slot, SlotOutcome
from bridge.model.wording import quote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bridge.catalog import Catalog
    from bridge.engine.slots import Due
    from bridge.model.experiment import Experiment
    from bridge.model.moment import Micros
    from bridge.model.schedule import Schedule
    from bridge.model.scope import Scope
    from bridge.settings import Settings
    from bridge.store import Store

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 100
_NAMED: Final = 3
"""Problems of a refused template that a slot's reason names."""


class Scheduler:
    """Starts the runs of schedules whose slots have come. One per process."""

    def __init__(self, store: Store, catalog: Catalog, settings: Settings) -> None:
        """Judge templates by ``catalog``; lateness is limited as the engine limits it."""
        self._store = store
        self._catalog = catalog
        self._late = micros(settings.late_at_least)

    async def next_due(self) -> Micros | None:
        """Return when the next slot comes; None where none is waited for."""
        return await self._store.next_slot_at()

    async def start_due(self) -> list[str]:
        """Decide every slot that has come; return the ids of the runs that were started."""
        return [experiment_id async for experiment_id in self.starting()]

    async def starting(self) -> AsyncIterator[str]:
        """Decide every slot that has come; yield the id of each run as soon as it is started."""
        looked_at: set[str] = set()
        while True:
            found = await self._store.due_schedules(limit=_AT_ONCE)
            fresh = [one for one in found if one[0] not in looked_at]
            for schedule_id, scope in fresh:
                looked_at.add(schedule_id)
                try:
                    started = await self._decide(schedule_id, scope)
                except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
                    # One that cannot be decided here must not keep the others from their slots.
                    logger.error(
                        "the slot of schedule %s could not be decided: %s",
                        schedule_id,
                        whereabouts(error),
                    )
                else:
                    if started is not None:
                        yield started
            if len(found) < _AT_ONCE or not fresh:
                return

    async def _decide(self, schedule_id: str, scope: Scope) -> str | None:
        store = self._store
        schedule = await store.schedule(scope, schedule_id)
        if schedule is None:
            return None
        now = store.now()
        passed = due(schedule, now, self._late, restored_at=await store.restored_at())
        if passed is None:
            return None
        run, slots = await self._run_for(schedule, passed, now)
        decided = await store.decide_slots(
            schedule, slots, run=run, run_at=passed.start, next_at=passed.next_at
        )
        started = decided is not None and decided.outcome is SlotOutcome.STARTED
        return run.id if run is not None and started else None

    async def _run_for(
        self, schedule: Schedule, passed: Due, now: Micros
    ) -> tuple[Experiment | None, list[Slot]]:
        """Return the run to start, judged as StartExperiment judges it, and the other slots."""
        slots = list(passed.skipped)
        if passed.start is None:
            return None, slots
        template = await self._store.template(schedule.scope, schedule.template_id)
        if template is None:
            reason = f"there is no experiment template {quote(schedule.template_id)} any more"
            return None, [*slots, _failed(passed.start, now, reason)]
        found = [*self._catalog.validate(template), *reserved_tag_problems(schedule.tags)]
        errors = [str(one) for one in found if one.severity is Severity.ERROR]
        if errors:
            more = f" … and {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
            reason = "the template is refused now: " + "; ".join(errors[:_NAMED]) + more
            return None, [*slots, _failed(passed.start, now, reason)]
        by = {"principal": f"schedule:{schedule.id}"}
        return new_experiment(template, now=now, tags=schedule.tags, started_by=by), slots


def _failed(slot: Micros, now: Micros, reason: str) -> Slot:
    return Slot(slot_at=slot, at=now, outcome=SlotOutcome.FAILED, reason=reason)
