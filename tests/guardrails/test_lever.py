"""The safety lever: it stops what runs, cancels what would begin, and no run slips through."""

from __future__ import annotations

from bridge.model.event import EventType
from bridge.model.experiment import ActionStatus, ExperimentStatus
from bridge.model.lever import CAUSE, LeverStatus
from bridge.model.moment import MINUTE, SECOND, Micros
from tests.engine.world import START, Bench, halt
from tests.guardrails.conftest import MakeBench

ENGAGED, DISENGAGED = LeverStatus.ENGAGED, LeverStatus.DISENGAGED


async def _running(bench: Bench) -> str:
    run = await bench.start({"halt": halt(length="PT5M"), "then": halt(after=("halt",))})
    await bench.drive(seconds=60)
    assert {bench.world.look(name) for name in "abc"} == {"stopped"}
    return run


async def test_nobody_has_moved_it_at_first(bench_with: MakeBench) -> None:
    lever = await bench_with().store.lever()
    assert (lever.status, lever.changed_at) == (DISENGAGED, None)
    assert lever.reason


async def test_engaging_stops_and_undoes_what_runs(bench_with: MakeBench) -> None:
    bench = bench_with()
    bench.world.settle = 20 * SECOND
    before = bench.world.snapshot()
    run = await _running(bench)
    moved = await bench.store.move_lever(ENGAGED, "the shop is on fire")
    assert (moved.changed, moved.asked) == (True, (run,))
    assert moved.after.status is LeverStatus.ENGAGING
    assert (await bench.store.lever()).status is LeverStatus.ENGAGING
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.reason == "The safety lever is engaged: the shop is on fire"
    assert done.actions["then"].status is ActionStatus.CANCELLED
    assert bench.world.snapshot() == before
    lever = await bench.store.lever()
    assert (lever.status, lever.reason) == (ENGAGED, "the shop is on fire")
    (stopped,) = [e for e in await bench.store.journal(run) if e.type is EventType.STOP_REQUESTED]
    assert stopped.details["cause"] == CAUSE


async def test_a_run_that_starts_while_it_is_engaged_is_cancelled(bench_with: MakeBench) -> None:
    bench = bench_with()
    await _running(bench)
    await bench.store.move_lever(ENGAGED, "no more")
    bench.world.calls.clear()
    bench.world.effects.clear()
    late = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    done = await bench.run(late)
    assert (done.status, done.reason) == (
        ExperimentStatus.CANCELLED,
        "The safety lever is engaged: no more",
    )
    assert {one.status for one in done.actions.values()} == {ActionStatus.CANCELLED}
    assert done.failure is None
    assert "before resolve" not in bench.world.calls
    assert not any(what == "stopped" for what, _ in bench.world.effects)
    assert (await bench.store.lever()).status is ENGAGED


async def test_a_run_that_has_not_begun_when_it_is_engaged_is_cancelled(
    bench_with: MakeBench,
) -> None:
    bench = bench_with()
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.store.move_lever(ENGAGED, "now")
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.CANCELLED
    assert not bench.world.effects


async def test_a_run_started_later_does_not_make_it_engaging_again(bench_with: MakeBench) -> None:
    bench = bench_with()
    await bench.store.move_lever(ENGAGED, "now")
    bench.world.now = Micros(START + MINUTE)
    await bench.start({"halt": halt(length="PT5M")})
    assert (await bench.store.lever()).status is ENGAGED


async def test_a_restart_keeps_it_until_it_is_disengaged(bench_with: MakeBench) -> None:
    bench = bench_with()
    await bench.store.move_lever(ENGAGED, "over night")
    bench.restart()
    assert (await bench.store.lever()).reason == "over night"
    refused = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    assert (await bench.run(refused)).status is ExperimentStatus.CANCELLED
    moved = await bench.store.move_lever(DISENGAGED, "in the morning")
    assert (moved.changed, moved.asked) == (True, ())
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_it_does_not_move_where_it_stands_or_where_it_must_not(
    bench_with: MakeBench,
) -> None:
    bench = bench_with()
    assert not (await bench.store.move_lever(DISENGAGED, "again")).changed
    run = await _running(bench)
    await bench.store.move_lever(ENGAGED, "first")
    again = await bench.store.move_lever(ENGAGED, "second")
    assert (again.changed, again.after.reason, again.asked) == (False, "first", ())
    assert bench.requests() == 1
    kept = await bench.store.move_lever(DISENGAGED, "too soon", unless=LeverStatus.ENGAGING)
    assert (kept.changed, kept.before.status) == (False, LeverStatus.ENGAGING)
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert (await bench.store.move_lever(DISENGAGED, "x", unless=LeverStatus.ENGAGING)).changed
