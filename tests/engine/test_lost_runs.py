"""Two workers at one run, and a store that fails: what was done late is always undone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.engine import turn
from bridge.model.event import EventType
from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.store import Change, Claim, LeaseLostError, OverlapError
from tests.engine.world import SCOPE, Bench, halt, things


def _as_before(bench: Bench) -> bool:
    return set(bench.world.snapshot().values()) == {("running", frozenset())}


def _failure() -> sa.exc.OperationalError:
    return sa.exc.OperationalError("COMMIT", {}, Exception("the server closed the connection"))


def _hold(bench: Bench, step: str) -> asyncio.Event:
    """Hold whoever comes to a step first, until the event is set."""
    bench.world.reached.clear()
    bench.world.frozen, bench.world.freeze_in = asyncio.Event(), step
    return bench.world.frozen


async def _freeze(bench: Bench, step: str) -> tuple[str, asyncio.Task[None], asyncio.Event]:
    """Start a run; freeze its worker in a step until the event is set."""
    gate = _hold(bench, step)
    run = await bench.start({"halt": halt(length="PT5H", target="t")}, {"t": things("a")})
    frozen = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    return run, frozen, gate


async def _outlived(
    bench: Bench, length: str | None
) -> tuple[str, asyncio.Task[None], asyncio.Event]:
    """Freeze the worker of a first action that another worker ends, and begins a second one."""
    gate = _hold(bench, "inject")
    run = await bench.start(
        {
            "first": halt(length="PT1M", target="t"),
            "second": halt(after=("first",), length=length, target="t"),
        },
        {"t": things("a")},
    )
    frozen = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    bench.world.now = Micros(bench.world.now + 20 * SECOND)
    bench.engine = bench.other_engine()
    await bench.drive(seconds=600)
    return run, frozen, gate


async def _overtake(bench: Bench, run: str, *, seconds: float) -> None:
    """Let the lease end, and another worker take the run and stop it."""
    bench.world.now = Micros(bench.world.now + 20 * SECOND)
    await bench.store.append(
        Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})
    )
    bench.engine = bench.other_engine()
    await bench.drive(seconds=seconds)


async def test_a_mark_that_is_written_after_the_run_has_ended_is_removed(bench: Bench) -> None:
    run, frozen, gate = await _freeze(bench, "mark")
    await _overtake(bench, run, seconds=600)
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    gate.set()
    await frozen
    await bench.drive(seconds=600)
    assert _as_before(bench)


async def test_a_late_effect_does_not_undo_what_a_later_action_was_meant_to_leave(
    bench: Bench,
) -> None:
    run, frozen, gate = await _outlived(bench, None)
    assert [r.phase for r in await bench.store.records(run)] == ["reverted", "kept"]
    gate.set()
    await frozen
    await bench.drive(seconds=600)
    assert [r.phase for r in await bench.store.records(run)] == ["reverted", "kept"]
    assert bench.world.snapshot()["a"][0] == "stopped"


async def test_nor_what_it_was_meant_to_leave_of_a_record_that_another_action_made(
    bench: Bench,
) -> None:
    gate = _hold(bench, "inject")
    run = await bench.start(
        {
            "first": halt(length="PT1M", target="t"),
            "brief": halt(after=("first",), length="PT1S", target="t"),
            "stays": halt(after=("first",), length=None, target="t"),
        },
        {"t": things("a")},
    )
    frozen = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    bench.world.now = Micros(bench.world.now + 20 * SECOND)
    bench.engine = bench.other_engine()
    await bench.drive(seconds=600)
    shared = await bench.store.records(run)
    assert [(r.action, r.phase) for r in shared] == [("first", "reverted"), ("brief", "kept")]
    gate.set()
    await frozen
    await bench.drive(seconds=600)
    assert [r.phase for r in await bench.store.records(run)] == ["reverted", "kept"]
    assert bench.world.snapshot()["a"][0] == "stopped"


async def test_a_late_effect_that_meets_an_undo_that_has_looked_already_is_undone(
    bench: Bench,
) -> None:
    run, frozen, gate = await _freeze(bench, "inject")
    # The other worker finds nothing, waits for the call's lifetime, and ends the run …
    await _overtake(bench, run, seconds=600)
    # … somebody opens it again, and it looks: nothing is there to undo.
    (record,) = await bench.store.records(run)
    await bench.store.append(_late(bench, run, record.id))
    undo = _hold(bench, "revert")
    undoing = asyncio.create_task(bench.drive(seconds=600))
    await bench.world.reached.wait()
    # Only now the frozen worker's call arrives, and the undo is told of it while it is at it.
    gate.set()
    await frozen
    bench.engine.poke(run)
    await asyncio.sleep(0.01)
    undo.set()
    await undoing
    await bench.drive(seconds=600)
    assert _as_before(bench)


async def test_a_late_effect_that_meets_a_look_from_before_it_is_undone(bench: Bench) -> None:
    run, frozen, gate = await _freeze(bench, "inject")
    await _overtake(bench, run, seconds=30)
    # The look after the call's lifetime has found nothing, and has not answered yet.
    bench.world.now = Micros(bench.world.now + 60 * SECOND)
    look = _hold(bench, "observe")
    looking = asyncio.create_task(bench.drive(seconds=600))
    await bench.world.reached.wait()
    gate.set()
    await frozen
    look.set()
    await looking
    await bench.drive(seconds=600)
    assert _as_before(bench)


def _late(bench: Bench, run: str, record: str) -> Request:
    return Request(
        experiment=run,
        kind=RequestKind.LATE_EFFECT,
        at=bench.store.now(),
        details={"call": "inject", "records": [record]},
    )


async def test_a_worker_whose_connection_died_while_it_was_frozen_tells_what_it_did(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "RETRY_STORE", 0.001)
    run, frozen, gate = await _freeze(bench, "inject")
    own, others = bench.store, bench.store
    await _overtake(bench, run, seconds=600)
    failures = 5

    async def fails(self: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise _failure()
        return work(*args, **kwargs)

    monkeypatch.setattr(type(own), "_run", fails)
    gate.set()
    with pytest.raises(sa.exc.OperationalError):
        await frozen
    assert failures == 0
    assert bench.world.look("a") == "stopped"
    await bench.drive(seconds=600)
    assert _as_before(bench)
    assert "late-effect" in [event.type for event in await others.journal(run)]


async def test_a_store_that_fails_once_costs_a_lease_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await bench.start({"halt": halt(length="PT5M", target="t")}, {"t": things("a")})
    commit = type(bench.store)._commit
    failures = 1

    def lost(self: Any, claim: Claim, change: Change) -> None:
        nonlocal failures
        commit(self, claim, change)
        if failures and any(record.phase == "injecting" for record in change.changed):
            failures = 0
            raise _failure()

    monkeypatch.setattr(type(bench.store), "_commit", lost)
    with pytest.raises(sa.exc.OperationalError):
        await bench.drive()
    (record,) = await bench.store.records(run)
    assert record.phase == "injecting"
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert bench.world.effects["stopped", "a"] == 1
    assert _as_before(bench)


async def test_a_run_that_is_lost_while_an_overlap_is_settled_tells_what_it_did(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, frozen, gate = await _freeze(bench, "inject")
    told: list[Request] = []
    append = bench.store.append

    async def refuse(claim: Claim, change: Change) -> None:
        raise OverlapError("a", "EXPother")

    async def taken(claim: Claim, lease: Micros) -> None:
        raise LeaseLostError("taken")

    async def note(request: Request) -> Any:
        told.append(request)
        return await append(request)

    monkeypatch.setattr(bench.store, "commit", refuse)
    monkeypatch.setattr(bench.store, "renew", taken)
    monkeypatch.setattr(bench.store, "append", note)
    await append(Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={}))
    bench.engine.poke(run)
    await asyncio.sleep(0.01)
    gate.set()
    await frozen
    assert [request.kind for request in told] == [RequestKind.LATE_EFFECT]


async def test_what_a_newer_bridge_wrote_is_kept(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M", target="t")}, {"t": things("a")})
    await bench.drive(seconds=60)
    (record,) = await bench.store.records(run)
    experiment = await bench.run(run)
    newer = type(record).model_validate_json(
        record.model_copy(update={"version": 2}).model_dump_json()[:-1] + ',"tomorrow":[1]}'
    )
    assert newer.model_dump()["tomorrow"] == [1]
    action = experiment.actions["halt"]
    assert (
        type(action).model_validate({**action.model_dump(), "tomorrow": 1}).model_dump()["tomorrow"]
    )
    found = type(experiment).model_validate({**experiment.model_dump(), "tomorrow": 1})
    assert found.model_dump()["tomorrow"] == 1
    assert EventType.EXPERIMENT_START in [e.type for e in await bench.store.journal(run)]
    (stored,) = await bench.store.experiments(SCOPE)
    assert stored.id == run


async def test_a_late_effect_does_not_open_a_record_whose_resource_another_one_holds(
    bench: Bench,
) -> None:
    run, frozen, gate = await _outlived(bench, "PT20M")
    assert [r.phase for r in await bench.store.records(run)] == ["reverted", "injected"]
    gate.set()
    await frozen
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert _as_before(bench)
