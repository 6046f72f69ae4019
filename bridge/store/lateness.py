"""How late runs are, for alarms on the bridge itself: read without a lease or a fence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bridge.model.event import EventType
from bridge.model.experiment import RUN_VERSION
from bridge.model.moment import Micros
from bridge.model.record import Record
from bridge.store.database import Database
from bridge.store.experiments import PARTS, experiment_from
from bridge.store.tables import experiments, journal, records

if TYPE_CHECKING:
    from bridge.model.experiment import Experiment


@dataclass(frozen=True)
class OpenRun:
    """A run that is not over, and when somebody asked it to end."""

    experiment: Experiment
    free_at: Micros
    """When it is due and may be taken; of a run that somebody holds not before its lease's end."""
    stop_at: Micros | None
    live: tuple[Record, ...]
    """Its records that have not ended."""


class Lateness(Database):
    """The open runs as they stand."""

    async def open_runs(self) -> tuple[Micros, list[OpenRun]]:
        """Return the time, and every open run that this code understands."""
        return await self._run(self._open_runs)

    def _open_runs(self) -> tuple[Micros, list[OpenRun]]:
        ours = sa.and_(experiments.c.open, experiments.c.version <= RUN_VERSION)
        with self._reading() as connection:
            now = self._moment(connection)
            rows = connection.execute(
                sa.select(
                    experiments.c.id, experiments.c.wake_at, experiments.c.lease_until, *PARTS
                )
                .where(ours)
                .order_by(experiments.c.created_at)
            ).all()
            stops = connection.execute(
                sa.select(journal.c.experiment_id, sa.func.min(journal.c.at))
                .join(experiments)
                .where(ours, journal.c.type == EventType.STOP_REQUESTED.value)
                .group_by(journal.c.experiment_id)
            ).all()
            alive = connection.execute(
                sa.select(records.c.experiment_id, records.c.body)
                .join(experiments, records.c.experiment_id == experiments.c.id)
                .where(ours, records.c.live)
            ).all()
        asked = {str(run): Micros(at) for run, at in stops}
        live: dict[str, list[Record]] = {}
        for row in alive:
            live.setdefault(row.experiment_id, []).append(Record.model_validate_json(row.body))
        return now, [
            OpenRun(
                experiment_from(row),
                Micros(max(row.wake_at, row.lease_until or 0)),
                asked.get(row.id),
                tuple(live.get(row.id, ())),
            )
            for row in rows
        ]
