"""The store as one object, and how it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from bridge.store.database import Clock, open_engine, system_clock
from bridge.store.experiments import Experiments
from bridge.store.migrate import upgrade
from bridge.store.runs import Runs
from bridge.store.schedule import Schedule, ask_all
from bridge.store.schedules import Schedules
from bridge.store.slots import note_restore
from bridge.store.stops import Stops
from bridge.store.tables import meta
from bridge.store.templates import Templates

if TYPE_CHECKING:
    from bridge.model.inbox import Request


class Store(Templates, Experiments, Runs, Schedule, Stops, Schedules):
    """Everything that the bridge remembers."""

    @classmethod
    def open(cls, url: str, *, clock: Clock = system_clock, inline: bool = False) -> Self:
        """Open a database, bring its tables up to date, and return the store on it."""
        engine = open_engine(url)
        upgrade(engine)
        return cls(engine, clock=clock, inline=inline)

    async def raise_epoch(self, epoch: int, request: Request) -> int:
        """Note the epoch of the settings; where it is higher than the database's, ask all runs.

        Higher means that the database is an older one put back: what it believes to be open
        may have gone on, or ended, without it. Noting and asking are one transaction. Returns
        how many runs were asked.
        """
        return await self._run(self._raise_epoch, epoch, request)

    def _raise_epoch(self, epoch: int, request: Request) -> int:
        row = meta.c.name == "epoch"
        with self._writing() as connection:
            known = connection.execute(sa.select(meta.c.value).where(row)).scalar_one_or_none()
            if known is None:
                connection.execute(meta.insert().values(name="epoch", value=str(epoch)))
            elif epoch > int(known):
                connection.execute(meta.update().where(row).values(value=str(epoch)))
            if epoch <= int(known or 0):
                return 0
            note_restore(connection, self.now())
            return ask_all(connection, request)
