"""Transactions that wait for SQLite's one writer are committed together, and stay apart."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.store import Change, LeaseLostError, Store, sqlite_url
from bridge.store.runs import Claim
from tests.store.conftest import SCOPE, Time, experiment

LEASE = Micros(15 * SECOND)


@pytest.fixture
async def store(tmp_path: Path, time: Time) -> AsyncIterator[Store]:
    opened = Store.open(sqlite_url(tmp_path), clock=time)
    yield opened
    await opened.close()


async def _at_once(store: Store, *asked: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Ask for all of it while the thread is busy, so that all of it waits; return what came."""
    free = threading.Event()
    busy = asyncio.create_task(store._run(free.wait))
    await asyncio.sleep(0)
    tasks = [asyncio.ensure_future(one()) for one in asked]
    await asyncio.sleep(0)
    free.set()
    await busy
    return await asyncio.gather(*tasks, return_exceptions=True)


def _stop(run: str, time: Time) -> Request:
    return Request(experiment=run, kind=RequestKind.STOP, at=time.now)


def _commits(store: Store) -> list[int]:
    seen: list[int] = []
    sa.event.listen(store._engine, "commit", lambda _connection: seen.append(1))
    return seen


async def test_what_waits_together_is_committed_together(store: Store, time: Time) -> None:
    commits = _commits(store)
    runs = [experiment(time) for _ in range(10)]
    started = await _at_once(store, *(lambda run=run: store.start_experiment(run) for run in runs))
    assert [one.id for one in started] == [run.id for run in runs]
    assert len(commits) == 1
    assert len(await store.experiments(SCOPE)) == 10


async def test_more_than_can_be_together_are_committed_in_parts(store: Store, time: Time) -> None:
    commits = _commits(store)
    runs = [experiment(time) for _ in range(100)]
    await _at_once(store, *(lambda run=run: store.start_experiment(run) for run in runs))
    assert 100 / 32 <= len(commits) <= 10
    assert len(await store.due(limit=200)) == 100


async def test_one_that_fails_takes_nothing_with_it(store: Store, time: Time) -> None:
    mine, theirs = experiment(time), experiment(time)
    await store.start_experiment(mine)
    claimed = await store.claim(mine.id, owner="w", lease=LEASE)
    assert claimed is not None
    lost = Claim(mine.id, claimed.claim.fence - 1)
    half = [_stop(mine.id, time), _stop("nobody", time)]
    before, failed, halfway, seen, after = await _at_once(
        store,
        lambda: store.commit(claimed.claim, Change(inbox_read=7)),
        lambda: store.commit(lost, Change(inbox_read=9)),
        lambda: store.append_all(half),
        lambda: store.read_inbox(mine.id),
        lambda: store.start_experiment(theirs),
    )
    assert before is None
    assert isinstance(failed, LeaseLostError)
    assert isinstance(halfway, sa.exc.IntegrityError)
    assert seen == []
    assert after.id == theirs.id
    with store._engine.connect() as connection:
        read = connection.exec_driver_sql("SELECT max(inbox_read) FROM experiments").scalar_one()
        asked = connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar_one()
    assert (read, asked) == (7, 0)


async def test_nobody_is_answered_before_the_commit(store: Store, time: Time) -> None:
    runs = [experiment(time) for _ in range(3)]
    answered: list[str] = []
    at_commit: list[list[str]] = []
    loop = asyncio.get_running_loop()

    def look(_connection: Any) -> None:
        # The loop has all the time that it needs to tell those who wait.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result()
        at_commit.append(list(answered))

    sa.event.listen(store._engine, "commit", look)

    async def start(run: Any) -> None:
        await store.start_experiment(run)
        answered.append(run.id)

    await _at_once(store, *(lambda run=run: start(run) for run in runs))
    assert at_commit == [[]]
    assert len(answered) == 3


async def test_a_commit_that_fails_is_told_to_all(store: Store, time: Time) -> None:
    def fail(_connection: Any) -> None:
        sa.event.remove(store._engine, "commit", fail)
        raise sqlite3.OperationalError("disk I/O error")

    sa.event.listen(store._engine, "commit", fail)
    runs = [experiment(time) for _ in range(3)]
    outcomes = await _at_once(store, *(lambda run=run: store.start_experiment(run) for run in runs))
    assert [type(one).__name__ for one in outcomes] == ["OperationalError"] * 3
    assert await store.experiments(SCOPE) == []
    # And the next find a database that works.
    again = await _at_once(store, *(lambda run=run: store.start_experiment(run) for run in runs))
    assert [one.id for one in again] == [run.id for run in runs]
    assert len(await store.experiments(SCOPE)) == 3


async def test_what_sqlite_rolled_back_is_told_to_all_and_the_rest_goes_on(
    store: Store, time: Time
) -> None:
    """A full disk ends the whole transaction, whatever savepoints there are."""

    def roll_back() -> None:
        with store._writing() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.rollback()
            raise sqlite3.OperationalError("database or disk is full")

    first, last = experiment(time), experiment(time)
    outcomes = await _at_once(
        store,
        lambda: store.start_experiment(first),
        lambda: store._run(roll_back),
        lambda: store.start_experiment(last),
    )
    assert [type(one).__name__ for one in outcomes[:2]] == ["OperationalError"] * 2
    assert outcomes[2].id == last.id
    assert [one.id for one in await store.experiments(SCOPE)] == [last.id]


async def test_who_does_not_wait_any_more_has_it_done_all_the_same(
    store: Store, time: Time
) -> None:
    free = threading.Event()
    busy = asyncio.create_task(store._run(free.wait))
    await asyncio.sleep(0)
    runs = [experiment(time) for _ in range(2)]
    gone, stays = [asyncio.create_task(store.start_experiment(run)) for run in runs]
    await asyncio.sleep(0)
    gone.cancel()
    free.set()
    await busy
    await stays
    assert len(await store.experiments(SCOPE)) == 2
