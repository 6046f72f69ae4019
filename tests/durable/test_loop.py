"""A run that is advanced by durable executions, in the local runner's skipped time."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from providers.contract import StopState
from tests.crash.invariants import lateness
from tests.durable.lambda_service import LambdaService
from tests.engine.world import action, halt

if TYPE_CHECKING:
    from tests.engine.world import Bench

FULL = os.environ.get("FAULTBRIDGE_CRASH") == "full"


def running(bench: Bench) -> bool:
    return {thing.state for thing in bench.world.things.values()} == {"running"}


def start(bench: Bench, length: str = "PT2H", **more: tuple[str, ...]) -> str:
    async def started() -> str:
        actions = {
            "halt": halt(length=length),
            "then": action("pause", after=("halt",), duration="PT1M"),
        }
        return await bench.start(actions, stop_conditions=more.get("alarms", ()))

    return asyncio.run(started())


def status(bench: Bench, run: str) -> ExperimentStatus:
    return asyncio.run(bench.run(run)).status


def request_stop(service: LambdaService, run: str) -> None:
    store = service.bench.store
    request = Request(experiment=run, kind=RequestKind.STOP, at=store.now(), details={})
    asyncio.run(store.append(request))
    service.ask(run)


def test_a_run_goes_through_in_one_execution(service: LambdaService) -> None:
    bench = service.bench
    run = start(bench)
    before = bench.world.now

    def take_time() -> None:
        bench.world.now = Micros(bench.world.now + 300_000)

    service.before_look = take_time
    service.ask(run)
    service.finish()
    assert status(bench, run) is ExperimentStatus.COMPLETED
    assert 7260 <= (bench.world.now - before) / SECOND < 7265
    assert list(service.started) == [f"{run}-1"]
    assert running(bench)
    late = lateness(asyncio.run(bench.run(run)), asyncio.run(bench.store.journal(run)))
    assert late
    assert max(late) < 0.5


@pytest.mark.parametrize(
    ("length", "polls"), [("PT12H", 8640)] if FULL else [("PT5M", 60)], ids=str
)
def test_a_long_run_hands_over_before_the_limit_of_operations(
    service: LambdaService, length: str, polls: int
) -> None:
    bench = service.bench
    bench.world.alarms["trouble"] = StopState.CLEAR
    run = start(bench, length, alarms=("trouble",))
    service.ask(run)
    service.finish(seconds=600)

    assert status(bench, run) is ExperimentStatus.COMPLETED
    assert running(bench)
    assert service.looks >= polls
    numbers = [int(name.rpartition("-")[2]) for name in service.started]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= polls * 2 // service.limit
    for name in service.started:
        journal = service.execution(name).operations
        assert len(journal) <= service.limit
        assert service.over(name)
        kept = [o.step_details.result for o in journal if o.step_details]
        assert all(len(result or "") <= 4 for result in kept)
    # Polled all along: the alarm that is not read for a minute would have stopped it.
    assert "interrupted" not in str(asyncio.run(bench.store.journal(run)))


def test_an_alarm_ends_a_run_within_one_poll(service: LambdaService) -> None:
    bench = service.bench
    bench.world.alarms["trouble"] = StopState.CLEAR
    run = start(bench, alarms=("trouble",))
    noticed = Micros(bench.world.now + 61 * SECOND)

    def ring() -> None:
        if bench.world.now >= noticed:
            bench.world.alarms["trouble"] = StopState.TRIGGERED

    service.before_look = ring
    service.ask(run)
    service.finish()
    assert status(bench, run) is ExperimentStatus.STOPPED
    assert (bench.world.now - noticed) / SECOND <= 5 + 5 + 2
    assert list(service.started) == [f"{run}-1"]  # its own news starts nothing
    assert running(bench)


def test_a_stop_does_not_wait_for_the_end_of_a_wait(service: LambdaService) -> None:
    bench = service.bench
    run = start(bench)
    asked = Micros(bench.world.now + 600 * SECOND)
    stopped = threading.Event()

    def stop() -> None:
        request_stop(service, run)
        stopped.set()

    service.clock.before.append((asked, stop))
    service.ask(run)
    assert stopped.wait(60)
    service.finish()
    assert status(bench, run) is ExperimentStatus.STOPPED
    assert (bench.world.now - asked) / SECOND < 2
    assert running(bench)
    # The execution that waits is not the run's any more, and ends at its next look.
    assert not service.over(f"{run}-1")
    assert service.look(run, 1) is None


def test_two_requests_at_once_start_one_execution(service: LambdaService) -> None:
    run = start(service.bench)

    async def twice() -> None:
        dispatcher = service.new_dispatcher()
        dispatcher.wake(run)
        dispatcher.wake(run)
        await dispatcher.passed_on()

    asyncio.run(twice())
    service.finish()
    assert list(service.started) == [f"{run}-1"]


def test_a_wake_up_that_cannot_be_passed_on_is_made_up_for(
    service: LambdaService, caplog: pytest.LogCaptureFixture
) -> None:
    bench = service.bench
    run = start(bench, "PT5M")
    service.failures = 1
    service.ask(run)
    assert "throttled" in caplog.text
    assert service.started == {}
    assert asyncio.run(service.dispatcher.sweep()) == []  # not late yet: its loop may be coming
    bench.world.now = Micros(bench.world.now + 60 * SECOND)
    assert asyncio.run(service.dispatcher.sweep()) == [run]
    service.finish()
    assert status(bench, run) is ExperimentStatus.COMPLETED


def test_handing_over_is_tried_until_it_succeeds(service: LambdaService) -> None:
    bench = service.bench
    bench.world.alarms["trouble"] = StopState.CLEAR
    run = start(bench, "PT5M", alarms=("trouble",))
    service.ask(run)
    service.failures = 7
    service.finish()
    assert service.failures == 0
    assert status(bench, run) is ExperimentStatus.COMPLETED
    assert running(bench)


def test_a_database_that_is_away_costs_looks_and_no_run(
    service: LambdaService, caplog: pytest.LogCaptureFixture
) -> None:
    bench = service.bench
    run = start(bench)
    away = Micros(bench.world.now + 7000 * SECOND)

    def leave() -> None:
        if bench.world.now >= away and not bench.world.database_back:
            bench.world.database_back = bench.world.now + 40 * SECOND

    service.before_look = leave
    service.ask(run)
    service.finish()
    assert "OperationalError" in caplog.text
    assert "Traceback" not in caplog.text
    assert status(bench, run) is ExperimentStatus.COMPLETED
    assert running(bench)


def test_the_journal_is_replayed_and_not_lived_again(service: LambdaService) -> None:
    run = start(service.bench, "PT5M")
    service.ask(run)
    service.finish()
    steps = [o for o in service.execution(f"{run}-1").operations if o.step_details]
    assert service.looks == len(steps) - 1  # the first asked for the limit
    assert service.invocations > 2
    assert json.loads(steps[-1].step_details.result) is None


def test_a_run_whose_alarm_another_runs_loop_has_read_is_looked_at(service: LambdaService) -> None:
    bench = service.bench
    bench.world.alarms["trouble"] = StopState.CLEAR
    first = start(bench, alarms=("trouble",))
    waits = {"wait": action("pause", duration="PT1H")}
    second = asyncio.run(bench.start(waits, stop_conditions=("trouble",)))
    for run in (first, second):
        asyncio.run(bench.engine.advance(run))
    bench.world.alarms["trouble"] = StopState.TRIGGERED
    bench.world.now = Micros(bench.world.now + 10 * SECOND)
    service.request_takes = 0.3
    service.look(first, 1)
    # The process is frozen after the look: what it had to say has been said.
    assert list(service.started) == [f"{second}-1"]
    service.finish()
    assert status(bench, second) is ExperimentStatus.STOPPED
    assert running(bench)


def test_a_run_that_cannot_be_taken_is_not_asked_for_again_at_once(
    service: LambdaService, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(service.bench)
    tried: list[str] = []

    async def taken_by_nobody(experiment: str) -> None:
        tried.append(experiment)

    monkeypatch.setattr(service.bench.engine, "advance", taken_by_nobody)
    assert service.look(run, 1) == 1
    assert tried == [run]
