"""Slots in virtual time: started, late, missed, paused, held back by a run; and forgotten."""

from __future__ import annotations

import logging

import pytest

from bridge.engine.slots import RESTORED
from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND
from bridge.model.schedule import ConcurrencyPolicy, SlotOutcome
from tests.schedules.conftest import SCOPE, START, Desk, moment

STOP = Request(experiment="", kind=RequestKind.STOP, at=START)
ALLOW = ConcurrencyPolicy.ALLOW


# --- starting --------------------------------------------------------------------------------


async def test_each_slot_starts_one_run_and_none_comes_before_its_time(desk: Desk) -> None:
    planned = await desk.plan(cron="*/5 * * * *", concurrency_policy=ALLOW, tags={"team": "a"})
    assert planned.next_at == moment("2026-06-01T12:05:00")
    assert await desk.at("2026-06-01T12:04:59") == []
    (first,) = await desk.at("2026-06-01T12:05:00")
    assert await desk.at("2026-06-01T12:05:00") == []
    (second,) = await desk.at("2026-06-01T12:10:01")
    assert await desk.runs() == [first, second]
    run = await desk.store.experiment(SCOPE, first)
    assert run is not None
    assert (run.status, run.tags) == (ExperimentStatus.INITIATING, {"team": "a"})
    assert run.template == desk.template
    assert run.created_at == moment("2026-06-01T12:05:00")
    assert await desk.store.due() == [first, second]
    assert await desk.outcomes(planned) == [("12:05", "started"), ("12:10", "started")]
    assert (await desk.slot(planned)).experiment == second
    assert (await desk.seen(planned)).next_at == moment("2026-06-01T12:15:00")
    assert await desk.scheduler.next_due() == moment("2026-06-01T12:15:00")


async def test_one_time_is_started_once_and_is_over(desk: Desk) -> None:
    planned = await desk.plan(at=moment("2026-06-01T15:00:00"))
    assert await desk.at("2026-06-01T14:59:59") == []
    assert len(await desk.at("2026-06-01T15:00:00")) == 1
    assert (await desk.seen(planned)).next_at is None
    assert await desk.scheduler.next_due() is None
    assert await desk.at("2026-06-02T15:00:00") == []


async def test_many_schedules_of_one_minute_are_all_started(desk: Desk) -> None:
    for _ in range(250):
        await desk.plan()
    assert len(await desk.at("2026-06-01T12:01:00")) == 250
    assert await desk.at("2026-06-01T12:01:30") == []


async def test_a_clock_that_is_put_back_starts_no_slot_again(desk: Desk) -> None:
    planned = await desk.plan(cron="*/5 * * * *", concurrency_policy=ALLOW)
    assert len(await desk.at("2026-06-01T12:05:00")) == 1
    desk.time.now = moment("2026-06-01T12:04:00")
    changed = await desk.change(await desk.seen(planned), cron="5/5 * * * *")
    assert changed.next_at == moment("2026-06-01T12:05:00")  # once more
    assert await desk.at("2026-06-01T12:05:00") == []
    assert len(await desk.runs()) == 1
    assert (await desk.seen(planned)).next_at == moment("2026-06-01T12:10:00")


# --- lateness --------------------------------------------------------------------------------


async def test_of_missed_slots_the_latest_is_started_within_its_deadline(desk: Desk) -> None:
    planned = await desk.plan()
    assert len(await desk.at("2026-06-01T12:04:30")) == 1
    assert await desk.outcomes(planned) == [
        ("12:01", "skipped"),
        ("12:02", "skipped"),
        ("12:03", "skipped"),
        ("12:04", "started"),
    ]
    reasons = {slot.reason for slot in await desk.store.slots(planned.id)}
    assert reasons == {"", "missed; of the slots that were missed only the latest is started"}


@pytest.mark.parametrize(
    ("deadline", "late", "outcome"),
    [
        (None, "2026-06-01T13:05:00", "started"),  # five minutes: what the engine bears
        (None, "2026-06-01T13:05:01", "skipped"),
        (30, "2026-06-01T13:00:30", "started"),
        (30, "2026-06-01T13:00:31", "skipped"),
        (3600, "2026-06-01T13:59:00", "started"),
    ],
)
async def test_a_slot_is_not_started_past_its_deadline(
    desk: Desk, deadline: int | None, late: str, outcome: str
) -> None:
    planned = await desk.plan(cron="0 * * * *", starting_deadline=deadline)
    started = await desk.at(late)
    assert await desk.outcomes(planned) == [("13:00", outcome)]
    assert len(started) == (outcome == "started")
    slot = await desk.slot(planned)
    if outcome == "skipped":
        limit = deadline or 300
        assert slot.reason.endswith(f"more than its deadline of {limit} s")
    assert (await desk.seen(planned)).next_at == moment("2026-06-01T14:00:00")


