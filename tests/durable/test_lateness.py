"""How late a bridge is, as alarms hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.engine.lateness import lateness
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import MINUTE, SECOND, Micros
from bridge.model.record import Phase
from bridge.store import Store
from bridge.store.lateness import OpenRun
from tests.engine.world import Bench, Thing, action, halt


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.world.things = {"a": Thing()}
    yield made
    made.close()


def later(bench: Bench, length: float) -> None:
    bench.world.now = Micros(bench.world.now + int(length))


async def test_nothing_is_late_while_a_run_goes_as_planned(bench: Bench) -> None:
    await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    found = await lateness(bench.store, bench.providers)
    assert (found.queue_age, found.undo_late, found.runs_stuck) == (0, 0, 0)
    assert found.open_runs == 1
    await bench.drive()
    assert (await lateness(bench.store, bench.providers)).open_runs == 0


async def test_a_run_that_nobody_looks_after_ages(bench: Bench) -> None:
    await bench.start({"halt": halt(length="PT5M")})
    later(bench, 90 * SECOND)
    found = await lateness(bench.store, bench.providers)
    assert found.queue_age == pytest.approx(90, abs=0.1)
    assert found.undo_late == 0


async def test_a_run_that_somebody_holds_does_not_age_before_its_lease_ends(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.store.claim(run, owner="worker", lease=Micros(15 * SECOND))
    later(bench, 10 * SECOND)
    assert (await lateness(bench.store, bench.providers)).queue_age == 0
    later(bench, 10 * SECOND)
    found = await lateness(bench.store, bench.providers)
    assert found.queue_age == pytest.approx(5, abs=0.1)


async def test_an_undo_that_fails_is_late_and_its_run_is_stuck_in_the_end(bench: Bench) -> None:
    await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    bench.world.broken = "no capacity"
    await bench.drive(seconds=10 * 60)
    found = await lateness(bench.store, bench.providers)
    assert found.undo_late == pytest.approx(6 * 60, abs=5)
    assert found.runs_stuck == 0
    await bench.drive(seconds=10 * 60)
    found = await lateness(bench.store, bench.providers)
    assert found.runs_stuck == 1
    bench.world.broken = ""
    await bench.drive()
    found = await lateness(bench.store, bench.providers)
    assert (found.undo_late, found.runs_stuck) == (0, 0)


async def test_a_stop_makes_the_undo_due(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT12H")})
    await bench.drive(seconds=60)
    bench.world.broken = "no capacity"
    await bench.store.append(
        Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})
    )
    await bench.drive(seconds=3 * 60)
    found = await lateness(bench.store, bench.providers)
    assert found.undo_late == pytest.approx(3 * 60, abs=5)
    later(bench, 13 * MINUTE)
    assert (await lateness(bench.store, bench.providers)).runs_stuck == 1


async def test_what_is_meant_to_stay_is_not_late(bench: Bench) -> None:
    await bench.start({"halt": halt(), "wait": action("pause", duration="PT12H")})
    await bench.drive(seconds=3600)
    assert (await lateness(bench.store, bench.providers)).undo_late == 0


async def test_what_was_only_prepared_stands_nowhere(bench: Bench) -> None:
    await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    later(bench, 10 * MINUTE)
    now, (run,) = await bench.store.open_runs()
    untouched = tuple(one.model_copy(update={"phase": Phase.PREPARED}) for one in run.live)

    class Untouched(Store):
        async def open_runs(self) -> tuple[Micros, list[OpenRun]]:
            return now, [replace(run, live=untouched)]

    assert (await lateness(bench.store, bench.providers)).undo_late > 300
    other = Untouched(bench.store._engine, inline=True)
    assert (await lateness(other, bench.providers)).undo_late == 0
