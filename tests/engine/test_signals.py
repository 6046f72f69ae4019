"""Stopping from outside: by a user, by a condition that is read, by a signal that is pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.engine.signals import Heard, hear, heard_readings
from bridge.model.event import EventType
from bridge.model.experiment import ActionStatus, ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import MINUTE, SECOND, Micros
from bridge.model.signal import Signal, SignalState
from providers.contract import DONE, Outcomes, StopState
from tests.engine.world import Bench, Halt, Pushes, halt

HOUR = 60 * MINUTE


def signal(
    state: SignalState = SignalState.TRIGGERED, *, source: str = "test:push", **fields: object
) -> Signal:
    return Signal.model_validate({"source": source, "value": "down", "state": state, **fields})


async def push(bench: Bench, *signals: Signal) -> list[Heard]:
    return await hear(
        bench.store,
        bench.providers.stop_source,
        signals or (signal(reason="it is down", event="e1"),),
        memory=bench.settings.signal_memory,
    )


async def by_user(bench: Bench, run: str) -> None:
    await bench.store.append(
        Request(
            experiment=run,
            kind=RequestKind.STOP,
            at=bench.store.now(),
            details={"reason": "enough", "cause": "user"},
        )
    )


async def by_poll(bench: Bench, run: str) -> None:
    bench.world.alarms["alarm"] = StopState.TRIGGERED
    bench.world.now = Micros(bench.world.now + 10 * SECOND)
    await bench.engine.stop_watch.poll()


async def by_push(bench: Bench, run: str) -> None:
    (heard,) = await push(bench)
    assert heard.stopped == (run,)


WAYS = pytest.mark.parametrize(
    ("way", "cause"), [(by_user, "user"), (by_poll, "alarm"), (by_push, "down")]
)
Way = Callable[[Bench, str], Awaitable[None]]


async def begin(bench: Bench) -> str:
    bench.world.alarms = {"alarm": StopState.CLEAR}
    return await bench.start(
        {"halt": halt(length="PT1H")}, stop_conditions=("alarm",), pushed=("down",)
    )


async def causes(bench: Bench, run: str) -> list[dict[str, object]]:
    return [
        event.details
        for event in await bench.store.journal(run)
        if event.type is EventType.STOP_REQUESTED
    ]


@WAYS
async def test_each_way_of_stopping_stops_and_undoes(bench: Bench, way: Way, cause: str) -> None:
    run = await begin(bench)
    await bench.drive(seconds=60)
    assert bench.world.look("a") == "stopped"
    before = bench.world.now
    await way(bench, run)
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.ended_at is not None
    assert done.ended_at - before < 15 * SECOND
    assert {bench.world.look(name) for name in "abc"} == {"running"}
    (asked,) = await causes(bench, run)
    assert asked["cause"] == cause
    assert ("pushed" in asked) == (way is by_push)
    if way is by_push:
        assert (asked["source"], asked["signal"], asked["event"]) == (
            "test:push",
            "it is down",
            "e1",
        )


@pytest.mark.parametrize("answer", ["done", "pending"])
@WAYS
async def test_a_stop_during_an_injecting_call_undoes_right_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, way: Way, cause: str, answer: str
) -> None:
    monkeypatch.setattr(Halt, "batch", 2)  # so that one more call would come
    if answer == "done":
        really = Halt.inject

        async def at_once(self: Halt, session: Any, parameters: Any, records: Any) -> Outcomes:
            return dict.fromkeys(await really(self, session, parameters, records), DONE)

        monkeypatch.setattr(Halt, "inject", at_once)
    run = await begin(bench)
    times: dict[str, int] = {}

    def note(point: str) -> None:
        times.setdefault(point, bench.world.now)

    bench.world.hook = note
    gate = bench.world.frozen = asyncio.Event()
    advancing = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    await way(bench, run)
    for experiment in bench.woken:
        bench.engine.poke(experiment)
    gate.set()
    await advancing
    await bench.drive()
    calls = [call for call in bench.world.calls if "commit" not in call]
    # What a cloud has only accepted is looked at once: it may have refused it meanwhile.
    between = ["before observe"] if answer == "pending" else []
    came = calls.index("after inject")
    assert calls[came + 1 : came + 2 + len(between)] == [*between, "before revert a,b"]
    assert times["before revert a,b"] - times["after inject"] < SECOND // 10
    assert not [call for call in calls if call.startswith("before inject c")]
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert {bench.world.look(name) for name in "abc"} == {"running"}
    assert [asked["cause"] for asked in await causes(bench, run)] == [cause]


async def test_a_condition_that_is_only_heard_is_not_read_and_its_silence_stops_nothing(
    bench: Bench,
) -> None:
    run = await bench.start({"halt": halt(length="PT1H")}, pushed=("down",))
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_what_is_triggered_when_a_run_starts_stops_it_there(bench: Bench) -> None:
    await push(bench)
    run = await bench.start({"halt": halt(length="PT1H")}, pushed=("down",))
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.reason == "Experiment halted by stop condition."
    assert done.actions["halt"].status is ActionStatus.CANCELLED
    assert not bench.world.effects
    assert [asked["cause"] for asked in await causes(bench, run)] == ["down"]


@pytest.mark.parametrize(
    ("later", "status"),
    [(23 * HOUR, ExperimentStatus.STOPPED), (25 * HOUR, ExperimentStatus.COMPLETED)],
)
async def test_what_nobody_clears_is_forgotten_after_a_day(
    bench: Bench, later: int, status: ExperimentStatus
) -> None:
    await push(bench)
    bench.world.now = Micros(bench.world.now + later)
    run = await bench.start({"halt": halt(length="PT1M")}, pushed=("down",))
    await bench.drive()
    assert (await bench.run(run)).status is status


async def test_several_alerts_of_one_condition_are_clear_when_all_are(bench: Bench) -> None:
    async def state() -> str | None:
        memory = timedelta(days=1)
        found = await heard_readings(bench.store, Pushes(), ["down"], memory=memory)
        return found["down"].state if found else None

    assert await state() is None
    await push(bench, signal(value="down-1", instance="x"), signal(value="down-1", instance="y"))
    await push(bench, signal(SignalState.CLEAR, value="down-1", instance="x"))
    assert await state() == "triggered"
    await push(bench, signal(value="another"))
    await push(bench, signal(SignalState.CLEAR, value="down-1", instance="y"))
    assert await state() == "clear"


async def test_an_older_signal_that_arrives_later_changes_nothing(bench: Bench) -> None:
    now = bench.world.now
    await push(bench, signal(SignalState.CLEAR, at=now))
    await push(bench, signal(at=now - MINUTE))
    run = await bench.start({"halt": halt(length="PT1M")}, pushed=("down",))
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_an_older_signal_that_is_delivered_again_stops_no_run_that_came_after(
    bench: Bench,
) -> None:
    then = bench.world.now
    fired = signal(at=then)
    await push(bench, fired)
    await push(bench, signal(SignalState.CLEAR, at=then + MINUTE))
    bench.world.now = Micros(then + 2 * MINUTE)
    run = await bench.start({"halt": halt(length="PT1H")}, pushed=("down",))
    await bench.drive(seconds=60)
    (again,) = await push(bench, fired)
    assert again.stopped == ()
    (new,) = await push(bench, signal(at=then + 3 * MINUTE))
    assert new.stopped == (run,)


async def test_a_clock_ahead_of_ours_does_not_outlast_the_next_signal(bench: Bench) -> None:
    await push(bench, signal(at=bench.world.now + HOUR))
    await push(bench, signal(SignalState.CLEAR))
    run = await bench.start({"halt": halt(length="PT1M")}, pushed=("down",))
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_a_repeated_signal_asks_once(bench: Bench) -> None:
    run = await begin(bench)
    await bench.drive(seconds=60)
    for _ in range(3):
        await by_push(bench, run)
    await push(bench, signal(value="down-2"))
    assert bench.requests() == 1
    await bench.drive()
    entries = len(await bench.store.journal(run))
    (late,) = await push(bench)
    assert late.stopped == ()
    await bench.drive()
    assert len(await bench.store.journal(run)) == entries


async def test_a_run_hears_a_signal_that_came_as_it_began(bench: Bench) -> None:
    # Its conditions have been looked at, and were clear; it has not begun to break anything.
    run = await bench.start({"halt": halt(length="PT1H")}, pushed=("down",))
    pushed: list[asyncio.Task[list[Heard]]] = []

    def hook(point: str) -> None:
        if point == "before prepare 3" and not pushed:
            pushed.append(asyncio.ensure_future(push(bench)))

    bench.world.hook = hook
    await bench.drive()
    assert (await pushed[0])[0].stopped == (run,)
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert {bench.world.look(name) for name in "abc"} == {"running"}


@pytest.mark.parametrize(("ago", "stops"), [(0, True), (30 * SECOND, True), (2 * MINUTE, False)])
async def test_a_late_message_of_an_alarm_that_the_run_has_read_itself(
    bench: Bench, ago: int, stops: bool
) -> None:
    at = Micros(bench.world.now - ago)
    run = await begin(bench)
    await bench.drive(seconds=60)
    (heard,) = await push(bench, signal(source="test:alarm", value="alarm", at=at))
    assert heard.stopped == ((run,) if stops else ())


async def test_what_is_pushed_of_an_alarm_that_is_read_is_a_reading_of_it(bench: Bench) -> None:
    run = await begin(bench)
    await bench.drive(seconds=20)
    bench.world.alarms_readable = False
    for _ in range(4):
        bench.world.now = Micros(bench.world.now + 30 * SECOND)
        await push(bench, signal(SignalState.CLEAR, source="test:alarm", value="alarm"))
        await bench.drive(seconds=1)
    assert (await bench.run(run)).status is ExperimentStatus.RUNNING
    await bench.drive()
    assert "could not be read" in (await bench.run(run)).reason


async def test_labels_that_are_too_long_to_keep_still_stop_a_run(bench: Bench) -> None:
    run = await begin(bench)
    await bench.drive(seconds=60)
    (heard,) = await push(bench, signal(value="down" + "x" * 3000))
    assert heard.stopped == (run,)


async def test_many_runs_are_asked_in_one_go(bench: Bench) -> None:
    runs = [await bench.start({"pause": halt(length="PT1H")}, pushed=("down",)) for _ in range(600)]
    (heard,) = await push(bench)
    assert heard.stopped == tuple(sorted(runs))
    assert bench.requests() == 600
