"""When runs are due, and what is asked of them."""

from __future__ import annotations

import json
from typing import Final

import sqlalchemy as sa

from bridge.model.experiment import RUN_VERSION
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import Micros
from bridge.store.database import Database, chunks
from bridge.store.tables import experiments, inbox

_AT_ONCE: Final = Micros(0)


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

    async def due(self, *, limit: int = 100, since: Micros = _AT_ONCE) -> list[str]:
        """List the open runs that are due and that nobody holds, the longest due first.

        ``since`` is a length: those that have been due, and free, for less are left out.
        """
        return await self._run(self._due, limit, since)

    def _due(self, limit: int, since: Micros) -> list[str]:
        with self._reading() as connection:
            now = Micros(self._moment(connection) - since)
            return list(
                connection.execute(
                    sa.select(experiments.c.id)
                    .where(
                        experiments.c.open,
                        experiments.c.version <= RUN_VERSION,
                        experiments.c.wake_at <= now,
                        _free(now),
                    )
                    .order_by(experiments.c.wake_at)
                    .limit(limit)
                ).scalars()
            )

    async def next_due(self) -> Micros | None:
        """Return when the next open run is due and free to take; None where none is open."""
        return await self._run(self._next_due)

    def _next_due(self) -> Micros | None:
        # Both walk the index of due times from its beginning and stop at the first run that is
        # free: before that one stand only those that somebody holds now. A search among all
        # open runs would cost every waiting run a look each time any of them is looked after.
        wake_at, lease_until = experiments.c.wake_at, experiments.c.lease_until
        # A held run is free at its lease's end at the earliest: its holder may have died.
        free_at = sa.case((lease_until > wake_at, lease_until), else_=wake_at)
        ours = sa.and_(experiments.c.open, experiments.c.version <= RUN_VERSION)
        now = self.now()  # an estimate will do: it is when to look again
        with self._reading() as connection:
            free = connection.execute(
                sa.select(wake_at, free_at.label("free_at"))
                .where(ours, _free(now))
                .order_by(wake_at)
                .limit(1)
            ).one_or_none()
            held = sa.select(sa.func.min(free_at)).where(ours, lease_until > now)
            if free is not None:
                held = held.where(wake_at < free.wake_at)
            first_held = connection.execute(held).scalar_one()
        moments = (None if free is None else free.free_at, first_held)
        return min((Micros(at) for at in moments if at is not None), default=None)

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


def _free(now: Micros) -> sa.ColumnElement[bool]:
    lease_until = experiments.c.lease_until
    return sa.or_(lease_until.is_(None), lease_until <= now)


def ask_all(connection: sa.Connection, request: Request) -> int:
    """Put a request into every open run's inbox; return how many there are.

    A few statements for hundreds of runs: an emergency stop waits for them.
    """
    # Locked until the transaction ends: none closes unasked, and the requests' numbers are in
    # the order of commits, as in `append_request`. In one order for all who ask: two that want
    # each other's rows would wait for ever.
    ids = list(
        connection.execute(
            sa.select(experiments.c.id)
            .where(experiments.c.open)
            .order_by(experiments.c.id)
            .with_for_update()
        ).scalars()
    )
    if not ids:
        return 0
    connection.execute(
        inbox.insert().values(
            kind=request.kind,
            at=request.at,
            details=json.dumps(request.details, separators=(",", ":")),
            experiment_id=sa.bindparam("experiment_id"),
        ),
        [{"experiment_id": experiment_id} for experiment_id in ids],
    )
    for part in chunks(ids):
        connection.execute(
            experiments.update()
            .where(experiments.c.id.in_(part), experiments.c.wake_at > request.at)
            .values(wake_at=request.at)
        )
    return len(ids)
