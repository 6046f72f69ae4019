"""When runs are due, and what is asked of them."""

from __future__ import annotations

import json

import sqlalchemy as sa

from bridge.model.experiment import RUN_VERSION
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import Micros
from bridge.store.database import Database
from bridge.store.experiments import append_request
from bridge.store.tables import experiments, inbox


class Schedule(Database):
    """The open runs by the time at which they are due, and their inboxes."""

    async def read_inbox(self, experiment_id: str) -> list[Request]:
        """List the requests that no commit has acted on yet, in order."""
        return await self._run(self._read_inbox, experiment_id)

    def _read_inbox(self, experiment_id: str) -> list[Request]:
        read = (
            sa.select(experiments.c.inbox_read)
            .where(experiments.c.id == experiment_id)
            .scalar_subquery()
        )
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(inbox)
                .where(inbox.c.experiment_id == experiment_id, inbox.c.sequence > read)
                .order_by(inbox.c.sequence)
            ).all()
        return [
            Request(
                experiment=row.experiment_id,
                sequence=row.sequence,
                kind=RequestKind(row.kind),
                at=row.at,
                details=json.loads(row.details),
            )
            for row in rows
        ]

    async def due(self, *, limit: int = 100) -> list[str]:
        """List the open runs that are due and that nobody holds, the longest due first."""
        return await self._run(self._due, limit)

    def _due(self, limit: int) -> list[str]:
        with self._reading() as connection:
            now = self._moment(connection)
            return list(
                connection.execute(
                    sa.select(experiments.c.id)
                    .where(
                        experiments.c.open,
                        experiments.c.version <= RUN_VERSION,
                        experiments.c.wake_at <= now,
                        sa.or_(
                            experiments.c.lease_until.is_(None),
                            experiments.c.lease_until <= now,
                        ),
                    )
                    .order_by(experiments.c.wake_at)
                    .limit(limit)
                ).scalars()
            )

    async def next_due(self) -> Micros | None:
        """Return when the next open run is due and free to take; None where none is open."""
        return await self._run(self._next_due)

    def _next_due(self) -> Micros | None:
        # A leased run is free at its lease's end at the earliest: its holder may have died.
        free_at = sa.case(
            (
                sa.func.coalesce(experiments.c.lease_until, 0) > experiments.c.wake_at,
                experiments.c.lease_until,
            ),
            else_=experiments.c.wake_at,
        )
        with self._reading() as connection:
            found = connection.execute(
                sa.select(sa.func.min(free_at)).where(
                    experiments.c.open, experiments.c.version <= RUN_VERSION
                )
            ).scalar_one()
        return None if found is None else Micros(found)

    async def take_over(self) -> int:
        """Free every lease, for a process that knows that no other is alive; return how many."""
        return await self._run(self._take_over)

    def _take_over(self) -> int:
        with self._writing() as connection:
            return connection.execute(
                experiments.update()
                .where(experiments.c.open, experiments.c.lease_until.is_not(None))
                # Over, not absent: who claims the run must know that it was not let go.
                .values(lease_owner=None, lease_until=0)
            ).rowcount

    async def stop_all(self, request: Request) -> int:
        """Ask every open run to stop, in one transaction; return how many."""
        return await self._run(self._stop_all, request)

    def _stop_all(self, request: Request) -> int:
        with self._writing() as connection:
            return ask_all(connection, request)


def ask_all(connection: sa.Connection, request: Request) -> int:
    """Put a request into every open run's inbox; return how many there are."""
    # In one order for all who ask: two that want each other's rows would wait for ever.
    ids = list(
        connection.execute(
            sa.select(experiments.c.id).where(experiments.c.open).order_by(experiments.c.id)
        ).scalars()
    )
    for experiment_id in ids:
        append_request(connection, request.model_copy(update={"experiment": experiment_id}))
    return len(ids)
