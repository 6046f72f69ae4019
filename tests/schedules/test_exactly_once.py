"""Exactly once per slot: several workers at the same moment, and one that is killed half-way."""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from bridge.engine import Scheduler
from bridge.model.moment import MINUTE, Micros
from bridge.model.schedule import ConcurrencyPolicy, Schedule, SlotOutcome
from bridge.model.scope import Scope
from bridge.store import Store, sqlite_url, system_clock
from tests.cli.conftest import ROOT
from tests.native_api.conftest import double_catalog
from tests.schedules.conftest import SCOPE, SETTINGS, new_template, schedule

_WORKERS = 3
_SCHEDULES = 40


def _scope() -> Scope:
    """Return a scope of the test's own, since a database that is given may be full of others."""
    return SCOPE.model_copy(update={"account": f"{secrets.randbelow(10**12):012}"})


async def _planned(store: Store, scope: Scope, how_many: int) -> list[Schedule]:
    """Store schedules of which a slot has come just now."""
    template = new_template().model_copy(
        update={"id": f"EXT{secrets.token_hex(7)}", "scope": scope}
    )
    await store.create_template(template)
    now = system_clock()
    return [
        await store.create_schedule(
            schedule(
                template.id,
                Micros(now - 10 * MINUTE),
                at=Micros(now - number),
                scope=scope,
                concurrency_policy=ConcurrencyPolicy.ALLOW,
            )
        )
        for number in range(1, how_many + 1)
    ]


async def _forgotten(store: Store, planned: list[Schedule]) -> None:
    for one in planned:
        await store.delete_schedule(one.scope, one.id)


def test_workers_that_look_at_the_same_moment_start_each_slot_once(shared_url: str) -> None:
    scope = _scope()

    async def prepare() -> list[Schedule]:
        store = Store.open(shared_url)
        planned = await _planned(store, scope, _SCHEDULES)
        await store.close()
        return planned

    planned = asyncio.run(prepare())
    barrier = threading.Barrier(_WORKERS)
    started: list[list[str]] = []

    async def work(store: Store) -> None:
        barrier.wait(timeout=60)
        started.append(await Scheduler(store, double_catalog(SETTINGS), SETTINGS).start_due())
        await store.close()

    # Opened here one by one: what brings tables up to date is not made for threads.
    stores = [Store.open(shared_url) for _ in range(_WORKERS)]
    threads = [
        threading.Thread(target=lambda store=store: asyncio.run(work(store)), daemon=True)
        for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(started) == _WORKERS, "a worker did not come back"

    async def check() -> None:
        store = Store.open(shared_url)
        # One that found a row locked leaves it to the other, or to its next look.
        await Scheduler(store, double_catalog(SETTINGS), SETTINGS).start_due()
        runs: list[str] = []
        after = None
        while page := await store.experiments(scope, after=after):
            runs += [one.id for one in page]
            after = runs[-1]
        assert len(runs) == _SCHEDULES
        for one in planned:
            (slot,) = await store.slots(one.id)
            assert slot.outcome is SlotOutcome.STARTED
            assert slot.experiment in runs
        told = Counter(run for ids in started for run in ids)
        assert max(told.values()) == 1, "two workers believe that they started the same run"
        await _forgotten(store, planned)
        await store.close()

    asyncio.run(check())


async def test_a_second_look_with_what_was_seen_before_the_first_starts_nothing(
    shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _scope()
    one, two = Store.open(shared_url), Store.open(shared_url)
    (planned,) = await _planned(one, scope, 1)
    scheduler = Scheduler(two, double_catalog(SETTINGS), SETTINGS)
    seen = await two.schedule(scope, planned.id)
    await Scheduler(one, double_catalog(SETTINGS), SETTINGS).start_due()

    async def old(_scope: Scope, _id: str) -> Schedule | None:
        return seen

    monkeypatch.setattr(two, "schedule", old)  # what it read before the other had decided
    assert await scheduler._decide(planned.id, scope) is None
    assert len(await one.experiments(scope)) == 1
    await _forgotten(one, [planned])
    await one.close()
    await two.close()


async def test_a_change_that_meets_the_start_of_a_slot_is_told_to_look_again(
    shared_url: str,
) -> None:
    scope = _scope()
    store = Store.open(shared_url)
    (planned,) = await _planned(store, scope, 1)
    await Scheduler(store, double_catalog(SETTINGS), SETTINGS).start_due()
    paused = planned.model_copy(update={"paused_at": system_clock(), "next_at": None})
    assert not await store.update_schedule(paused, before=planned)
    assert await store.delete_schedule(scope, planned.id) is not None
    assert await store.delete_schedule(scope, planned.id) is None
    assert await store.slots(planned.id) == []
    assert len(await store.experiments(scope)) == 1
    await store.close()


class _Dying:
    """Schedulers that are killed at a statement that is told."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.schedules.dying_scheduler", url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start_due(self, statement: int) -> int:
        """Return how it ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{statement}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


async def test_killed_at_any_statement_it_leaves_a_slot_as_it_was_or_decided(
    tmp_path: Path,
) -> None:
    url = sqlite_url(tmp_path)
    store = Store.open(url)
    scope = _scope()
    (planned,) = await _planned(store, scope, 1)
    dying = _Dying(url)
    killed = 0
    for statement in range(1, 100):
        ended = dying.start_due(statement)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        killed += 1
        found = await store.schedule(scope, planned.id)
        assert found is not None
        state = (found.next_at is None, await store.slots(planned.id))
        runs = await store.experiments(scope)
        if state[0]:
            # It was killed after its commit: all of it is there, and nothing is due any more.
            assert ([slot.experiment for slot in state[1]]) == [run.id for run in runs]
        else:
            assert (state[1], runs) == ([], [])
    dying.close()
    assert killed >= 8, "the statements of a slot were not passed one by one"
    (slot,) = await store.slots(planned.id)
    assert [run.id for run in await store.experiments(scope)] == [slot.experiment]
    await store.close()
