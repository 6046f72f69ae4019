"""A run from start to end, in virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from bridge.model.experiment import ActionsMode, ActionStatus, ExperimentStatus, FailureCode
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import MINUTE, SECOND
from bridge.model.record import Phase
from bridge.model.scope import Scope
from bridge.model.template import EmptyTargets
from providers.contract import Denial, StopState
from tests.engine.world import START, Bench, Thing, action, halt, things


async def _stop(bench: Bench, run: str) -> None:
    await bench.store.append(
        Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})
    )


async def test_a_fault_with_a_duration_is_undone_when_it_has_passed(bench: Bench) -> None:
    before = bench.world.snapshot()
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=100)
    assert {bench.world.look(name) for name in "abc"} == {"stopped"}
    await bench.drive()
    done = await bench.run(run)
    assert (done.status, done.reason) == (ExperimentStatus.COMPLETED, "Experiment completed.")
    assert done.actions["halt"].status is ActionStatus.COMPLETED
    assert done.actions["halt"].reason == "Action was completed."
    assert bench.world.snapshot() == before
    assert done.ended_at is not None
    assert 5 * MINUTE <= done.ended_at - START <= 5 * MINUTE + 10 * SECOND


async def test_many_resources_go_into_one_call(bench: Bench) -> None:
    await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    effects = [call for call in bench.world.calls if "inject " in call or "revert " in call]
    assert effects == ["before inject a,b,c", "before revert a,b,c"]


async def test_slow_transitions_are_waited_for_without_holding_the_run(bench: Bench) -> None:
    bench.world.settle = 20 * SECOND
    run = await bench.start(
        {"halt": halt(length="PT5M"), "then": action("pause", after=("halt",), duration="PT1M")}
    )
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.COMPLETED
    halted, then = done.actions["halt"], done.actions["then"]
    # The undoing delays what comes after it, as FIS's post actions do.
    assert then.started_at is not None
    assert halted.ended_at is not None
    assert then.started_at >= halted.ended_at >= START + 5 * MINUTE + 20 * SECOND


async def test_a_twelve_hour_run_takes_no_time(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT12H")})
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert len(bench.world.calls) < 100


async def test_a_lasting_fault_stays_when_its_action_completes(bench: Bench) -> None:
    run = await bench.start({"halt": halt()})
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert {bench.world.look(name) for name in "abc"} == {"stopped"}
    assert {record.phase for record in await bench.store.records(run)} == {Phase.KEPT}
    assert not any(thing.marks for thing in bench.world.things.values())


async def test_a_stop_undoes_a_lasting_fault_that_is_not_complete_yet(bench: Bench) -> None:
    bench.world.settle = 30 * SECOND
    run = await bench.start({"halt": halt()})
    await bench.drive(seconds=5)
    assert bench.world.look("a") == "stopping"
    await _stop(bench, run)
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert {bench.world.look(name) for name in "abc"} == {"running"}


async def test_a_user_stops_a_run(bench: Bench) -> None:
    run = await bench.start(
        {"halt": halt(length="PT5M"), "then": action("pause", after=("halt",), duration="PT1M")}
    )
    await bench.drive(seconds=60)
    await _stop(bench, run)
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.actions["halt"].status is ActionStatus.STOPPED
    assert done.actions["then"].status is ActionStatus.CANCELLED
    assert {bench.world.look(name) for name in "abc"} == {"running"}
    assert done.ended_at is not None
    assert done.ended_at < START + 2 * MINUTE


async def test_a_stop_before_the_beginning_injects_nothing(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})
    await _stop(bench, run)
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert not bench.world.effects


async def test_actions_run_in_the_order_that_start_after_asks_for(bench: Bench) -> None:
    run = await bench.start(
        {
            "last": action("pause", after=("left", "right"), duration="PT1M"),
            "left": action("pause", after=("first",), duration="PT1M"),
            "right": action("pause", after=("first",), duration="PT3M"),
            "first": action("pause", duration="PT1M"),
        }
    )
    await bench.drive()
    actions = (await bench.run(run)).actions
    starts = {name: round(((a.started_at or 0) - START) / MINUTE) for name, a in actions.items()}
    assert starts == {"first": 0, "left": 1, "right": 1, "last": 4}


async def test_what_was_halted_before_is_left_halted(bench: Bench) -> None:
    bench.world.things["b"].state = "stopped"
    before = bench.world.snapshot()
    await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    assert bench.world.snapshot() == before
    assert ("running", "b") not in bench.world.effects


async def test_a_resource_that_vanishes_fails_the_action_and_the_others_are_undone(
    bench: Bench,
) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    del bench.world.things["b"]
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    assert done.failure is not None
    assert done.failure.code is FailureCode.TARGET
    assert "b no longer exists" in done.reason
    assert {bench.world.look(name) for name in "ac"} == {"running"}


async def test_a_resource_may_vanish_where_the_parameters_say_so(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M", gone_is_fine=True)})
    await bench.drive(seconds=60)
    del bench.world.things["b"]
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_a_failed_action_stops_the_run_and_undoes_the_others(bench: Bench) -> None:
    run = await bench.start(
        {
            "halt": halt(length="PT1H", target="a"),
            "doomed": halt(length="PT5M", target="b"),
            "never": action("pause", after=("doomed",), duration="PT1M"),
        },
        {"a": things("a"), "b": things("b")},
    )
    await bench.drive(seconds=60)
    del bench.world.things["b"]
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    statuses = {name: state.status for name, state in done.actions.items()}
    assert statuses == {
        "halt": ActionStatus.STOPPED,
        "doomed": ActionStatus.FAILED,
        "never": ActionStatus.CANCELLED,
    }
    assert bench.world.look("a") == "running"


async def test_a_fault_that_ends_by_itself_completes_its_action(bench: Bench) -> None:
    run = await bench.start({"flicker": action("flicker", limit="PT1M")})
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.COMPLETED
    assert (done.ended_at or 0) < START + 15 * SECOND
    assert {bench.world.look(name) for name in "abc"} == {"running"}


async def test_a_fault_that_does_not_end_in_time_fails(bench: Bench) -> None:
    run = await bench.start({"flicker": action("flicker", limit="PT3S")})
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    assert done.reason.startswith("Action exceeded the specified maximum duration.")
    assert {bench.world.look(name) for name in "abc"} == {"running"}


@pytest.mark.parametrize(
    ("mode", "status"),
    [(EmptyTargets.FAIL, ExperimentStatus.FAILED), (EmptyTargets.SKIP, ExperimentStatus.COMPLETED)],
)
async def test_empty_targets(bench: Bench, mode: EmptyTargets, status: ExperimentStatus) -> None:
    bench.world.things.clear()
    run = await bench.start(
        {"halt": halt(length="PT1M"), "then": action("pause", after=("halt",), duration="PT1M")},
        empty_targets=mode,
    )
    await bench.drive()
    done = await bench.run(run)
    assert done.status is status
    skipped = done.actions["halt"].status
    assert skipped is (ActionStatus.SKIPPED if mode == "skip" else ActionStatus.CANCELLED)


async def test_a_target_named_by_id_must_exist_even_where_empty_ones_are_skipped(
    bench: Bench,
) -> None:
    run = await bench.start(
        {"halt": halt(length="PT1M", target="one")},
        {"one": things("nobody")},
        empty_targets=EmptyTargets.SKIP,
    )
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    assert "nobody" in done.reason


@pytest.mark.parametrize(("written", "place"), [({}, "actions.halt"), ({"all": {}}, "targets.all")])
async def test_a_target_that_was_made_for_an_action_fails_at_the_action(
    bench: Bench, written: dict[str, object], place: str
) -> None:
    run = await bench.start(
        {"halt": halt(length="PT5M")},
        {"all": things("nobody")},
        document={"targets": written},
    )
    await bench.drive()
    failure = (await bench.run(run)).failure
    assert failure is not None
    assert failure.location == place


async def test_percent_rounds_down_and_less_than_one_is_refused(bench: Bench) -> None:
    run = await bench.start(
        {"halt": halt(length="PT1M", target="some")}, {"some": things(selection="PERCENT(70)")}
    )
    await bench.drive()
    assert len(await bench.store.resolved_targets(run)) == 2
    run = await bench.start(
        {"halt": halt(length="PT1M", target="some")}, {"some": things(selection="PERCENT(30)")}
    )
    await bench.drive()
    assert "selects less than one" in (await bench.run(run)).reason


async def test_a_preview_resolves_targets_and_skips_every_action(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT1M")}, actions_mode=ActionsMode.SKIP_ALL)
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.COMPLETED
    assert done.actions["halt"].status is ActionStatus.SKIPPED
    assert len(await bench.store.resolved_targets(run)) == 3
    assert not bench.world.effects


async def test_a_denied_review_ends_the_run_before_the_first_fault(bench: Bench) -> None:
    bench.world.denials = [Denial("may not create things", "kind: Role")]
    run = await bench.start({"halt": halt(length="PT1M")})
    await bench.drive()
    done = await bench.run(run)
    assert done.failure is not None
    assert done.failure.code is FailureCode.AUTHORIZATION
    assert not bench.world.effects
    journal = await bench.store.journal(run)
    assert any(event.details.get("mend") == "kind: Role" for event in journal)


async def test_without_the_right_to_mark_the_run_proceeds_and_says_so(bench: Bench) -> None:
    bench.world.taggable = False
    run = await bench.start({"halt": halt(length="PT1M")})
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    journal = await bench.store.journal(run)
    (entry,) = [event for event in journal if event.type == "unmarked"]
    assert entry.details == {"reason": "may not tag", "resources": ["a", "b", "c"]}


async def test_the_journal_tells_the_run_in_the_words_of_the_fis_log(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT1M")})
    await bench.drive()
    types = [event.type for event in await bench.store.journal(run)]
    logged = [kind for kind in types if kind not in {"record-phase", "state-change"}]
    assert logged == [
        "experiment-start",
        "target-resolution-start",
        "target-resolution-detail",
        "target-resolution-end",
        "action-start",
        "action-end",
        "experiment-end",
    ]


# --- sharing, order, overlap ----------------------------------------------------------------


async def test_two_actions_share_a_resource_and_the_last_to_end_undoes_it(bench: Bench) -> None:
    run = await bench.start(
        {"short": halt(length="PT1M", target="a"), "long": halt(length="PT5M", target="a")},
        {"a": things("a")},
    )
    await bench.drive(seconds=150)
    assert bench.world.look("a") == "stopped"
    assert (await bench.run(run)).actions["short"].status is ActionStatus.COMPLETED
    await bench.drive()
    assert bench.world.look("a") == "running"
    assert bench.world.effects == {("stopped", "a"): 1, ("running", "a"): 1}


async def test_a_second_run_on_the_same_resource_is_refused_with_the_holder(bench: Bench) -> None:
    first = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=30)
    second = await bench.start({"halt": halt(length="PT1M")})
    await bench.drive(seconds=30)
    refused = await bench.run(second)
    assert refused.status is ExperimentStatus.FAILED
    assert first in refused.reason
    assert bench.world.look("a") == "stopped"
    await bench.drive()
    assert (await bench.run(first)).status is ExperimentStatus.COMPLETED


async def test_undo_runs_in_reverse_where_records_touch_each_other(bench: Bench) -> None:
    run = await bench.start(
        {
            "first": halt(length="PT1H", target="a"),
            "second": halt(length="PT1H", target="b", touches="a", after=()),
        },
        {"a": things("a"), "b": things("b")},
    )
    bench.world.settle = 10 * SECOND
    await bench.drive(seconds=60)
    order = [call.split()[-1] for call in bench.world.calls if call.startswith("before inject")]
    await _stop(bench, run)
    await bench.drive()
    undone = [call.split()[-1] for call in bench.world.calls if call.startswith("before revert")]
    later = order[-1]
    assert undone[0] == later
    # The other one is not touched before the first is back.
    assert undone.index(order[0]) > max(i for i, name in enumerate(undone) if name == later)


# --- stop conditions ------------------------------------------------------------------------


async def test_an_alarm_stops_the_run_and_everything_is_undone(bench: Bench) -> None:
    bench.world.alarms = {"alarm": StopState.CLEAR}
    run = await bench.start({"halt": halt(length="PT1H")}, stop_conditions=("alarm",))
    await bench.drive(seconds=60)
    assert bench.world.look("a") == "stopped"
    bench.world.alarms["alarm"] = StopState.TRIGGERED
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.reason == "Experiment halted by stop condition."
    assert (done.ended_at or 0) < START + 90 * SECOND
    assert {bench.world.look(name) for name in "abc"} == {"running"}


async def test_an_alarm_that_rings_already_lets_nothing_begin(bench: Bench) -> None:
    bench.world.alarms = {"alarm": StopState.TRIGGERED}
    run = await bench.start({"halt": halt(length="PT1H")}, stop_conditions=("alarm",))
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert done.actions["halt"].status is ActionStatus.CANCELLED
    assert not bench.world.effects


async def test_a_stop_condition_that_cannot_be_read_for_a_minute_stops_the_run(
    bench: Bench,
) -> None:
    bench.world.alarms = {"alarm": StopState.CLEAR}
    run = await bench.start({"halt": halt(length="PT1H")}, stop_conditions=("alarm",))
    await bench.drive(seconds=60)
    bench.world.alarms_readable = False
    unread_from = bench.world.now
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert "could not be read for 60 s" in done.reason
    assert 50 * SECOND < (done.ended_at or 0) - unread_from < 70 * SECOND
    assert {bench.world.look(name) for name in "abc"} == {"running"}


async def test_an_alarm_that_does_not_exist_lets_nothing_begin(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT1H")}, stop_conditions=("nobody",))
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.FAILED
    assert not bench.world.effects


async def test_one_read_serves_all_runs(bench: Bench) -> None:
    bench.world.alarms = {"alarm": StopState.CLEAR}
    bench.world.things = {str(n): Thing() for n in range(20)}
    for n in range(20):
        await bench.start(
            {"halt": halt(length="PT10M", target="one")},
            {"one": things(str(n))},
            stop_conditions=("alarm",),
        )
    await bench.drive(seconds=20)
    reads: list[int] = []
    real = bench.engine.stop_watch.read

    async def counted(scope: Scope, source: str, values: Sequence[str]) -> Mapping[str, StopState]:
        reads.append(len(values))
        return await real(scope, source, values)

    bench.engine.stop_watch.read = counted  # type: ignore[method-assign]
    await bench.drive(seconds=100)
    assert 15 <= len(reads) <= 21
    assert set(reads) == {1}


async def test_a_run_is_asked_to_stop_once_however_long_its_undo_takes(bench: Bench) -> None:
    bench.world.alarms = {"alarm": StopState.CLEAR}
    run = await bench.start({"halt": halt(length="PT1H")}, stop_conditions=("alarm",))
    await bench.drive(seconds=60)
    bench.world.settle = 300 * SECOND
    bench.world.alarms["alarm"] = StopState.TRIGGERED
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert bench.requests() == 1


async def test_an_undo_that_fails_is_tried_until_it_succeeds(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    bench.world.broken = "throttled"
    await bench.drive(seconds=3600)
    assert (await bench.run(run)).status is ExperimentStatus.RUNNING
    bench.world.broken = ""
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert {bench.world.look(name) for name in "abc"} == {"running"}
    retries = [e.details for e in await bench.store.journal(run) if e.type == "revert-retry"]
    assert 100 < len(retries) < 130, "a capped pause of 30 s, one entry for all resources"
    assert retries[0]["reason"] == "throttled"
    assert retries[0]["resources"] == ["a", "b", "c"]


async def test_a_reply_that_was_lost_is_looked_after_and_not_repeated(bench: Bench) -> None:
    bench.world.lose_replies = 1
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert bench.world.effects["stopped", "a"] == 1


async def test_looks_that_fail_after_a_lost_reply_are_waited_for_and_not_spun_on(
    bench: Bench,
) -> None:
    bench.world.lose_replies = 1
    bench.world.blind_until = bench.world.now + 60 * SECOND
    run = await bench.start({"halt": halt(length="PT5M")})
    reads = 0
    real = bench.store.read_inbox

    async def counted(experiment_id: str) -> list[Request]:
        nonlocal reads
        reads += 1
        assert reads < 500, "the run goes round without waiting"
        return await real(experiment_id)

    bench.store.read_inbox = counted  # type: ignore[method-assign]
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED
    assert bench.world.effects["stopped", "a"] == 1


async def test_whether_a_lost_reply_rebooted_cannot_be_told_and_is_said(bench: Bench) -> None:
    bench.world.lose_replies = 1
    run = await bench.start({"blink": action("blink")})
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    assert "cannot be told" in done.reason
    assert bench.world.effects["blinked", "a"] == 1


async def test_an_injection_that_cannot_begin_in_time_fails(bench: Bench) -> None:
    bench.world.refuse_calls = True
    run = await bench.start({"halt": halt(length="PT1H")})
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.FAILED
    assert "Unable to inject in time: throttled" in done.reason
    assert not bench.world.effects


# --- absence --------------------------------------------------------------------------------


async def test_after_a_long_absence_a_run_only_undoes(bench: Bench) -> None:
    run = await bench.start(
        {
            "halt": halt(length="PT5M", target="a"),
            "then": halt(length="PT5M", target="b", after=("halt",)),
        },
        {"a": things("a"), "b": things("b")},
    )
    await bench.drive(seconds=60)
    bench.world.now += int(timedelta(hours=8).total_seconds()) * SECOND  # type: ignore[assignment]
    bench.restart()
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.STOPPED
    assert "the bridge was away" in done.reason.lower()
    assert bench.world.look("a") == "running"
    assert ("stopped", "b") not in bench.world.effects


async def test_a_run_first_seen_after_its_planned_end_injects_nothing(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT1M")})
    bench.world.now += 2 * MINUTE  # type: ignore[assignment]
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.STOPPED
    assert not bench.world.effects


async def test_a_short_absence_changes_nothing_but_the_deadline_is_kept(bench: Bench) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    bench.world.now += 2 * MINUTE  # type: ignore[assignment]
    bench.restart()
    await bench.drive()
    done = await bench.run(run)
    assert done.status is ExperimentStatus.COMPLETED
    assert (done.ended_at or 0) - START < 5 * MINUTE + 10 * SECOND
