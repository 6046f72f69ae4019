"""What the database of a case says, read beside its bridges."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bridge.model.event import Event
from bridge.model.experiment import Experiment
from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.store import Store
from bridge.store.database import open_engine
from bridge.store.tables import experiments

SCOPE: Final = Scope(cloud="aws", account="123456789012", region="us-east-1")


@dataclass(frozen=True)
class Hold:
    """Who has a run."""

    open: bool
    """Whether something is still to be done for it."""
    fence: int
    owner: str | None


class Ledger:
    """Reads a database that its server may take away meanwhile."""

    def __init__(self, url: str) -> None:
        """Open the database of ``url`` as it is."""
        self._store = Store(open_engine(url))

    async def hold(self, run: str) -> Hold:
        """Return who has the run; waits for a database that is away."""
        while True:
            try:
                return await self._store._run(self._hold, run)
            except sa.exc.OperationalError:
                await asyncio.sleep(0.1)

    async def runs(self) -> set[str]:
        """Return the ids of all runs."""
        return await self._store._run(self._runs)

    def _runs(self) -> set[str]:
        with self._store._reading() as connection:
            return set(connection.execute(sa.select(experiments.c.id)).scalars())

    def _hold(self, run: str) -> Hold:
        columns = experiments.c.open, experiments.c.fence, experiments.c.lease_owner
        with self._store._reading() as connection:
            row: Any = connection.execute(sa.select(*columns).where(experiments.c.id == run)).one()
        return Hold(*row)

    async def closed(self, run: str, within: float) -> bool:
        """Wait until nothing is left to do for a run; False where that takes too long."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + within
        while (await self.hold(run)).open:
            if loop.time() > give_up:
                return False
            await asyncio.sleep(0.1)
        return True

    async def told(self, run: str) -> tuple[Experiment, list[Record], list[Event]]:
        """Return the run, its records and its journal."""
        experiment = await self._store.experiment(SCOPE, run)
        assert experiment is not None
        records = await self._store.records(run)
        return experiment, records, await self._store.journal(run, limit=10_000)

    async def close(self) -> None:
        """Let go of the database."""
        await self._store.close()
