"""Which durable execution looks after a run, for a bridge whose runs are advanced by functions.

Executions are numbered per run. The one with the highest number that has begun is the run's; any
other learns so at its next look, and ends. Two that believe themselves the run's for a moment harm
nothing: leases and fences keep them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from bridge.model.experiment import RUN_VERSION
from bridge.model.moment import Micros
from bridge.store.database import Database, insert_if_absent
from bridge.store.tables import experiments, loops, watches


@dataclass(frozen=True)
class Outlook:
    """What comes next for an open run."""

    now: Micros
    free_at: Micros
    """When it is due and may be taken; of a run that somebody holds not before its lease's end."""
    sources: frozenset[str]
    """Of the stop conditions that it watches."""


class Loops(Database):
    """The numbers of the executions, and what they need to know of their runs."""

    async def loop_of(self, experiment_id: str) -> int:
        """Return the number of the execution that looks after a run; 0 where none did yet."""
        return await self._run(self._loop_of, experiment_id)

    def _loop_of(self, experiment_id: str) -> int:
        with self._reading() as connection:
            return self._sequence(connection, experiment_id)

    async def take_loop(self, experiment_id: str, sequence: int) -> bool:
        """Make a run that execution's; False where it is a later one's already."""
        return await self._run(self._take_loop, experiment_id, sequence)

    def _take_loop(self, experiment_id: str, sequence: int) -> bool:
        with self._reading() as connection:
            if self._sequence(connection, experiment_id) == sequence:
                return True  # as at every look but the first: nothing to write
        with self._writing() as connection:
            row = {"experiment_id": experiment_id, "sequence": sequence}
            if insert_if_absent(connection, loops, row):
                return True
            taken = connection.execute(
                loops.update()
                .where(loops.c.experiment_id == experiment_id, loops.c.sequence <= sequence)
                .values(sequence=sequence)
            )
            return taken.rowcount == 1

    async def next_loop(self, experiment_id: str) -> int:
        """Take a number that no execution has, and return it; the one before it ends then."""
        return await self._run(self._next_loop, experiment_id)

    def _next_loop(self, experiment_id: str) -> int:
        with self._writing() as connection:
            insert_if_absent(connection, loops, {"experiment_id": experiment_id, "sequence": 0})
            mine = loops.c.experiment_id == experiment_id
            connection.execute(loops.update().where(mine).values(sequence=loops.c.sequence + 1))
            return self._sequence(connection, experiment_id)

    async def outlook(self, experiment_id: str) -> Outlook | None:
        """Return what comes next for a run; None where nothing does, or for newer code only."""
        return await self._run(self._outlook, experiment_id)

    def _outlook(self, experiment_id: str) -> Outlook | None:
        with self._reading() as connection:
            now = self._moment(connection)
            row = connection.execute(
                sa.select(experiments.c.wake_at, experiments.c.lease_until).where(
                    experiments.c.id == experiment_id,
                    experiments.c.open,
                    experiments.c.version <= RUN_VERSION,
                )
            ).one_or_none()
            if row is None:
                return None
            sources = connection.execute(
                sa.select(watches.c.source).where(watches.c.experiment_id == experiment_id)
            ).scalars()
            return Outlook(now, Micros(max(row.wake_at, row.lease_until or 0)), frozenset(sources))

    @staticmethod
    def _sequence(connection: sa.Connection, experiment_id: str) -> int:
        found = connection.execute(
            sa.select(loops.c.sequence).where(loops.c.experiment_id == experiment_id)
        ).scalar_one_or_none()
        return 0 if found is None else int(found)
