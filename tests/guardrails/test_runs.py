"""What a run may touch, how much, how long and when; in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bridge.model.event import EventType
from bridge.model.experiment import ActionsMode, ActionStatus, ExperimentStatus, FailureCode
from bridge.model.moment import MINUTE, SECOND, Micros, iso_timestamp
from bridge.model.record import Phase
from bridge.model.window import parse_windows
from bridge.store import AtOnceError, Change
from tests.engine.world import SCOPE, START, Bench, Killed, Thing, action, halt, things
from tests.guardrails.conftest import MakeBench

# The benches begin on Friday, 15 January 2027, at 08:00 UTC.


async def _end(bench: Bench, run: str) -> tuple[ExperimentStatus, str]:
    await bench.drive()
    done = await bench.run(run)
    return done.status, done.reason


def _untouched(bench: Bench) -> bool:
    return not bench.world.effects and not any("inject" in call for call in bench.world.calls)


def test_the_benches_begin_on_a_friday_morning() -> None:
    assert iso_timestamp(START) == "2027-01-15T08:00:00Z"


async def test_a_context_that_is_no_longer_allowed_is_not_touched(bench_with: MakeBench) -> None:
    context = "k8s:context/kind-kind"
    bench = bench_with()
    bench.world.things[context] = Thing()
    run = await bench.start({"halt": halt(target="some", length="PT5M")}, {"some": things(context)})
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.FAILED
    assert "is not among the contexts that templates may name" in reason
    assert _untouched(bench)


# --- tags ---------------------------------------------------------------------------------


async def test_a_protected_resource_refuses_the_run_and_both_are_named(
    bench_with: MakeBench,
) -> None:
    bench = bench_with(protected_tags="team, env=prod*")
    bench.world.things["b"].tags = {"app": "carts", "ENV": "Production"}
    run = await bench.start({"halt": halt(length="PT5M")})
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.FAILED
    assert reason == (
        "guardrail FAULTBRIDGE_PROTECTED_TAGS (team,env=prod*): b bears the protected tag "
        '"env=prod*"; choose others'
    )
    failure = (await bench.run(run)).failure
    assert failure is not None
    assert (failure.code, failure.location) == (FailureCode.TARGET, "targets.all")
    assert _untouched(bench)


async def test_what_is_not_taken_may_bear_a_protected_tag(bench_with: MakeBench) -> None:
    bench = bench_with(protected_tags="env=prod")
    bench.world.things["b"].tags = {"env": "prod"}
    run = await bench.start(
        {"halt": halt(target="some", length="PT5M")}, {"some": things("a", "c")}
    )
    assert (await _end(bench, run))[0] is ExperimentStatus.COMPLETED


async def test_a_resource_that_cannot_tell_its_tags_is_not_touched(bench_with: MakeBench) -> None:
    bench = bench_with(protected_tags="env=prod")
    bench.world.things["c"].tags = None
    run = await bench.start({"halt": halt(length="PT5M")})
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.FAILED
    assert "cannot be told which tags c bear" in reason
    assert _untouched(bench)
    free = bench_with()
    free.world.things["c"].tags = None
    assert (await _end(free, await free.start({"halt": halt(length="PT5M")})))[0] is (
        ExperimentStatus.COMPLETED
    )


async def test_many_protected_resources_are_counted(bench_with: MakeBench) -> None:
    bench = bench_with(protected_tags="env")
    bench.world.things = {f"t{n}": Thing(tags={"env": "x"}) for n in range(9)}
    run = await bench.start({"halt": halt(length="PT5M")})
    assert 't0, t1, t2 and 6 more bear the protected tag "env"' in (await _end(bench, run))[1]


# --- share and number ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "refused"),
    [
        ("ALL", 'target "some" would take 3 of 3 found (100 %)'),
        ("COUNT(2)", 'target "some" would take 2 of 3 found (66 %)'),
        ("COUNT(1)", ""),
        ("PERCENT(50)", ""),
    ],
)
async def test_no_more_than_a_share_of_what_is_found(
    bench_with: MakeBench, selection: str, refused: str
) -> None:
    bench = bench_with(maximum_share=50)
    run = await bench.start(
        {"halt": halt(target="some", length="PT5M")}, {"some": things(selection=selection)}
    )
    status, reason = await _end(bench, run)
    if not refused:
        assert status is ExperimentStatus.COMPLETED
        return
    assert status is ExperimentStatus.FAILED
    messages = [
        event.details["action_state"]["reason"]
        for event in await bench.store.journal(run)
        if event.type is EventType.ACTION_ERROR
    ]
    assert any(refused in one for one in messages), messages
    assert "FAULTBRIDGE_MAXIMUM_SHARE (50)" in reason
    assert (await bench.run(run)).failure.code is FailureCode.QUOTA  # type: ignore[union-attr] # it failed
    assert _untouched(bench)


async def test_resources_that_are_named_are_no_share(bench_with: MakeBench) -> None:
    bench = bench_with(maximum_share=50)
    run = await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things("a")})
    assert (await _end(bench, run))[0] is ExperimentStatus.COMPLETED


async def test_an_action_touches_no_more_than_a_number(bench_with: MakeBench) -> None:
    bench = bench_with(maximum_targets=2)
    run = await bench.start({"halt": halt(length="PT5M")})
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.FAILED
    assert reason == (
        'guardrail FAULTBRIDGE_MAXIMUM_TARGETS (2): action "halt" would touch 3; take fewer, or '
        "raise the limit"
    )
    assert _untouched(bench)
    fits = await bench.start({"halt": halt(target="two", length="PT5M")}, {"two": things("a", "b")})
    assert (await _end(bench, fits))[0] is ExperimentStatus.COMPLETED


async def test_a_preview_is_held_to_the_guardrails_too(bench_with: MakeBench) -> None:
    bench = bench_with(maximum_targets=2)
    run = await bench.start({"halt": halt(length="PT5M")}, actions_mode=ActionsMode.SKIP_ALL)
    assert (await _end(bench, run))[0] is ExperimentStatus.FAILED


# --- durations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "actions", "words"),
    [
        (
            {"maximum_action_duration": timedelta(minutes=5)},
            {"halt": halt(length="PT6M")},
            'FAULTBRIDGE_MAXIMUM_ACTION_DURATION (PT5M): action "halt" lasts PT6M',
        ),
        (
            {"maximum_action_duration": timedelta(minutes=5)},
            {"halt": halt()},
            'what action "halt" does stays when it completes',
        ),
        (
            {"maximum_run_duration": timedelta(minutes=5)},
            {
                "halt": halt(length="PT3M"),
                "then": action("pause", after=("halt",), duration="PT3M"),
            },
            "FAULTBRIDGE_MAXIMUM_RUN_DURATION (PT5M): the run is planned to last PT6M",
        ),
    ],
)
async def test_a_run_that_would_last_too_long_does_not_begin(
    bench_with: MakeBench, rules: dict[str, Any], actions: dict[str, Any], words: str
) -> None:
    bench = bench_with(**rules)
    run = await bench.start(actions)
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.FAILED
    assert words in reason
    assert (await bench.run(run)).failure.code is FailureCode.CONFIGURATION  # type: ignore[union-attr] # it failed
    assert _untouched(bench)


async def test_durations_at_the_limit_are_allowed(bench_with: MakeBench) -> None:
    bench = bench_with(
        maximum_action_duration=timedelta(minutes=5), maximum_run_duration=timedelta(minutes=5)
    )
    run = await bench.start({"halt": halt(length="PT5M"), "kill": action("blink")})
    assert (await _end(bench, run))[0] is ExperimentStatus.COMPLETED


# --- windows ------------------------------------------------------------------------------


async def test_a_run_in_an_exclusion_window_is_cancelled(bench_with: MakeBench) -> None:
    bench = bench_with(excluded_windows=parse_windows("Fri 07:00-09:30 UTC"))
    run = await bench.start({"halt": halt(length="PT5M")})
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.CANCELLED
    assert reason == (
        "Experiment halted by guardrail FAULTBRIDGE_EXCLUDED_WINDOWS: no run may be in "
        '"Fri 07:00-09:30 UTC"; runs may be again from 2027-01-15T09:30:00Z.'
    )
    done = await bench.run(run)
    assert {one.status for one in done.actions.values()} == {ActionStatus.CANCELLED}
    assert bench.world.calls == ["before commit", "after commit"] * (len(bench.world.calls) // 2)


async def test_a_run_outside_of_the_allowed_windows_is_cancelled(bench_with: MakeBench) -> None:
    bench = bench_with(allowed_windows="Mon-Fri 09:00-17:00 Europe/Berlin; Sat 10:00-12:00 UTC")
    bench.world.now = Micros(START + 9 * 60 * MINUTE)
    run = await bench.start({"halt": halt(length="PT5M")})
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.CANCELLED
    assert 'runs may be in "Mon-Fri 09:00-17:00 Europe/Berlin; Sat 10:00-12:00 UTC" only' in reason
    assert reason.endswith("runs may be again from 2027-01-16T10:00:00Z.")
    assert _untouched(bench)


@pytest.mark.parametrize(
    "rules",
    [
        {"excluded_windows": "2027-01-15T08:03:00Z/2027-01-15T20:00:00Z"},
        {"allowed_windows": "Fri 06:00-08:03 UTC"},
    ],
)
async def test_a_window_stops_a_run_at_its_very_boundary(
    bench_with: MakeBench, rules: dict[str, str]
) -> None:
    bench = bench_with(**rules)
    before = bench.world.snapshot()
    run = await bench.start(
        {
            "halt": halt(length="PT5M"),
            "then": halt(after=("halt",), length="PT1M"),
        }
    )
    await bench.drive(seconds=170)
    assert {bench.world.look(name) for name in "abc"} == {"stopped"}
    status, reason = await _end(bench, run)
    assert status is ExperimentStatus.STOPPED
    assert "guardrail FAULTBRIDGE_" in reason
    assert bench.world.snapshot() == before
    done = await bench.run(run)
    assert done.actions["halt"].status is ActionStatus.STOPPED
    assert done.actions["then"].status is ActionStatus.CANCELLED
    (stopped,) = [
        event for event in await bench.store.journal(run) if event.type is EventType.STOP_REQUESTED
    ]
    assert stopped.details["cause"] == "guardrail"
    assert 0 <= stopped.at - (START + 3 * MINUTE) < SECOND


async def test_a_run_goes_on_over_boundaries_that_change_nothing(bench_with: MakeBench) -> None:
    bench = bench_with(
        allowed_windows="Fri 06:00-08:02 UTC; Fri 08:01-09:00 UTC",
        excluded_windows="Fri 09:00-10:00 UTC",
    )
    run = await bench.start({"halt": halt(length="PT5M")})
    assert (await _end(bench, run))[0] is ExperimentStatus.COMPLETED


async def test_a_window_that_begins_while_the_bridge_is_dead_is_kept_too(
    bench_with: MakeBench,
) -> None:
    bench = bench_with(excluded_windows="Fri 08:01-08:30 UTC")
    before = bench.world.snapshot()
    run = await bench.start({"halt": halt(length="PT20M"), "late": halt(length="PT1M")})

    def die(point: str) -> None:
        if point == "after inject":
            raise Killed

    bench.world.hook = die
    with pytest.raises(Killed):
        await bench.drive()
    bench.world.hook = lambda _point: None
    bench.world.now = Micros(START + 2 * MINUTE)
    bench.restart()
    assert (await _end(bench, run))[0] is ExperimentStatus.STOPPED
    assert bench.world.snapshot() == before


# --- all runs together --------------------------------------------------------------------


async def test_all_open_runs_together_touch_no_more_than_a_number(bench_with: MakeBench) -> None:
    bench = bench_with(maximum_targets_at_once=2)
    first = await bench.start(
        {"halt": halt(target="two", length="PT5M")}, {"two": things("a", "b")}
    )
    await bench.drive(seconds=60)
    second = await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things("c")})
    await bench.drive(seconds=60)
    refused = await bench.run(second)
    assert refused.status is ExperimentStatus.FAILED
    assert refused.reason == (
        "guardrail FAULTBRIDGE_MAXIMUM_TARGETS_AT_ONCE (2): 2 resources are touched now by all "
        'open runs, and action "halt" would touch 1 more; wait for others to end, or raise the '
        "limit"
    )
    assert refused.failure is not None
    assert refused.failure.code is FailureCode.QUOTA
    assert bench.world.look("c") == "running"
    assert (await _end(bench, first))[0] is ExperimentStatus.COMPLETED
    third = await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things("c")})
    assert (await _end(bench, third))[0] is ExperimentStatus.COMPLETED


async def test_what_is_left_as_it_was_does_not_count(bench_with: MakeBench) -> None:
    bench = bench_with(maximum_targets_at_once=3)
    bench.world.things["d"] = Thing(state="stopped")
    run = await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things("a", "d")})
    await bench.drive(seconds=60)
    more = await bench.start({"halt": halt(target="two", length="PT5M")}, {"two": things("b", "c")})
    assert (await _end(bench, more))[0] is ExperimentStatus.COMPLETED
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_two_actions_of_one_run_do_not_exceed_it_together(bench_with: MakeBench) -> None:
    bench = bench_with(maximum_targets_at_once=2)
    before = bench.world.snapshot()
    run = await bench.start(
        {
            "one": halt(target="ab", length="PT5M"),
            "two": halt(target="c", length="PT5M"),
        },
        {"ab": things("a", "b"), "c": things("c")},
    )
    assert (await _end(bench, run))[0] is ExperimentStatus.FAILED
    assert bench.world.snapshot() == before
    assert len([r for r in await bench.store.records(run) if r.phase is not Phase.NOT_INJECTED]) < 3


async def test_of_two_runs_that_race_for_the_last_place_one_is_refused(
    bench_with: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_with(maximum_targets_at_once=1)
    both = [
        await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things(name)})
        for name in ("a", "b")
    ]
    # Each has counted nothing before the other one's records are committed.
    counted = asyncio.Event()
    count = bench.store.live_elsewhere
    readings: list[int] = []

    async def slow(experiment: str) -> int:
        found = await count(experiment)
        readings.append(found)
        if len(readings) == 2:
            counted.set()
        if len(readings) <= 2:
            await counted.wait()
        return found

    monkeypatch.setattr(bench.store, "live_elsewhere", slow)
    workers = (bench.engine, bench.other_engine())
    await asyncio.gather(*(worker.advance(run) for worker, run in zip(workers, both, strict=True)))
    assert readings[:2] == [0, 0]
    live = [one for run in both for one in await bench.store.records(run) if not one.phase.ended]
    assert len(live) == 1
    await bench.drive()
    ends = sorted([(await bench.run(run)).status for run in both])
    assert ends == [ExperimentStatus.COMPLETED, ExperimentStatus.FAILED]
    assert sum(count for (what, _), count in bench.world.effects.items() if what == "stopped") == 1


async def test_a_commit_beyond_the_limit_writes_nothing(bench_with: MakeBench) -> None:
    bench = bench_with()
    run = await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things("a")})
    await bench.drive(seconds=60)
    (record,) = await bench.store.records(run)
    other = await bench.start({"halt": halt(target="one", length="PT5M")}, {"one": things("b")})
    claimed = await bench.store.claim(other, owner="w", lease=Micros(15 * SECOND))
    assert claimed is not None
    fresh = record.model_copy(update={"id": f"{other}/halt/0", "resource": "b"})
    change = Change(experiment=claimed.experiment, added=[fresh], live_at_most=1)
    with pytest.raises(AtOnceError, match="1 resources are touched now, 1 more would be over 1"):
        await bench.store.commit(claimed.claim, change)
    assert await bench.store.records(other) == []
    assert await bench.store.experiment(SCOPE, other) is not None
    change.live_at_most = 2
    await bench.store.commit(claimed.claim, change)
    assert await bench.store.live_elsewhere(run) == 1
    ended = fresh.model_copy(update={"phase": Phase.REVERTED})
    another = fresh.model_copy(update={"id": f"{other}/halt/1", "resource": "c"})
    swap = Change(
        experiment=claimed.experiment,
        added=[another],
        changed=[ended],
        first_position=1,
        live_at_most=2,
    )
    await bench.store.commit(claimed.claim, swap)
    assert await bench.store.live_elsewhere(run) == 1
