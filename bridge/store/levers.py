"""The safety lever as the store keeps it, so that every process on the store obeys it.

Whoever starts a run and whoever moves the lever exclude each other: a run is either among those
that an engagement asks to stop, or it is stored after it and told to stop as it is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from bridge.model.lever import Lever, LeverStatus
from bridge.store.database import Database, insert_if_absent
from bridge.store.lever_state import NAME, ROW, stop_request, stored
from bridge.store.locks import Lock, hold
from bridge.store.schedule import ask_all
from bridge.store.tables import experiments, meta


@dataclass(frozen=True)
class Moved:
    """What came of moving the lever."""

    before: Lever
    after: Lever
    changed: bool
    asked: tuple[str, ...] = ()
    """The runs that were asked to stop."""


class Levers(Database):
    """The one lever of the store."""

    async def lever(self) -> Lever:
        """Return how the lever stands; ``engaging`` while runs of that time are being undone."""
        return await self._run(self._lever)

    def _lever(self) -> Lever:
        with self._reading() as connection:
            return _shown(connection, stored(connection))

    async def move_lever(
        self,
        status: LeverStatus,
        reason: str,
        *,
        unless: LeverStatus | None = None,
        moved_by: str = "",
    ) -> Moved:
        """Engage or disengage the lever; nothing is done where it stands so already.

        Nor is anything done where it stands at ``unless``. Engaging asks every open run to stop,
        in the same transaction.
        """
        return await self._run(self._move_lever, status, reason, unless, moved_by)

    def _move_lever(
        self, status: LeverStatus, reason: str, unless: LeverStatus | None, moved_by: str
    ) -> Moved:
        with self._writing() as connection:
            hold(connection, Lock.LEVER)
            before = stored(connection)
            shown = _shown(connection, before)
            if before.status is status or shown.status is unless:
                return Moved(shown, shown, changed=False)
            lever = Lever(status=status, reason=reason, changed_at=self.now(), moved_by=moved_by)
            body = lever.model_dump_json()
            if not insert_if_absent(connection, meta, {"name": NAME, "value": body}):
                connection.execute(meta.update().where(ROW).values(value=body))
            asked: tuple[str, ...] = ()
            if status is LeverStatus.ENGAGED:
                open_runs = sa.select(experiments.c.id).where(experiments.c.open)
                asked = tuple(connection.execute(open_runs).scalars())
                ask_all(connection, stop_request(lever, "", self.now()))
            return Moved(shown, _shown(connection, lever), changed=True, asked=asked)


def _shown(connection: sa.Connection, lever: Lever) -> Lever:
    if lever.status is not LeverStatus.ENGAGED:
        return lever
    # Runs that were started since are open for a moment too, until they are cancelled.
    earlier = sa.select(experiments.c.id).where(
        experiments.c.open, experiments.c.created_at <= (lever.changed_at or 0)
    )
    if connection.execute(earlier.limit(1)).first() is None:
        return lever
    return lever.model_copy(update={"status": LeverStatus.ENGAGING})