async def test_one_time_that_was_missed_is_skipped_and_over(desk: Desk) -> None:
    planned = await desk.plan(at=moment("2026-06-01T15:00:00"))
    assert await desk.at("2026-06-01T23:00:00") == []
    slot = await desk.slot(planned)
    assert slot.outcome is SlotOutcome.SKIPPED
    assert "missed by 8:00:00 h" in slot.reason
    assert (await desk.seen(planned)).next_at is None


async def test_after_a_year_away_a_bounded_number_of_slots_is_noted(desk: Desk) -> None:
    planned = await desk.plan(history_limit=3)
    assert len(await desk.at("2027-06-01T12:00:30")) == 1
    slots = await desk.store.slots(planned.id)
    assert [slot.outcome.value for slot in slots] == ["started", "skipped", "skipped"]
    assert slots[-1].reason.endswith("earlier ones were missed too")
    assert "earlier" not in slots[-2].reason


async def test_after_a_restore_no_slot_before_it_is_started(desk: Desk) -> None:
    planned = await desk.plan(starting_deadline=3600)
    await desk.store.raise_epoch(0, STOP)
    desk.time.now = moment("2026-06-01T12:03:30")
    await desk.store.raise_epoch(1, STOP)
    assert await desk.scheduler.start_due() == []
    slots = await desk.store.slots(planned.id)
    assert len(slots) == 3
    assert {slot.reason for slot in slots} == {RESTORED}
    # Raised once, the epoch holds nothing back any more.
    await desk.store.raise_epoch(1, STOP)
    assert len(await desk.at("2026-06-01T12:04:00")) == 1


# --- a run that is still open ----------------------------------------------------------------


async def test_a_slot_is_skipped_while_an_earlier_run_is_open(desk: Desk) -> None:
    planned = await desk.plan(history_limit=1)
    (first,) = await desk.at("2026-06-01T12:01:00")
    for minute in (2, 3, 4):
        assert await desk.at(f"2026-06-01T12:0{minute}:00") == []
        slot = await desk.slot(planned)
        assert slot.outcome is SlotOutcome.SKIPPED
        assert slot.reason == (
            f"experiment {first} is still running, and concurrencyPolicy is Forbid"
        )
    # The open run's slot is remembered beside the limit, or it would not hold others back.
    assert await desk.outcomes(planned) == [("12:01", "started"), ("12:04", "skipped")]
    await desk.end(first)
    (second,) = await desk.at("2026-06-01T12:05:00")
    assert await desk.runs() == [first, second]
    assert await desk.outcomes(planned) == [("12:05", "started")]


async def test_with_allow_runs_may_overlap(desk: Desk) -> None:
    planned = await desk.plan(concurrency_policy=ALLOW)
    assert await desk.at("2026-06-01T12:01:00")
    assert await desk.at("2026-06-01T12:02:00")
    changed = await desk.change(
        await desk.seen(planned), concurrency_policy=ConcurrencyPolicy.FORBID
    )
    assert await desk.at("2026-06-01T12:03:00") == []
    assert (await desk.slot(changed)).outcome is SlotOutcome.SKIPPED


async def test_a_run_that_somebody_else_started_holds_nothing_back(desk: Desk) -> None:
    other = await desk.plan(cron="30 12 * * *")
    await desk.plan(cron="31 12 * * *")
    assert len(await desk.at("2026-06-01T12:30:00")) == 1
    assert len(await desk.at("2026-06-01T12:31:00")) == 1
    assert await desk.outcomes(other) == [("12:30", "started")]


# --- templates that cannot be run --------------------------------------------------------------


async def test_a_template_that_is_gone_fails_the_slot_and_not_the_schedule(desk: Desk) -> None:
    planned = await desk.plan()
    await desk.store.delete_template(SCOPE, desk.template.id)
    assert await desk.at("2026-06-01T12:01:00") == []
    slot = await desk.slot(planned)
    assert slot.outcome is SlotOutcome.FAILED
    assert slot.reason == f'there is no experiment template "{desk.template.id}" any more'
    assert (await desk.seen(planned)).next_at == moment("2026-06-01T12:02:00")


async def test_a_template_that_is_refused_now_fails_the_slot_with_the_reason(desk: Desk) -> None:
    planned = await desk.plan()
    action = desk.template.actions["break"].model_copy(update={"action_id": "aws:test:brake"})
    await desk.store.update_template(
        desk.template.model_copy(update={"actions": {"break": action}}), before=desk.template
    )
    assert await desk.at("2026-06-01T12:01:00") == []
    slot = await desk.slot(planned)
    assert slot.outcome is SlotOutcome.FAILED
    assert slot.reason.startswith("the template is refused now: actions.break.actionId:")
    assert await desk.runs() == []


