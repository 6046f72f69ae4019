"""Slots of schedules: each is decided once, by whoever has its schedule's row.

Deciding a slot is one transaction: the row of the schedule is locked and still is what was seen,
the slot is inserted (its key is unique: whoever inserts it starts the run), the run is stored, the
schedule waits for its next slot. So there is no moment at which a process could die and leave a
slot without its run, or a run that would be started again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bridge.model.moment import Micros
from bridge.model.schedule import ConcurrencyPolicy, Schedule, Slot, SlotOutcome
from bridge.model.scope import Scope
from bridge.store.database import Database, in_scope, insert_if_absent
from bridge.store.experiments import insert_experiment
from bridge.store.tables import experiments, meta, schedule_slots, schedules

if TYPE_CHECKING:
    from bridge.model.experiment import Experiment

PARTS: Final = (schedules.c.body, schedules.c.next_at)
"""The columns that make up a schedule."""
_RESTORED: Final = meta.c.name == "restored_at"


def schedule_from(row: sa.Row[*tuple[Any, ...]]) -> Schedule:
    """Put a schedule and the slot that it waits for together again."""
    found = Schedule.model_validate_json(row.body)
    return found.model_copy(update={"next_at": row.next_at})


def _slot_from(row: sa.Row[*tuple[Any, ...]]) -> Slot:
    return Slot(
        slot_at=row.slot_at,
        at=row.at,
        outcome=SlotOutcome(row.outcome),
        reason=row.reason,
        experiment=row.experiment_id,
    )


class Slots(Database):
    """The schedules that are due, and what became of their slots."""

    async def slots(self, schedule_id: str) -> list[Slot]:
        """List what a schedule remembers of its slots, the latest first."""
        return await self._run(self._slots, schedule_id)

    def _slots(self, schedule_id: str) -> list[Slot]:
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(schedule_slots)
                .where(schedule_slots.c.schedule_id == schedule_id)
                .order_by(schedule_slots.c.slot_at.desc())
            ).all()
        return [_slot_from(row) for row in rows]

    async def schedule_and_slots(
        self, scope: Scope, schedule_id: str
    ) -> tuple[Schedule, list[Slot]] | None:
        """Return a schedule and its slots, the latest first, as they were at one moment."""
        return await self._run(self._schedule_and_slots, scope, schedule_id)

    def _schedule_and_slots(
        self, scope: Scope, schedule_id: str
    ) -> tuple[Schedule, list[Slot]] | None:
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(*PARTS, schedule_slots)
                .outerjoin_from(
                    schedules, schedule_slots, schedule_slots.c.schedule_id == schedules.c.id
                )
                .where(in_scope(schedules, scope), schedules.c.id == schedule_id)
                .order_by(schedule_slots.c.slot_at.desc())
            ).all()
        if not rows:
            return None
        return schedule_from(rows[0]), [_slot_from(row) for row in rows if row.outcome is not None]

    async def due_schedules(self, *, limit: int = 100) -> list[tuple[str, Scope]]:
        """List the schedules whose slot has come, the longest due first."""
        return await self._run(self._due_schedules, limit)

    def _due_schedules(self, limit: int) -> list[tuple[str, Scope]]:
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(schedules.c.id, schedules.c.scope)
                .where(schedules.c.next_at <= self.now())
                .order_by(schedules.c.next_at)
                .limit(limit)
            ).all()
        return [(row.id, Scope.parse(row.scope)) for row in rows]

    async def next_slot_at(self) -> Micros | None:
        """Return when the next slot of any schedule comes; None where none is waited for."""
        return await self._run(self._next_slot_at)

    def _next_slot_at(self) -> Micros | None:
        with self._reading() as connection:
            found = connection.execute(
                sa.select(sa.func.min(schedules.c.next_at)).where(
                    schedules.c.next_at.is_not(None)  # said, so that the index of due ones is used
                )
            ).scalar_one()
        return None if found is None else Micros(found)

    async def restored_at(self) -> Micros | None:
        """Return when the database was last put back to an earlier state; None if never."""
        return await self._run(self._restored_at)

    def _restored_at(self) -> Micros | None:
        with self._reading() as connection:
            found = connection.execute(
                sa.select(meta.c.value).where(_RESTORED)
            ).scalar_one_or_none()
        return None if found is None else Micros(int(found))

    async def decide_slots(
        self,
        seen: Schedule,
        slots: Sequence[Slot],
        *,
        run: Experiment | None = None,
        run_at: Micros | None = None,
        next_at: Micros | None,
    ) -> Slot | None:
        """Write what becomes of the slots that have come, all of it or nothing.

        ``run`` is started for the slot ``run_at``, unless the schedule forbids it while an
        earlier run is open, or that slot has been decided before. Returns what became of that
        slot; None where another process has decided, or where there was no run to start.
        """
        return await self._run(self._decide_slots, seen, slots, run, run_at, next_at)

    def _decide_slots(
        self,
        seen: Schedule,
        slots: Sequence[Slot],
        run: Experiment | None,
        run_at: Micros | None,
        next_at: Micros | None,
    ) -> Slot | None:
        with self._writing() as connection:
            if not still(connection, seen, skip_locked=True):
                return None
            decided = None
            if run is not None and run_at is not None:
                decided = self._start_slot(connection, seen, run, run_at)
            # Not the body: a newer version may have written more there than this one reads.
            connection.execute(
                schedules.update().where(schedules.c.id == seen.id).values(next_at=next_at)
            )
            settle(connection, seen, slots)
        return decided

    def _start_slot(
        self, connection: sa.Connection, schedule: Schedule, run: Experiment, slot_at: Micros
    ) -> Slot | None:
        slot = Slot(slot_at=slot_at, at=self.now(), outcome=SlotOutcome.STARTED, experiment=run.id)
        if schedule.concurrency_policy is ConcurrencyPolicy.FORBID:
            running = connection.execute(
                sa.select(experiments.c.id)
                .join(schedule_slots, schedule_slots.c.experiment_id == experiments.c.id)
                .where(schedule_slots.c.schedule_id == schedule.id, experiments.c.open)
                .limit(1)
            ).scalar_one_or_none()
            if running is not None:
                slot = Slot(
                    slot_at=slot_at,
                    at=slot.at,
                    outcome=SlotOutcome.SKIPPED,
                    reason=f"experiment {running} is still running, and concurrencyPolicy is "
                    f"{ConcurrencyPolicy.FORBID.value}",
                )
        if not _insert_slot(connection, schedule.id, slot):
            return None
        if slot.outcome is SlotOutcome.STARTED:
            insert_experiment(connection, run)
        return slot


def note_restore(connection: sa.Connection, now: Micros) -> None:
    """Note that what came before now may have been done by the database that is lost."""
    connection.execute(meta.delete().where(_RESTORED))
    connection.execute(meta.insert().values(name="restored_at", value=str(now)))


def settle(connection: sa.Connection, schedule: Schedule, slots: Sequence[Slot]) -> None:
    """Write decided slots, and forget those that are more than the schedule remembers."""
    for slot in slots:
        _insert_slot(connection, schedule.id, slot)
    table = schedule_slots
    mine = table.c.schedule_id == schedule.id
    oldest_kept = (
        sa.select(table.c.slot_at)
        .where(mine)
        .order_by(table.c.slot_at.desc())
        .offset(schedule.history_limit - 1)
        .limit(1)
        .scalar_subquery()
    )
    # What is still running is remembered, or the next slot would be started beside it.
    running = sa.exists().where(experiments.c.id == table.c.experiment_id, experiments.c.open)
    connection.execute(table.delete().where(mine, table.c.slot_at < oldest_kept, ~running))


def still(connection: sa.Connection, seen: Schedule, *, skip_locked: bool = False) -> bool:
    """Lock a schedule's row; False where it is not what was seen, or another has it."""
    row = connection.execute(
        sa.select(*PARTS).where(schedules.c.id == seen.id).with_for_update(skip_locked=skip_locked)
    ).one_or_none()
    return row is not None and schedule_from(row) == seen


def _insert_slot(connection: sa.Connection, schedule_id: str, slot: Slot) -> bool:
    """Insert a slot; False where it has been decided before, by whomever."""
    values: dict[str, object] = {
        "schedule_id": schedule_id,
        "slot_at": slot.slot_at,
        "at": slot.at,
        "outcome": slot.outcome,
        "reason": slot.reason,
        "experiment_id": slot.experiment,
    }
    return insert_if_absent(connection, schedule_slots, values)
