"""How many resources all open runs of the store touch at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from bridge.store.database import Database
from bridge.store.errors import AtOnceError
from bridge.store.locks import Lock, hold
from bridge.store.tables import records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.model.record import Record


class Limits(Database):
    """The live records of all runs, counted."""

    async def live_elsewhere(self, experiment_id: str) -> int:
        """Return how many resources all runs but this one touch now."""
        return await self._run(self._live_elsewhere, experiment_id)

    def _live_elsewhere(self, experiment_id: str) -> int:
        with self._reading() as connection:
            return _live(connection, records.c.experiment_id != experiment_id)


def refuse_beyond(connection: sa.Connection, added: Sequence[Record], most: int | None) -> None:
    """Raise AtOnceError where the added records would make more than ``most`` live ones.

    Call it in the transaction that adds them, before it does: two runs cannot both pass.
    """
    fresh = sum(not record.phase.ended for record in added)
    if most is None or not fresh:
        return
    hold(connection, Lock.AT_ONCE)
    live = _live(connection)
    if live + fresh > most:
        raise AtOnceError(live, fresh, most)


def _live(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(records).where(records.c.live, *conditions)
    return connection.execute(query).scalar_one()
