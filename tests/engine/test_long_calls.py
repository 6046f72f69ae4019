"""Calls on many resources take long: a stop is heard between them, and their tail is minded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import MINUTE, SECOND, Micros
from bridge.model.record import Phase
from providers.contract import Denial
from tests.engine.world import Bench, Halt, Killed, halt


def _stop(bench: Bench, run: str) -> Request:
    return Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})


async def test_a_fault_that_takes_few_at_a_time_is_called_again_for_the_rest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Halt, "batch", 2)
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    effects = [call for call in bench.world.calls if "inject " in call or "revert " in call]
    assert effects == ["before inject a,b", "before inject c", "before revert a,b,c"]


async def test_a_stop_is_heard_between_two_calls(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Halt, "batch", 1)
    run = await bench.start({"halt": halt(length="PT5M")})
    asked: list[asyncio.Task[None]] = []

    def hook(point: str) -> None:
        if point == "before inject a":
            asked.append(asyncio.ensure_future(bench.store.append(_stop(bench, run))))

    bench.world.hook = hook
    await bench.drive()
    assert asked[0].done()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert [call for call in bench.world.calls if "inject " in call] == ["before inject a"]


@pytest.mark.parametrize("leases_free", [True, False], ids=["lock", "lease"])
async def test_what_a_dead_worker_sent_last_may_take_effect_after_the_take_over(
    bench: Bench, leases_free: bool
) -> None:
    # Its call began long ago, with other resources; when it sent the last one nobody wrote down.
    run = await bench.start({"halt": halt(length="PT5M")})

    def dies_late(point: str) -> None:
        if point.startswith("before inject"):
            bench.world.now = Micros(bench.world.now + 2 * MINUTE)
            raise Killed

    bench.world.hook = dies_late
    with pytest.raises(Killed):
        await bench.drive()
    bench.world.hook = lambda _point: None
    bench.restart()
    if leases_free:
        await bench.store.take_over()
    await bench.store.append(_stop(bench, run))
    await bench.drive(seconds=20)
    assert not (await bench.run(run)).status.ended
    bench.world.change("c", "stopped")
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert {bench.world.look(name) for name in "abc"} == {"running"}
    phases = {r.resource: r.phase for r in await bench.store.records(run)}
    assert phases == {"a": Phase.NOT_INJECTED, "b": Phase.NOT_INJECTED, "c": Phase.REVERTED}


async def test_an_unknown_answer_counts_from_when_it_came(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})

    asked: list[asyncio.Task[None]] = []
    answered: list[int] = []

    def slow(point: str) -> None:
        if point.startswith("before inject"):
            bench.world.now = Micros(bench.world.now + 2 * MINUTE)
            answered.append(bench.world.now)
            asked.append(asyncio.ensure_future(bench.store.append(_stop(bench, run))))

    bench.world.hook = slow
    bench.world.refuse_calls = True
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.ended_at is not None
    assert done.ended_at >= answered[0] + 60 * SECOND


async def test_an_action_whose_time_is_over_before_all_were_touched_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Halt, "batch", 1)

    def slow(point: str) -> None:
        if point.startswith("before inject"):
            bench.world.now = Micros(bench.world.now + 40 * SECOND)

    bench.world.hook = slow
    run = await bench.start({"halt": halt(length="PT1M")})
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    assert "time was over before 1 of 3 resources were touched" in done.reason
    assert {bench.world.look(name) for name in "abc"} == {"running"}


async def test_a_cloud_that_hangs_before_the_first_fault_holds_up_no_stop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def review(*_: Any) -> list[Denial]:
        asked.set()
        await answer.wait()
        return []

    monkeypatch.setattr(Halt, "review", review)
    run = await bench.start({"halt": halt(length="PT5M")})
    beginning = asyncio.create_task(bench.engine.advance(run))
    await asked.wait()
    await bench.store.append(_stop(bench, run))
    bench.engine.poke(run)
    while not (await bench.run(run)).status.ended:  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0)
    assert not answer.is_set()
    answer.set()
    await beginning
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert await bench.store.records(run) == []
