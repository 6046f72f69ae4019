"""The store as one object, and how it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from bridge.store.action_templates import ActionTemplates
from bridge.store.audit import Audit
from bridge.store.database import Clock, insert_if_absent, open_engine
from bridge.store.experiments import Experiments
from bridge.store.keys import Keys
from bridge.store.lateness import Lateness
from bridge.store.levers import Levers
from bridge.store.limits import Limits
from bridge.store.loops import Loops
from bridge.store.migrate import upgrade
from bridge.store.policies import Policies
from bridge.store.runs import Runs
from bridge.store.schedule import Schedule, ask_all
from bridge.store.schedules import Schedules
from bridge.store.slots import note_restore
from bridge.store.stops import Stops
from bridge.store.tables import meta
from bridge.store.templates import Templates

if TYPE_CHECKING:
    from bridge.model.inbox import Request


class Store(
    Templates,
    Experiments,
    Runs,
    Schedule,
    Stops,
    Levers,
    Limits,
    Schedules,
    Loops,
    Lateness,
    ActionTemplates,
    Policies,
    Audit,
    Keys,
):
    """Everything that the bridge remembers."""

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None, inline: bool = False) -> Self:
        """Open a database, bring its tables up to date, and return the store on it.

        Raises what Alembic and SQLAlchemy raise; their words may quote the URL.
        """
        engine = open_engine(url)
        try:
            upgrade(engine)
            store = cls(engine, clock=clock, inline=inline)
            with store._reading() as connection:
                store._moment(connection)
        except BaseException:
            engine.dispose()
            raise
        return store

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
            insert_if_absent(connection, meta, {"name": "epoch", "value": "0"})
            # Locked, so that of several bridges that begin at once one asks, and once.
            known = connection.execute(
                sa.select(meta.c.value).where(row).with_for_update()
            ).scalar_one()
            if epoch <= int(known):
                return 0
            connection.execute(meta.update().where(row).values(value=str(epoch)))
            note_restore(connection, self.now())
            return ask_all(connection, request)