async def test_a_schedule_that_cannot_be_read_keeps_no_other_from_its_slot(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await desk.plan()
    await desk.plan()
    found = desk.store.schedule

    async def unreadable(scope: object, schedule_id: str) -> object:
        if schedule_id == broken.id:
            raise ValueError("written by a newer version")
        return await found(SCOPE, schedule_id)

    monkeypatch.setattr(desk.store, "schedule", unreadable)
    with caplog.at_level(logging.ERROR):
        assert len(await desk.at("2026-06-01T12:01:00")) == 1
    assert f"schedule {broken.id} could not be decided" in caplog.text


# --- pausing and changing ----------------------------------------------------------------------


async def test_nothing_is_started_while_paused_and_nothing_is_made_up_for(desk: Desk) -> None:
    planned = await desk.plan(cron="0 * * * *")
    paused = await desk.change(planned, paused_at=desk.time.now)
    assert paused.next_at is None
    assert await desk.at("2026-06-01T14:30:00") == []
    resumed = await desk.change(paused, paused_at=None)
    assert resumed.next_at == moment("2026-06-01T15:00:00")
    assert await desk.at("2026-06-01T14:30:00") == []
    assert await desk.outcomes(planned) == [("13:00", "skipped"), ("14:00", "skipped")]
    assert {slot.reason for slot in await desk.store.slots(planned.id)} == {
        "the schedule was paused"
    }
    assert len(await desk.at("2026-06-01T15:00:00")) == 1


async def test_a_slot_that_has_come_when_it_is_paused_is_noted(desk: Desk) -> None:
    planned = await desk.plan(cron="0 * * * *")
    desk.time.now = moment("2026-06-01T13:00:01")
    await desk.change(planned, paused_at=desk.time.now)
    assert await desk.scheduler.start_due() == []
    assert await desk.outcomes(planned) == [("13:00", "skipped")]


async def test_one_time_that_passes_while_paused_is_over(desk: Desk) -> None:
    planned = await desk.plan(at=moment("2026-06-01T13:00:00"), paused_at=desk.time.now)
    desk.time.now = moment("2026-06-01T14:00:00")
    resumed = await desk.change(planned, paused_at=None)
    assert resumed.next_at is None
    assert await desk.scheduler.start_due() == []
    assert await desk.outcomes(planned) == [("13:00", "skipped")]


async def test_a_change_of_something_else_loses_no_slot_that_has_come(desk: Desk) -> None:
    planned = await desk.plan(cron="0 * * * *")
    desk.time.now = moment("2026-06-01T13:00:01")
    await desk.change(planned, description="hourly")
    assert len(await desk.scheduler.start_due()) == 1


async def test_other_times_pass_over_the_slot_that_was_waited_for(desk: Desk) -> None:
    planned = await desk.plan(cron="0 * * * *")
    desk.time.now = moment("2026-06-01T13:00:01")
    changed = await desk.change(planned, cron="30 * * * *")
    assert changed.next_at == moment("2026-06-01T13:30:00")
    slot = await desk.slot(planned)
    assert slot.reason == "the schedule was changed before this slot was started"


async def test_what_new_times_name_was_not_passed_over_before(desk: Desk) -> None:
    planned = await desk.plan(cron="0 * * * *", paused_at=desk.time.now)
    desk.time.now = moment("2026-06-01T13:30:00")
    changed = await desk.change(planned, cron="15 * * * *")
    desk.time.now = moment("2026-06-01T14:30:00")
    await desk.change(changed, paused_at=None)
    assert await desk.outcomes(planned) == [("14:15", "skipped")]


# --- history ---------------------------------------------------------------------------------


async def test_what_is_more_than_the_limit_is_forgotten_and_the_runs_stay(desk: Desk) -> None:
    planned = await desk.plan(history_limit=2)
    for minute in range(1, 6):
        (run,) = await desk.at(f"2026-06-01T12:0{minute}:00")
        await desk.end(run)
    assert await desk.outcomes(planned) == [("12:04", "started"), ("12:05", "started")]
    assert len(await desk.runs()) == 5
    await desk.change(await desk.seen(planned), history_limit=1)
    assert await desk.outcomes(planned) == [("12:05", "started")]


async def test_the_slot_says_how_late_it_was(desk: Desk) -> None:
    planned = await desk.plan()
    await desk.at("2026-06-01T12:01:02")
    slot = await desk.slot(planned)
    assert slot.at - slot.slot_at == 2 * SECOND
