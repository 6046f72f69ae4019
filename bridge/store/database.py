"""One way into the database: short transactions, off the event loop, one clock.

On SQLite that clock is the process's. On PostgreSQL it is the server's, so that bridges whose
clocks disagree agree on leases and wake-ups: what is decided within a transaction asks
``clock_timestamp()``, and ``now()`` adds what was last measured of it to the boot-time clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from bridge.model.moment import Micros
from bridge.model.scope import Scope
from bridge.store.grouping import GroupedThread

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], Micros]

IN_LIST: Final = 500
"""Values per ``IN (…)``: well under SQLite's limit of bound variables."""
CONNECTIONS: Final = 4
"""Transactions at the same time on a server; SQLite has one writer, and gets one thread."""

_SERVER_OPTIONS: Final = {
    "application_name": "faultbridge",
    "connect_timeout": 5,
    # A server that is cut off, or a network that swallows packets, must not hold a worker.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    # A worker that is frozen within a transaction would hold its run's row against everybody.
    "options": "-c statement_timeout=30s -c lock_timeout=10s "
    "-c idle_in_transaction_session_timeout=10s",
}
_SERVER_NOW: Final = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


def system_clock() -> Micros:
    """Return the process's UTC time in microseconds."""
    return Micros(time.time_ns() // 1000)


def sqlite_url(data: Path) -> str:
    """Return the URL of the SQLite database in a data directory."""
    return f"sqlite:///{data / 'faultbridge.sqlite3'}"


def database_url(text: str) -> sa.URL:
    """Return a database's URL with the driver that we use.

    ``postgresql://`` and ``postgres://``, as others write it, mean psycopg. Raises
    sqlalchemy.exc.ArgumentError for what is no URL.
    """
    url = sa.make_url(text)
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    return url


def is_server(url: str) -> bool:
    """Say whether a database can be shared by bridges on many machines."""
    return bool(url) and database_url(url).get_backend_name() == "postgresql"


def open_engine(text: str) -> sa.Engine:
    """Open the database with the settings that our guarantees need.

    SQLite: write-ahead log with full synchronisation, so that a commit survives a power cut;
    write transactions begin IMMEDIATE, because one that begins deferred can fail its
    compare-and-set with "database is locked" at once, whatever the time-out.

    PostgreSQL: READ COMMITTED, where an ``UPDATE … WHERE fence = …`` that had to wait looks at
    the row again; every time-out is bounded, and a connection is tried before it is used.
    """
    url = database_url(text)
    memory = text in {"sqlite://", "sqlite:///:memory:"}
    options: dict[str, Any] = {"poolclass": StaticPool} if memory else {}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": 30, "check_same_thread": False}
    elif url.get_backend_name() == "postgresql":
        options = {
            "connect_args": _SERVER_OPTIONS,
            "isolation_level": "READ COMMITTED",
            "pool_size": CONNECTIONS,
            "max_overflow": 1,
            "pool_pre_ping": True,
            "pool_timeout": 20,
        }
    # An error must not quote the values of its statement: they are users' documents.
    engine = sa.create_engine(url, hide_parameters=True, **options)
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


class ServerClock:
    """A database server's time, told between two looks by the clock that counts suspension."""

    def __init__(self) -> None:
        """Begin unmeasured; the first transaction measures."""
        self._ahead = 0

    def measure(self, connection: sa.Connection) -> Micros:
        """Ask the server; what is known of it is at most half a round trip wrong afterwards."""
        before = _boot_time()
        now = int(connection.execute(_SERVER_NOW).scalar_one())
        self._ahead = now - (before + _boot_time()) // 2
        return Micros(now)

    def __call__(self) -> Micros:
        """Return the server's time as far as it is known."""
        return Micros(_boot_time() + self._ahead)


def _boot_time() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Database:
    """What every part of the store shares: the engine, its threads, and the clock."""

    def __init__(
        self, engine: sa.Engine, *, clock: Clock | None = None, inline: bool = False
    ) -> None:
        """Work on ``engine``.

        ``clock`` is for tests; otherwise it is the server's, on SQLite the process's.
        ``inline`` runs each transaction on the event loop itself, for tests in virtual time
        on a database in memory.
        """
        self._engine = engine
        self._server = engine.dialect.name != "sqlite"
        self._clock: Clock = clock or (ServerClock() if self._server else system_clock)
        self._grouped = None if inline or self._server else GroupedThread(engine)
        self._threads = (
            ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="faultbridge-store")
            if self._server and not inline
            else None
        )

    def now(self) -> Micros:
        """Return the store's time; nothing else in the bridge asks another clock."""
        return self._clock()

    def _moment(self, connection: sa.Connection) -> Micros:
        """Return the time for what a transaction decides by it: never an estimate."""
        if isinstance(self._clock, ServerClock):
            return self._clock.measure(connection)
        return self._clock()

    async def close(self) -> None:
        """Finish what is running and let go of the connections."""
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        if self._grouped is not None:
            self._grouped.shutdown()
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        if self._grouped is not None:
            with self._grouped.writing() as shared:
                if shared is not None:
                    yield shared
                    return
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        shared = None if self._grouped is None else self._grouped.reading
        if shared is not None:
            yield shared
            return
        with self._engine.connect().execution_options(reads_only=True) as connection:
            yield connection

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._grouped is not None:
            done: T = await self._grouped.run(lambda: work(*args, **kwargs))
            return done
        if self._threads is None:
            return work(*args, **kwargs)
        call = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: work(*args, **kwargs)
        )
        # A cancelled caller must not leave a commit half-observed: the transaction always ends.
        return await asyncio.shield(call)


def insert_if_absent(connection: sa.Connection, table: sa.Table, values: dict[str, object]) -> bool:
    """Insert a row unless its key is there already; False where it is.

    Two processes may be at it at once: whoever comes second waits for the first, and is told.
    """
    kind = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    # Asked for what it returns: the number of rows is not told by every driver.
    added = kind(table).values(**values).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(added).one_or_none() is not None


def chunks(values: list[T]) -> Iterator[list[T]]:
    """Cut a list so that each part fits into one ``IN (…)``."""
    for start in range(0, len(values), IN_LIST):
        yield values[start : start + IN_LIST]


def in_scope(table: sa.Table, scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that keeps a query within one scope."""
    return table.c.scope == str(scope)
