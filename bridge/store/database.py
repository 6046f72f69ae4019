"""One way into the database: short transactions, off the event loop, one clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from bridge.model.moment import Micros
from bridge.model.scope import Scope

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], Micros]

IN_LIST: Final = 500
"""Values per ``IN (…)``: well under SQLite's limit of bound variables."""


def system_clock() -> Micros:
    """Return the process's UTC time in microseconds."""
    return Micros(time.time_ns() // 1000)


def sqlite_url(data: Path) -> str:
    """Return the URL of the SQLite database in a data directory."""
    return f"sqlite:///{data / 'faultbridge.sqlite3'}"


def open_engine(url: str) -> sa.Engine:
    """Open the database with the settings that our guarantees need.

    SQLite: write-ahead log with full synchronisation, so that a commit survives a power cut;
    write transactions begin IMMEDIATE, because one that begins deferred can fail its
    compare-and-set with "database is locked" at once, whatever the time-out.
    """
    memory = url in {"sqlite://", "sqlite:///:memory:"}
    options: dict[str, Any] = {"poolclass": StaticPool} if memory else {}
    if url.startswith("sqlite"):
        options["connect_args"] = {"timeout": 30, "check_same_thread": False}
    engine = sa.create_engine(url, **options)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Database:
    """What every part of the store shares: the engine, its thread, and the clock."""

    def __init__(
        self, engine: sa.Engine, *, clock: Clock = system_clock, inline: bool = False
    ) -> None:
        """Work on ``engine``.

        ``inline`` runs each transaction on the event loop itself, for tests in virtual time
        on a database in memory.
        """
        self._engine = engine
        self._clock = clock
        self._thread = (
            None if inline else ThreadPoolExecutor(1, thread_name_prefix="faultbridge-store")
        )

    def now(self) -> Micros:
        """Return the store's time; nothing else in the bridge asks another clock."""
        return self._clock()

    async def close(self) -> None:
        """Finish what is running and let go of the connections."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._engine.connect().execution_options(reads_only=True) as connection:
            yield connection

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._thread is None:
            return work(*args, **kwargs)
        call = asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: work(*args, **kwargs)
        )
        # A cancelled caller must not leave a commit half-observed: the transaction always ends.
        return await asyncio.shield(call)


def chunks(values: list[T]) -> Iterator[list[T]]:
    """Cut a list so that each part fits into one ``IN (…)``."""
    for start in range(0, len(values), IN_LIST):
        yield values[start : start + IN_LIST]


def in_scope(table: sa.Table, scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that keeps a query within one scope."""
    return table.c.scope == str(scope)
