"""How runs stand, for ``rescue``: read without a lease, a fence, or a change to the database.

A database that is looked at here may be an old one put back, or one of an older version; so only
columns of the first version are read, and nothing is migrated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bridge.model.event import EventType
from bridge.model.moment import Micros
from bridge.model.record import Phase, Record
from bridge.store.database import Clock, Database, chunks, open_engine
from bridge.store.tables import experiments, journal, records

if TYPE_CHECKING:
    from collections.abc import Iterable


class Standing(StrEnum):
    """How a run stands."""

    HELD = "held"
    """Open, and a living bridge has it in hand."""
    IDLE = "idle"
    """Open, and nobody holds it: due for long, though bridges may use the database."""
    ABANDONED = "abandoned"
    """Open, and certainly no bridge runs on its database."""
    OVER = "over"
    UNKNOWN = "unknown"

    @property
    def word(self) -> str:
        """``open``, ``over`` or ``unknown``: as a document tells it."""
        return "open" if self in _OPEN else self.value


_OPEN: Final = frozenset({Standing.HELD, Standing.IDLE, Standing.ABANDONED})
_GIVEN_UP: Final = frozenset({Phase.KEPT, Phase.RELEASED})


@dataclass(frozen=True)
class RunStanding:
    """How one run stands, and which of its faults nobody means to undo."""

    standing: Standing
    given_up: frozenset[tuple[str, str]] = frozenset()
    """Action and resource of the records that were kept, or released by an operator."""


@dataclass(frozen=True)
class Unmarked:
    """A fault that stands, or may, and that could not be marked."""

    experiment: str
    action: str
    resource: str
    fault: str
    reason: str
    standing: Standing


class Ledger(Database):
    """A bridge's database, opened only to read how its runs stand.

    Every method raises SQLAlchemyError where the database cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        alive: bool,
        grace: Micros,
        clock: Clock | None = None,
        inline: bool = False,
    ) -> None:
        """Read the database at ``url``.

        ``alive`` False means that certainly no bridge runs on it; ``grace`` is how long a run may
        be due before nobody is believed to look after it.
        """
        super().__init__(open_engine(url), clock=clock, inline=inline)
        self._alive = alive
        self._grace = grace

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:
        """Return how runs of any scope stand, by id; those that the database lacks are left out."""
        return await self._run(self._standings, sorted(set(ids)))

    def _standings(self, ids: list[str]) -> dict[str, RunStanding]:
        found: dict[str, RunStanding] = {}
        with self._reading() as connection:
            if not sa.inspect(connection).has_table(experiments.name):
                return found  # a database that was made anew
            now = self._moment(connection)
            for chunk in chunks(ids):
                rows = connection.execute(
                    sa.select(*_STANDING).where(experiments.c.id.in_(chunk))
                ).all()
                found |= {row.id: RunStanding(self._of(row, now)) for row in rows}
            over = [name for name, run in found.items() if run.standing is Standing.OVER]
            for chunk in chunks(over):
                for name, record in self._records(connection, chunk):
                    if record.phase in _GIVEN_UP:
                        known = found[name].given_up | {
                            (action, record.resource) for action in {record.action, *record.holders}
                        }
                        found[name] = RunStanding(Standing.OVER, known)
        return found

    async def unmarked(self) -> list[Unmarked]:
        """Return the faults that were journalled as unmarked and are not known to be undone."""
        return await self._run(self._unmarked)

    def _unmarked(self) -> list[Unmarked]:
        found: dict[tuple[str, str], Unmarked] = {}
        with self._reading() as connection:
            if not sa.inspect(connection).has_table(journal.name):
                return []
            now = self._moment(connection)
            events = connection.execute(
                sa.select(journal.c.experiment_id, journal.c.details)
                .where(journal.c.type == EventType.UNMARKED.value)
                .order_by(journal.c.sequence)
            ).all()
            reasons: dict[tuple[str, str], str] = {}
            for event in events:
                details: dict[str, Any] = json.loads(event.details)
                for resource in details.get("resources", ()):
                    reasons[event.experiment_id, resource] = str(details.get("reason", ""))
            for chunk in chunks(sorted({name for name, _ in reasons})):
                rows = connection.execute(
                    sa.select(*_STANDING).where(experiments.c.id.in_(chunk))
                ).all()
                standings = {row.id: self._of(row, now) for row in rows}
                for name, record in self._records(connection, chunk):
                    reason = reasons.get((name, record.resource))
                    if reason is not None and _may_stand(record):
                        found[name, record.id] = Unmarked(
                            experiment=name,
                            action=record.action,
                            resource=record.resource,
                            fault=record.fault,
                            reason=reason,
                            standing=standings[name],
                        )
        return list(found.values())

    @staticmethod
    def _records(connection: sa.Connection, ids: list[str]) -> list[tuple[str, Record]]:
        rows = connection.execute(
            sa.select(records.c.experiment_id, records.c.body)
            .where(records.c.experiment_id.in_(ids))
            .order_by(records.c.experiment_id, records.c.position)
        ).all()
        return [(row.experiment_id, Record.model_validate_json(row.body)) for row in rows]

    def _of(self, row: sa.Row[*tuple[Any, ...]], now: Micros) -> Standing:
        if not row.open:
            return Standing.OVER
        if not self._alive:
            return Standing.ABANDONED
        held = row.lease_until is not None and row.lease_until > now
        awaited = row.wake_at > now - self._grace
        return Standing.HELD if held or awaited else Standing.IDLE


_STANDING: Final = (
    experiments.c.id,
    experiments.c.open,
    experiments.c.wake_at,
    experiments.c.lease_until,
)


def _may_stand(record: Record) -> bool:
    """Whether a fault without a mark may still be there: live, or given up by an operator."""
    live = not record.phase.ended and record.phase is not Phase.PREPARED
    return record.marked is not True and (live or record.phase is Phase.RELEASED)
