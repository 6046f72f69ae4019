"""The log of decisions: appended and read. Only what is older than is kept leaves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bridge.model.moment import Micros
from bridge.store.database import Database, in_scope
from bridge.store.tables import audit
from iam.policy import AuditEntry

if TYPE_CHECKING:
    from bridge.model.scope import Scope

MOST: Final = 1_000_000
"""Entries of one database, however young: some 300 MB."""
_AT_ONCE: Final = 5_000
"""Entries that one transaction deletes, so that it does not keep others waiting."""
_STATEMENT: Final = 300


class Audit(Database):
    """The decisions of each scope."""

    async def append_audit(self, scope: Scope, entries: Sequence[AuditEntry]) -> None:
        """Append decisions in one transaction."""
        await self._run(self._append_audit, scope, entries)

    def _append_audit(self, scope: Scope, entries: Sequence[AuditEntry]) -> None:
        rows = [
            {
                "scope": str(scope),
                "at": one.at,
                "principal": one.principal,
                "action": one.action,
                "resource": one.resource,
                "outcome": one.outcome,
                "statement": one.statement[:_STATEMENT],
                "request_id": one.request_id,
                "address": one.address,
                "details": json.dumps(one.details, ensure_ascii=False),
            }
            for one in entries
        ]
        with self._writing() as connection:
            connection.execute(audit.insert(), rows)

    async def audit(
        self,
        scope: Scope,
        *,
        before: int | None,
        limit: int,
        principal: str | None = None,
        denied: bool = False,
    ) -> list[AuditEntry]:
        """Return decisions, the newest first: one principal's, or only those that denied."""
        return await self._run(self._audit, scope, before, limit, principal, denied)

    def _audit(
        self, scope: Scope, before: int | None, limit: int, principal: str | None, denied: bool
    ) -> list[AuditEntry]:
        wanted = sa.select(audit).where(in_scope(audit, scope))
        if before is not None:
            wanted = wanted.where(audit.c.sequence < before)
        if principal is not None:
            wanted = wanted.where(audit.c.principal == principal)
        if denied:
            wanted = wanted.where(audit.c.outcome != "allowed")
        with self._reading() as connection:
            found = connection.execute(wanted.order_by(audit.c.sequence.desc()).limit(limit))
            return [_entry(row) for row in found]

    async def prune_audit(self, older_than: Micros, *, most: int = MOST) -> int:
        """Delete what is older, and the oldest beyond the most; returns how many it took.

        It takes a bounded number at once: call it again while it takes any.
        """
        return await self._run(self._prune_audit, older_than, most)

    def _prune_audit(self, older_than: Micros, most: int) -> int:
        with self._writing() as connection:
            newest = connection.execute(sa.select(sa.func.max(audit.c.sequence))).scalar() or 0
            # In no order: with one, a database would rather walk through the whole log.
            doomed = (
                sa.select(audit.c.sequence)
                .where((audit.c.at < older_than) | (audit.c.sequence <= newest - most))
                .limit(_AT_ONCE)
            )
            wanted = audit.c.sequence.in_(doomed.scalar_subquery())
            return connection.execute(audit.delete().where(wanted)).rowcount


def _entry(row: sa.Row[tuple[object, ...]]) -> AuditEntry:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    del fields["scope"]
    fields["details"] = json.loads(fields["details"])
    return AuditEntry(**fields)
