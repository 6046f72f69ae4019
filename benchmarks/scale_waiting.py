"""Many runs that wait at once: what starting them takes, what each costs, and stopping them all."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from emulator_process import BenchmarkError
from scale_bridge import Cost, ScaleBridge, template

from bridge.model.inbox import Request, RequestKind
from bridge.store import Store
from bridge.store.database import database_url

_LOOK_EVERY: Final = 0.2
_PATIENCE: Final = 900.0
_REST: Final = 2.0
"""Seconds between the last run's beginning to wait and the first reading."""
_WARM_UP: Final = 50

_WAITING: Final = sa.text(
    "SELECT count(*) FROM experiments "
    "WHERE open AND lease_owner IS NULL AND fence > 0 AND wake_at > :now"
)
_OPEN: Final = sa.text("SELECT count(*) FROM experiments WHERE open")


@dataclass(frozen=True)
class Waiting:
    """So many runs that wait. Times in seconds, memory in bytes."""

    runs: int
    answered: float
    """Until the last start request was answered."""
    settled: float
    """Until the last run waited."""
    cpu: float
    """The bridge's processor time for all that."""
    before: Cost
    after: Cost
    idle_seconds: float
    idle_cpu: float

    @property
    def each(self) -> float:
        """Resident bytes that each run added."""
        return (self.after.memory - self.before.memory) / self.runs

    @property
    def idle(self) -> float:
        """Share of one processor while nothing happens."""
        return self.idle_cpu / self.idle_seconds


@dataclass(frozen=True)
class Stopped:
    """So many runs stopped at once. Times in seconds."""

    runs: int
    how: str
    answered: float
    """Until the last request to stop was answered."""
    ended: float
    """Until the last run was undone and over."""
    cpu: float


class Crowd:
    """Runs of one kind on one bridge."""

    def __init__(self, bridge: ScaleBridge, kind: str) -> None:
        """Store the template and start a few runs that are stopped again."""
        self._bridge = bridge
        self._database = sa.create_engine(database_url(bridge.database))
        self._document = template(kind)
        first = bridge.ask("POST", "/v1/experiments", {"template": self._document})
        self._template = first["templateId"]
        bridge.ask("POST", f"/v1/experiments/{first['id']}/stop", {})
        self.started: list[str] = []
        self.start(_WARM_UP)
        self.stop_each()

    def start(self, runs: int) -> None:
        """Start so many runs."""
        asked = {"templateId": self._template}

        def one(_: object) -> str:
            return str(self._bridge.ask("POST", "/v1/experiments", asked)["id"])

        self.started += self._bridge.together(one, list(range(runs)))

    def wait(self, runs: int, idle_seconds: float) -> Waiting:
        """Start so many runs and measure them while they wait."""
        time.sleep(_REST)
        before = self._bridge.cost()
        began = time.perf_counter()
        self.start(runs)
        answered = time.perf_counter() - began
        self._until(_WAITING, len(self.started))
        settled = time.perf_counter() - began
        used = self._bridge.cost().cpu - before.cpu
        time.sleep(_REST)
        after = self._bridge.cost()
        idle_began = time.perf_counter()
        time.sleep(idle_seconds)
        idle_cpu = self._bridge.cost().cpu - after.cpu
        idle_seconds = time.perf_counter() - idle_began
        return Waiting(runs, answered, settled, used, before, after, idle_seconds, idle_cpu)

    def stop_each(self) -> Stopped:
        """Stop every run by a request of its own."""

        def stop() -> None:
            self._bridge.together(
                lambda run: self._bridge.ask("POST", f"/v1/experiments/{run}/stop", {}),
                self.started,
            )

        return self._stopped("a request each", stop)

    def stop_all(self) -> Stopped:
        """Stop every run by one order, given by another process on the store."""
        store = Store.open(self._bridge.database)

        async def order() -> None:
            reason = {"reason": "Everything is stopped.", "cause": "user"}
            now = store.now()
            request = Request(experiment="", kind=RequestKind.STOP, at=now, details=reason)
            await store.stop_all(request)
            await store.close()

        return self._stopped("all at once", lambda: asyncio.run(order()))

    def _stopped(self, how: str, stop: Any) -> Stopped:
        runs, self.started = len(self.started), self.started
        before = self._bridge.cost().cpu
        began = time.perf_counter()
        stop()
        answered = time.perf_counter() - began
        self._until(_OPEN, 0)
        ended = time.perf_counter() - began
        self.started = []
        return Stopped(runs, how, answered, ended, self._bridge.cost().cpu - before)

    def _until(self, query: sa.TextClause, wanted: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            given = {"now": int(time.time() * 1e6)} if query is _WAITING else {}
            with self._database.connect() as connection:
                found = connection.execute(query, given).scalar_one()
            if found == wanted:
                return
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{found} runs wait or are open, not {wanted}")
            time.sleep(_LOOK_EVERY)
