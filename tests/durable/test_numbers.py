"""The numbers of a run's executions, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.model.moment import SECOND, Micros
from bridge.store import Store
from tests.engine.world import SCOPE, Bench, Thing, halt


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    made = Store.open(database)
    yield made
    await made.close()


async def a_run(store: Store) -> str:
    bench = Bench()
    bench.world.things = {"a": Thing()}
    made = await bench.start({"halt": halt(length="PT5M")})
    experiment = await bench.store.experiment(SCOPE, made)
    bench.close()
    assert experiment is not None
    await store.start_experiment(experiment.model_copy(update={"created_at": store.now()}))
    return made


async def test_a_run_is_the_latest_executions(store: Store) -> None:
    run = await a_run(store)
    assert await store.loop_of(run) == 0
    assert await store.take_loop(run, 1)
    assert await store.take_loop(run, 1)
    assert await store.take_loop(run, 3)
    assert not await store.take_loop(run, 2)
    assert await store.loop_of(run) == 3
    assert await store.next_loop(run) == 4
    assert not await store.take_loop(run, 3)
    assert await store.take_loop(run, 4)


async def test_no_two_rules_take_the_same_number(store: Store) -> None:
    run = await a_run(store)
    taken = await asyncio.gather(*(store.next_loop(run) for _ in range(8)))
    assert sorted(taken) == list(range(1, 9))


async def test_the_outlook_counts_the_lease_of_who_holds_the_run(store: Store) -> None:
    run = await a_run(store)
    before = await store.outlook(run)
    assert before is not None
    assert before.free_at <= before.now
    await store.claim(run, owner="worker", lease=Micros(15 * SECOND))
    held = await store.outlook(run)
    assert held is not None
    assert 14 * SECOND < held.free_at - held.now <= 15 * SECOND
    assert await store.due() == []
    assert await store.outlook("EXP000000000000000") is None


async def test_what_is_due_for_less_is_left_out(store: Store) -> None:
    run = await a_run(store)
    assert await store.due() == [run]
    assert await store.due(since=Micros(3600 * SECOND)) == []
