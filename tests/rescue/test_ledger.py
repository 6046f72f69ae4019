"""How runs stand, as their database tells it: read without a lease and without a change."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from bridge.model.event import Event, EventType
from bridge.model.experiment import Experiment
from bridge.model.moment import MINUTE, SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.store import Change, Store, sqlite_url, system_clock
from bridge.store.standing import Ledger, RunStanding, Standing
from tests.store.conftest import Time, experiment

GRACE = Micros(75 * SECOND)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def store(database: str, time: Time) -> AsyncIterator[Store]:
    opened = Store.open(database, clock=time)
    yield opened
    await opened.close()


class Reading:
    """A ledger on the store's file."""

    def __init__(self, url: str, time: Time) -> None:
        self._url, self._time = url, time

    async def __call__(self, run: Experiment, *, alive: bool = True) -> Standing | None:
        known = await self.all(run.id, alive=alive)
        return known[run.id].standing if run.id in known else None

    async def all(self, *ids: str, alive: bool = True) -> dict[str, RunStanding]:
        ledger = self.open(alive=alive)
        try:
            return await ledger.standings(ids)
        finally:
            await ledger.close()

    def open(self, *, alive: bool = True) -> Ledger:
        return Ledger(self._url, alive=alive, grace=GRACE, clock=self._time)


@pytest.fixture
def reading(database: str, time: Time) -> Reading:
    return Reading(database, time)


async def started(store: Store, time: Time) -> Experiment:
    return await store.start_experiment(experiment(time))


def record(run: Experiment, number: int, phase: Phase, **further: Any) -> Record:
    return Record(
        id=f"{run.id}/wait/{number}",
        action="wait",
        holders=("wait",),
        fault="aws:ec2:stop-instances",
        resource=f"vm-{number}",
        effect=None,
        phase=phase,
        **further,
    )


async def committed(store: Store, run: Experiment, **change: Any) -> None:
    claimed = await store.claim(run.id, owner="w", lease=MINUTE)
    assert claimed is not None
    await store.commit(claimed.claim, Change(experiment=run, **change))


async def test_a_run_that_is_held_or_awaited_is_a_bridges(
    store: Store, time: Time, reading: Reading
) -> None:
    run = await started(store, time)
    assert await reading(run) is Standing.HELD, "due, and a bridge would take it any moment"
    time.now = Micros(time.now + 10 * MINUTE)
    assert await reading(run) is Standing.IDLE
    await store.claim(run.id, owner="w", lease=MINUTE)
    assert await reading(run) is Standing.HELD
    time.now = Micros(time.now + 2 * MINUTE)
    assert await reading(run) is Standing.IDLE, "its holder died"


async def test_a_run_that_waits_for_its_time_is_a_bridges(
    store: Store, time: Time, reading: Reading
) -> None:
    run = await started(store, time)
    end = Micros(time.now + 60 * MINUTE)
    await committed(store, run, release_until=end)
    time.now = Micros(end + GRACE - 1)
    assert await reading(run) is Standing.HELD
    time.now = Micros(end + GRACE)
    assert await reading(run) is Standing.IDLE


async def test_without_a_living_bridge_an_open_run_is_abandoned(
    store: Store, time: Time, reading: Reading
) -> None:
    run = await started(store, time)
    assert await reading(run, alive=False) is Standing.ABANDONED


async def test_what_was_kept_or_released_is_told_of_a_run_that_is_over(
    store: Store, time: Time, reading: Reading
) -> None:
    run = await started(store, time)
    phases = (Phase.KEPT, Phase.RELEASED, Phase.REVERTED, Phase.GONE)
    made = [record(run, number, phase) for number, phase in enumerate(phases)]
    await committed(store, run, added=made, close=True)
    known = (await reading.all(run.id))[run.id]
    assert known.standing is Standing.OVER
    assert known.given_up == {("wait", "vm-0"), ("wait", "vm-1")}


async def test_runs_of_all_scopes_are_found_and_unknown_ones_left_out(
    store: Store, time: Time, reading: Reading
) -> None:
    runs = [await started(store, time) for _ in range(3)]
    known = await reading.all("EXPnone", *(run.id for run in runs))
    assert set(known) == {run.id for run in runs}
    assert await reading.all() == {}


