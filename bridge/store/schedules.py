"""Schedules: created, read, changed, deleted; what becomes of their slots is in `slots`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bridge.model.schedule import Schedule, Slot
from bridge.store.database import in_scope
from bridge.store.errors import TokenConflictError
from bridge.store.slots import PARTS, Slots, schedule_from, settle, still
from bridge.store.tables import schedule_slots, schedules, tokens
from bridge.store.templates import Token, claim_token

if TYPE_CHECKING:
    from bridge.model.scope import Scope


class Schedules(Slots):
    """Schedules by scope."""

    async def create_schedule(self, schedule: Schedule, token: Token | None = None) -> Schedule:
        """Store a schedule; with a token seen before, return the one that was made then.

        Raises TokenConflictError, also where that one has been deleted.
        """
        return await self._run(self._create_schedule, schedule, token)

    def _create_schedule(self, schedule: Schedule, token: Token | None) -> Schedule:
        with self._writing() as connection:
            earlier = claim_token(
                connection, schedule.scope, token, schedule.id, schedule.created_at
            )
            if earlier is not None:
                return _made_by_token(connection, earlier)
            connection.execute(
                schedules.insert().values(
                    id=schedule.id,
                    scope=str(schedule.scope),
                    body=_body(schedule),
                    created_at=schedule.created_at,
                    next_at=schedule.next_at,
                )
            )
        return schedule

    async def schedule_of_token(self, scope: Scope, token: Token) -> Schedule | None:
        """Return what a token has made, so that a repeat is not judged by today's clock.

        Raises TokenConflictError where it has been deleted. Another request is not told apart
        here: creating does.
        """
        return await self._run(self._schedule_of_token, scope, token)

    def _schedule_of_token(self, scope: Scope, token: Token) -> Schedule | None:
        with self._reading() as connection:
            made = connection.execute(
                sa.select(tokens.c.object_id).where(
                    in_scope(tokens, scope),
                    tokens.c.operation == token.operation,
                    tokens.c.token == token.value,
                    tokens.c.fingerprint == token.fingerprint,
                )
            ).scalar_one_or_none()
            return None if made is None else _made_by_token(connection, made)

    async def schedule(self, scope: Scope, schedule_id: str) -> Schedule | None:
        """Return a schedule, or None where there is none of that id in the scope."""
        return await self._run(self._schedule, scope, schedule_id)

    def _schedule(self, scope: Scope, schedule_id: str) -> Schedule | None:
        with self._reading() as connection:
            row = connection.execute(
                sa.select(*PARTS).where(in_scope(schedules, scope), schedules.c.id == schedule_id)
            ).one_or_none()
        return None if row is None else schedule_from(row)

    async def schedules(
        self, scope: Scope, *, after: str | None = None, limit: int = 100
    ) -> list[Schedule]:
        """List schedules in order of creation, past the one whose id is ``after``."""
        return await self._run(self._schedules, scope, after, limit)

    def _schedules(self, scope: Scope, after: str | None, limit: int) -> list[Schedule]:
        query = sa.select(*PARTS).where(in_scope(schedules, scope))
        if after is not None:
            last = (
                sa.select(schedules.c.created_at).where(schedules.c.id == after).scalar_subquery()
            )
            query = query.where(
                sa.tuple_(schedules.c.created_at, schedules.c.id) > sa.tuple_(last, after)
            )
        query = query.order_by(schedules.c.created_at, schedules.c.id).limit(limit)
        with self._reading() as connection:
            return [schedule_from(row) for row in connection.execute(query)]

    async def update_schedule(
        self, schedule: Schedule, *, before: Schedule, slots: Sequence[Slot] = ()
    ) -> bool:
        """Replace a schedule if it still is what it was; False where it changed meanwhile.

        ``slots`` are those that the change passes over.
        """
        return await self._run(self._update_schedule, schedule, before, slots)

    def _update_schedule(self, schedule: Schedule, before: Schedule, slots: Sequence[Slot]) -> bool:
        with self._writing() as connection:
            if not still(connection, before):
                return False
            connection.execute(
                schedules.update()
                .where(schedules.c.id == schedule.id)
                .values(body=_body(schedule), next_at=schedule.next_at)
            )
            settle(connection, schedule, slots)
            return True

    async def delete_schedule(self, scope: Scope, schedule_id: str) -> Schedule | None:
        """Delete a schedule with its slots and return it as it was; its runs are left alone."""
        return await self._run(self._delete_schedule, scope, schedule_id)

    def _delete_schedule(self, scope: Scope, schedule_id: str) -> Schedule | None:
        one = sa.and_(in_scope(schedules, scope), schedules.c.id == schedule_id)
        with self._writing() as connection:
            row = connection.execute(sa.select(*PARTS).where(one).with_for_update()).one_or_none()
            if row is None:
                return None
            connection.execute(
                schedule_slots.delete().where(schedule_slots.c.schedule_id == schedule_id)
            )
            connection.execute(schedules.delete().where(one))
        return schedule_from(row)


def _body(schedule: Schedule) -> str:
    return schedule.model_dump_json(exclude={"next_at"})


def _made_by_token(connection: sa.Connection, schedule_id: str) -> Schedule:
    row = connection.execute(sa.select(*PARTS).where(schedules.c.id == schedule_id)).one_or_none()
    if row is None:
        msg = f"the client token made {schedule_id}, which was deleted since; send a fresh one"
        raise TokenConflictError(msg)
    return schedule_from(row)
