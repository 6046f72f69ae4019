"""Policies by scope, and a number that tells whether any of them has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bridge.store.database import Database, in_scope, insert_if_absent
from bridge.store.errors import TooManyError
from bridge.store.locks import Lock, hold
from bridge.store.tables import policies, policy_generations
from iam.policy import Attachment, StoredPolicy

if TYPE_CHECKING:
    from bridge.model.scope import Scope

MOST: Final = 500
"""Policies of one scope: every request is measured against those of its principal."""

Change = Callable[[StoredPolicy | None], StoredPolicy | None]
"""Takes a policy as it is and returns it as it should be; None is none. May raise."""


class Policies(Database):
    """The policies of each scope."""

    async def policies(self, scope: Scope) -> list[StoredPolicy]:
        """Return every policy of a scope, by name."""
        return await self._run(self._policies, scope)

    def _policies(self, scope: Scope) -> list[StoredPolicy]:
        wanted = sa.select(policies.c.body).where(in_scope(policies, scope))
        with self._reading() as connection:
            found = connection.execute(wanted.order_by(policies.c.name)).scalars()
            return [_stored(body) for body in found]

    async def policy_generation(self, scope: Scope) -> int:
        """Return a number that is another one after every change of a policy of the scope."""
        return await self._run(self._policy_generation, scope)

    def _policy_generation(self, scope: Scope) -> int:
        wanted = sa.select(policy_generations.c.generation).where(
            in_scope(policy_generations, scope)
        )
        with self._reading() as connection:
            return connection.execute(wanted).scalar_one_or_none() or 0

    async def change_policy(self, scope: Scope, name: str, change: Change) -> StoredPolicy | None:
        """Make, change or delete a policy in one transaction; return what it is then.

        Raises TooManyError, and what ``change`` raises; then nothing was changed.
        """
        return await self._run(self._change_policy, scope, name, change)

    def _change_policy(self, scope: Scope, name: str, change: Change) -> StoredPolicy | None:
        one = in_scope(policies, scope) & (policies.c.name == name)
        with self._writing() as connection:
            hold(connection, Lock.POLICIES)
            body = connection.execute(sa.select(policies.c.body).where(one)).scalar_one_or_none()
            before = None if body is None else _stored(body)
            after = change(before)
            if after == before:
                return after
            if after is None:
                connection.execute(policies.delete().where(one))
            elif before is None:
                _refuse_too_many(connection, scope)
                row = {"scope": str(scope), "name": name, "body": _body(after)}
                connection.execute(policies.insert().values(**row))
            else:
                connection.execute(policies.update().where(one).values(body=_body(after)))
            _count_up(connection, scope)
            return after


def _refuse_too_many(connection: sa.Connection, scope: Scope) -> None:
    count = sa.select(sa.func.count()).select_from(policies).where(in_scope(policies, scope))
    if connection.execute(count).scalar_one() >= MOST:
        raise TooManyError(f"there are {MOST} policies, which is the most; delete some first")


def _count_up(connection: sa.Connection, scope: Scope) -> None:
    first: dict[str, object] = {"scope": str(scope), "generation": 1}
    if not insert_if_absent(connection, policy_generations, first):
        number = policy_generations.c.generation
        connection.execute(
            policy_generations.update()
            .where(in_scope(policy_generations, scope))
            .values(generation=number + 1)
        )


def _body(policy: StoredPolicy) -> str:
    return json.dumps(asdict(policy), ensure_ascii=False)


def _stored(body: str) -> StoredPolicy:
    read = json.loads(body)
    attachment = read.pop("attachment")
    return StoredPolicy(
        **read,
        attachment=Attachment(tuple(attachment["principals"]), tuple(attachment["groups"])),
    )