async def test_the_database_is_not_changed(tmp_path: Path, time: Time) -> None:
    reading = Reading(sqlite_url(tmp_path), time)
    store = Store.open(sqlite_url(tmp_path), clock=time)
    run = await started(store, time)
    await store.close()
    path = tmp_path / "faultbridge.sqlite3"
    with sqlite3.connect(path) as connection:
        before = list(connection.iterdump())
        connection.execute("DROP TABLE schedules")  # as an older version left it
    assert await reading(run) is Standing.HELD
    with sqlite3.connect(path) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert "schedules" not in tables, "looked at, not brought up to date"
    assert before


async def test_a_database_that_was_made_anew_knows_nothing(reading: Reading) -> None:
    assert await reading.all("EXP1") == {}
    ledger = reading.open()
    assert await ledger.unmarked() == []
    await ledger.close()


async def test_what_is_no_database_is_said(tmp_path: Path, time: Time) -> None:
    (tmp_path / "faultbridge.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(SQLAlchemyError):
        await Reading(sqlite_url(tmp_path), time).all("EXP1")


async def test_the_servers_clock_decides_not_this_machines(postgresql_url: str, time: Time) -> None:
    store = Store.open(postgresql_url)
    due = Micros(system_clock() - 10 * MINUTE)
    run = await store.start_experiment(experiment(time).model_copy(update={"created_at": due}))
    ledger = Ledger(postgresql_url, alive=True, grace=GRACE)
    try:
        assert (await ledger.standings([run.id]))[run.id].standing is Standing.IDLE
        await store.claim(run.id, owner="w", lease=MINUTE)
        assert (await ledger.standings([run.id]))[run.id].standing is Standing.HELD
    finally:
        await ledger.close()
        await store.close()


# --- faults that could not be marked --------------------------------------------------------


async def unmarked(reading: Reading, *, alive: bool = True) -> list[tuple[str, str, str]]:
    ledger = reading.open(alive=alive)
    try:
        found = await ledger.unmarked()
    finally:
        await ledger.close()
    return [(one.resource, one.reason, one.standing.value) for one in found]


@pytest.mark.parametrize(
    ("phase", "marked", "listed"),
    [
        (Phase.PREPARED, None, False),
        (Phase.INJECTING, False, True),
        (Phase.INJECTED, False, True),
        (Phase.INJECTED, None, True),
        (Phase.INJECTED, True, False),
        (Phase.REVERTING, False, True),
        (Phase.REVERTED, False, False),
        (Phase.NOT_INJECTED, False, False),
        (Phase.GONE, False, False),
        (Phase.KEPT, False, False),
        (Phase.RELEASED, False, True),
    ],
)
async def test_what_was_journalled_as_unmarked_and_may_stand_is_listed(
    store: Store, time: Time, reading: Reading, *, phase: Phase, marked: bool | None, listed: bool
) -> None:
    run = await started(store, time)
    event = Event(
        experiment=run.id,
        type=EventType.UNMARKED,
        at=time.now,
        details={"resources": ["vm-0"], "reason": "may not tag"},
    )
    made = [record(run, 0, phase, marked=marked), record(run, 1, Phase.INJECTED, marked=True)]
    await committed(store, run, added=made, events=[event], close=phase.ended)
    standing = "over" if phase.ended else "held"
    expected = [("vm-0", "may not tag", standing)] if listed else []
    assert await unmarked(reading) == expected
    if listed and not phase.ended:
        assert await unmarked(reading, alive=False) == [("vm-0", "may not tag", "abandoned")]


async def test_a_mark_that_could_not_be_removed_is_no_fault(
    store: Store, time: Time, reading: Reading
) -> None:
    run = await started(store, time)
    event = Event(
        experiment=run.id,
        type=EventType.UNMARKED,
        at=time.now,
        details={"resources": ["vm-0"], "reason": "the mark could not be removed: may not"},
    )
    made = [record(run, 0, Phase.REVERTED, marked=True)]
    await committed(store, run, added=made, events=[event], close=True)
    assert await unmarked(reading) == []
