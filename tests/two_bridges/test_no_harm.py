"""The same run in two hands, a frozen worker, a database of yesterday, a bridge that was away.

In virtual time and on both systems; the same with real processes and signals is part of the crash
matrix.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase
from providers.contract import Caller
from tests.engine.world import SCOPE, Bench, action, halt, things
from tests.two_bridges.conftest import LEASE

HOUR = 3600


async def _stop(bench: Bench, run: str) -> None:
    await bench.store.append(
        Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})
    )


def _pass(bench: Bench, seconds: float) -> None:
    bench.world.now = Micros(bench.world.now + int(seconds * SECOND))


def _whole(bench: Bench) -> bool:
    return all(state == "running" and not marks for state, marks in bench.world.snapshot().values())


def _once(bench: Bench) -> None:
    """Each undo took effect as often as its fault did, and neither more than once."""
    for name in bench.world.things:
        begun, undone = (bench.world.effects[what, name] for what in ("stopped", "running"))
        assert begun == undone <= 1, name


async def _frozen(
    bench: Bench, length: str = "PT1H"
) -> tuple[str, asyncio.Event, asyncio.Task[None]]:
    """Freeze a worker between its last check of the fence and the effect, past its lease."""
    bench.world.frozen = gate = asyncio.Event()
    run = await bench.start({"halt": halt(length="PT1H", target="a")}, {"a": things("a")})
    frozen = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    _pass(bench, LEASE + 1)
    bench.engine = bench.other_engine()
    return run, gate, frozen


async def test_a_lease_that_is_forced_to_end_gives_the_run_to_one_worker(bench: Bench) -> None:
    run, gate, frozen = await _frozen(bench)
    await bench.drive(seconds=120)
    # The second worker has made the fault itself, after a look; the first wakes up and tries.
    assert bench.world.look("a") == "stopped"
    gate.set()
    await frozen
    await bench.drive(seconds=120)
    assert bench.world.look("a") == "stopped", "the run goes on"
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert _whole(bench)
    _once(bench)


async def test_what_a_frozen_worker_does_after_a_stop_is_undone_within_a_lease(
    bench: Bench,
) -> None:
    run, gate, frozen = await _frozen(bench)
    await _stop(bench, run)
    await bench.drive(seconds=30)
    gate.set()
    await frozen
    await bench.drive(seconds=LEASE)
    assert _whole(bench)
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    _once(bench)


async def test_what_a_frozen_worker_does_after_the_run_has_ended_is_undone_within_a_lease(
    bench: Bench,
) -> None:
    run, gate, frozen = await _frozen(bench)
    await _stop(bench, run)
    await bench.drive(seconds=600)
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert await bench.store.next_due() is None, "closed in every respect"
    gate.set()
    await frozen
    assert bench.world.look("a") == "stopped"
    await bench.drive(seconds=LEASE)
    assert _whole(bench)
    _once(bench)
    assert "late-effect" in [event.type for event in await bench.store.journal(run)]


async def test_a_frozen_workers_undo_that_comes_late_harms_nothing(bench: Bench) -> None:
    """The effect was made and undone by others; the sleeper's own undo finds nothing to do."""
    run = await bench.start({"halt": halt(length="PT2M", target="a")}, {"a": things("a")})
    await bench.drive(seconds=60)
    assert bench.world.look("a") == "stopped"
    claimed = await bench.store.claim(run, owner="sleeper", lease=Micros(1))
    assert claimed is not None
    _pass(bench, LEASE + 1)
    await bench.drive()
    assert _whole(bench)
    fault = bench.providers.fault("test:halt")
    caller = Caller(SCOPE, "somebody", run, "test")
    session = await bench.providers.session("world", caller)
    await fault.revert(session, claimed.records)
    assert _whole(bench)
    _once(bench)


async def test_after_a_restore_every_open_run_only_undoes(
    bench: Bench, backup: Callable[[], Callable[[], None]]
) -> None:
    open_then = await bench.start(
        {
            "halt": halt(length="PT2H", target="a"),
            "wait": action("pause", duration="PT1H"),
            "more": halt(length="PT1H", target="b", after=("wait",)),
        },
        {"a": things("a"), "b": things("b")},
    )
    await bench.drive(seconds=600)
    assert bench.world.look("a") == "stopped"
    restore = backup()
    await _stop(bench, open_then)
    await bench.drive(seconds=600)
    later = await bench.start({"halt": halt(length="PT9H", target="b")}, {"b": things("b")})
    await bench.drive(seconds=HOUR)
    assert bench.world.look("b") == "stopped"
    restore()
    stop = Request(experiment="", kind=RequestKind.STOP, at=bench.store.now())
    assert await bench.store.raise_epoch(1, stop) == 1
    bench.world.calls.clear()
    await bench.drive()
    assert (await bench.run(open_then)).status is ExperimentStatus.STOPPED
    assert bench.world.look("a") == "running"
    assert not [call for call in bench.world.calls if "inject" in call], "only undone"
    # What the copy never knew of is for `rescue`: it stands marked on the resource.
    assert await bench.store.experiment(SCOPE, later) is None
    assert bench.world.look("b") == "stopped"
    assert [key for key in bench.world.things["b"].marks if later in key]


async def test_a_bridge_that_was_away_for_eight_hours_injects_nothing(bench: Bench) -> None:
    run = await bench.start(
        {
            "halt": halt(length="PT30M", target="a"),
            "wait": action("pause", duration="PT20M"),
            "more": halt(length="PT10M", target="b", after=("wait",)),
        },
        {"a": things("a"), "b": things("b")},
    )
    await bench.drive(seconds=600)
    assert bench.world.look("a") == "stopped"
    _pass(bench, 8 * HOUR)
    bench.restart()
    bench.world.calls.clear()
    await bench.drive()
    found = await bench.run(run)
    assert found.status is ExperimentStatus.STOPPED
    assert "was away" in found.reason
    assert _whole(bench)
    assert not [call for call in bench.world.calls if "inject" in call]
    assert {record.phase for record in await bench.store.records(run)} == {Phase.REVERTED}
    _once(bench)
