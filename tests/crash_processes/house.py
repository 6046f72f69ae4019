"""The bridges of one case: one with SQLite, or three processes on PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bridge.client import AsyncClient, StartRequest
from bridge.client.errors import ClientError
from bridge.store import sqlite_url
from tests.crash_processes.ledger import Ledger
from tests.crash_processes.offspring import Life, Offspring
from tests.crash_processes.points import Order
from tests.crash_processes.world import World
from tests.postgresql.server import Server

LEASE: Final = 1.0
SETTINGS: Final = {
    "FAULTBRIDGE_LEASE": "PT1S",
    "FAULTBRIDGE_CALL_LIFETIME": "PT2S",
    "FAULTBRIDGE_RETRY_LONGEST": "PT2S",
}


@dataclass
class Base:
    """A database on a PostgreSQL, and the process that answers requests for it.

    One case after the other has it: that process works at no run, and outlives them all.
    """

    server: Server
    database: str
    """URL."""
    answering: Offspring
    url: str


@dataclass
class Estate:
    """What the cases share."""

    world: World
    directory: Path
    server: Server
    """For the cases that leave the database alone."""
    _bases: dict[bool, list[Base]] = field(default_factory=lambda: {True: [], False: []})
    """Those that no case has at the moment, by whether their server is theirs alone."""
    _made: list[Base] = field(default_factory=list)
    _servers: list[Server] = field(default_factory=list)

    @asynccontextmanager
    async def lent(self, *, alone: bool) -> AsyncIterator[Base]:
        """Lend a database, on a server that is nobody else's where it is to be taken away.

        One that a case has left unwell is not lent again.
        """
        free = self._bases[alone]
        base = free.pop() if free else await self._base(alone=alone)
        try:
            yield base
        except BaseException:
            base.answering.kill()
            self._made.remove(base)
            raise
        free.append(base)

    async def _base(self, *, alone: bool) -> Base:
        server = self.server
        if alone:
            server = await asyncio.to_thread(Server.create)
            self._servers.append(server)
        database = await asyncio.to_thread(server.database)
        known = {**self.world.environment, **SETTINGS, "FAULTBRIDGE_DATABASE": database}
        output = self.directory / f"answering-{database.rpartition('/')[2]}-{server.port}"
        answering = Offspring(Life(("serve", "--api-only", "--port", "0"), known, output))
        base = Base(server, database, answering, "")
        self._made.append(base)
        base.url = await _url(answering)
        return base

    def close(self) -> None:
        """End the processes and remove the servers that were made."""
        for base in self._made:
            base.answering.kill()
        for server in self._servers:
            server.remove()


async def _url(serve: Offspring) -> str:
    return (await serve.said(" ready on ")).split(" ready on ")[1].split()[0]


@dataclass
class House:
    """The processes of one case that advance runs; all of them are killed in the end."""

    estate: Estate
    directory: Path
    order: Order
    mutant: str
    database: str
    """URL."""
    base: Base | None = None
    """None on SQLite."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What is set otherwise than in most cases."""
    workers: list[Offspring] = field(default_factory=list)
    _url: str = ""
    _ledger: Ledger | None = None
    _asking: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        """What the database says."""
        if self._ledger is None:
            self._ledger = Ledger(self.database)
        return self._ledger

    async def begin(self) -> None:
        """Start the processes."""
        if self.base is None:
            self._url = await _url(self.fork("serve", "--data", str(self.data), "--port", "0"))
        else:
            self._url = self.base.url
            for worker in [self.fork("worker") for _ in range(2)]:
                await worker.said(" worker ready ")

    @property
    def data(self) -> Path:
        """The data directory, on SQLite."""
        return self.directory / "data"

    async def succeed(self) -> None:
        """Start the next bridge where the only one is dead; a whole one."""
        if self.base is None:
            self.order, self.mutant = replace(self.order, act=""), ""
            await self.begin()

    def fork(self, *arguments: str) -> Offspring:
        """Start a process of the case's own."""
        known = {**self.estate.world.environment, **SETTINGS, **self.settings}
        known["FAULTBRIDGE_DATABASE"] = self.database if self.base else ""
        output = self.directory / f"output-{len(self.workers)}"
        made = Offspring(Life(arguments, known, output, self.order, self.mutant))
        self.workers.append(made)
        return made

    async def start(self, document: dict[str, Any]) -> str:
        """Start a run; return its id, also where the bridge dies before it says so."""
        before = await self.ledger.runs()
        self._ask(lambda client: client.start(StartRequest(template=document)))
        async with asyncio.timeout(30):
            while not (new := await self.ledger.runs() - before):
                if self._asking[0].done():
                    self._asking[0].result()
                await asyncio.sleep(0.03)
        (run,) = new
        return run

    def stop(self, run: str) -> None:
        """Ask for the run to be stopped."""
        self._ask(lambda client: client.stop(run, "enough"))

    def _ask(self, what: Callable[[AsyncClient], Any]) -> None:
        async def ask() -> None:
            async with AsyncClient(self._url) as client:
                await what(client)

        self._asking.append(asyncio.create_task(ask()))

    def of(self, pid: int) -> Offspring:
        """Return the process of that number."""
        return next(one for one in self.workers if one.pid == pid)

    def output(self) -> str:
        """Return what the processes have printed."""
        return "".join(file.read_text() for file in sorted(self.directory.glob("output-*")))

    async def take_database_away(self) -> Callable[[], None]:
        """Take it away; what comes back puts it in place again, and blocks meanwhile."""
        if self.base is not None:
            await asyncio.to_thread(self.base.server.stop)
            return self.base.server.start
        # There is no server to lose. What a bridge meets there is a file that somebody else has
        # locked: a backup, an administrator's shell.
        other = sqlite3.connect(
            self.data / "faultbridge.sqlite3",
            isolation_level=None,
            timeout=10,
            check_same_thread=False,
        )
        await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
        return other.close

    async def close(self) -> None:
        """Kill what lives."""
        for process in self.workers:
            process.kill()
        for task in self._asking:
            task.cancel()
            with suppress(asyncio.CancelledError, ClientError):
                await task
        if self._ledger is not None:
            await self._ledger.close()


@asynccontextmanager
async def house_for(
    estate: Estate,
    order: Order,
    *,
    system: str,
    alone: bool = False,
    mutant: str = "",
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[House]:
    """Build a house and run its bridges for as long as the block runs."""
    directory = order.points.parent
    if system == "sqlite":
        made = House(estate, directory, order, mutant, sqlite_url(directory / "data"))
        made.settings = settings
        async with _lived_in(made):
            yield made
        return
    async with estate.lent(alone=alone) as base:
        made = House(estate, directory, order, mutant, base.database, base, settings)
        async with _lived_in(made):
            yield made


@asynccontextmanager
async def _lived_in(house: House) -> AsyncIterator[None]:
    try:
        await house.begin()
        yield
    finally:
        await house.close()
