"""Schedules through `/v1`: created, started, changed, refused, deleted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.client import RefusedError
from bridge.client.schedules import (
    ScheduleChange,
    ScheduleDetail,
    ScheduleRequest,
    ScheduleState,
)
from bridge.model.experiment import ExperimentStatus
from bridge.model.schedule import ConcurrencyPolicy, SlotOutcome
from tests.cli.doubles import document
from tests.native_api.conftest import Here

pytestmark = pytest.mark.usefixtures("world")


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def request(**members: Any) -> ScheduleRequest:
    times = {} if members.keys() & {"cron", "at"} else {"cron": "30 2 * * *"}
    return ScheduleRequest(**{"template": document(seconds=1), **times, **members})


async def decided(here: Here, schedule_id: str) -> ScheduleDetail:
    """Wait until a slot has been decided."""
    async with asyncio.timeout(20):
        while True:
            found = await here.client.schedule(schedule_id)
            if found.slots:
                return found
            await asyncio.sleep(0.02)


async def test_what_is_scheduled_is_started_in_time_and_undone(here: Here) -> None:
    made = await here.client.create_schedule(request(at=soon(1), tags={"team": "a"}))
    assert made.state is ScheduleState.ACTIVE
    assert made.at is not None
    assert made.coming == (made.at,)
    found = await decided(here, made.id)
    (slot,) = found.slots
    assert slot.outcome is SlotOutcome.STARTED
    assert slot.slot_at == made.at
    assert timedelta(0) <= slot.at - slot.slot_at < timedelta(seconds=1)
    assert (found.state, found.next_at, found.coming) == (ScheduleState.OVER, None, ())
    assert slot.experiment_id is not None
    run = await here.client.experiment(slot.experiment_id)
    assert (run.template_id, run.tags) == (made.template_id, {"team": "a"})
    await here.process.settled()
    run = await here.client.experiment(run.id)
    assert run.status is ExperimentStatus.COMPLETED
    assert here.world.states == ["whole", "whole"]


async def test_a_schedule_shows_what_it_says_and_its_next_slots(here: Here) -> None:
    made = await here.client.create_schedule(
        request(
            cron="30 2 * * MON-FRI",
            timezone="Europe/Berlin",
            concurrency_policy=ConcurrencyPolicy.ALLOW,
            history_limit=5,
            starting_deadline_seconds=60,
            description="every night",
        )
    )
    assert made.in_words == "At 02:30 on Monday through Friday"
    assert len(made.coming) == 3
    assert made.next_at == made.coming[0]
    assert all(slot.weekday() < 5 for slot in made.coming)
    assert (made.history_limit, made.starting_deadline_seconds) == (5, 60)
    assert (made.timezone, made.description) == ("Europe/Berlin", "every night")
    assert await here.client.schedule(made.id) == made
    # A template that is stored already can be scheduled too.
    again = await here.client.create_schedule(
        ScheduleRequest(template_id=made.template_id, cron="@daily")
    )
    assert (again.template_id, again.in_words) == (made.template_id, "At 00:00 every day")


async def test_schedules_are_listed_in_order_and_paged(here: Here) -> None:
    made = [
        (await here.client.create_schedule(request(description=str(number)))).id
        for number in range(3)
    ]
    page = await here.client.schedules(limit=2)
    assert [one.id for one in page.schedules] == made[:2]
    rest = await here.client.schedules(limit=2, after=page.next)
    assert ([one.id for one in rest.schedules], rest.next) == (made[2:], None)


@pytest.mark.parametrize(
    ("members", "path", "words"),
    [
        ({"cron": "61 * * * *"}, "cron", 'the minute "61" cannot be read; write 0 to 59'),
        ({"cron": "* * * * * *"}, "cron", "once a minute at most"),
        ({"cron": "0 0 30 2 *"}, "cron", "no day that ever comes"),
        ({"cron": ""}, "cron", "is not five fields"),
        ({"timezone": "Europe/Berlinn"}, "timezone", 'did you mean "Europe/Berlin"?'),
        ({"timezone": ""}, "timezone", "is not a time zone"),
        ({"at": "2020-01-01T00:00:00Z"}, "at", "is past"),
        ({"at": "2099-01-01T00:00:00"}, "at", "is not a time with its offset; write it like"),
        ({"at": "2099-02-30T00:00:00Z"}, "at", "is not a time with its offset"),
        ({"at": "tomorrow"}, "at", "is not a time with its offset"),
        ({"at": "2099-01-01T00:00:00+99:00"}, "at", "is not a time with its offset"),
        ({"at": "2099-01-01T00:00:00Z", "timezone": "UTC"}, "timezone", "leave it out"),
        ({"at": "2099-01-01T00:00:00Z", "cron": "* * * * *"}, "cron", "not both or none"),
        ({"template": None}, "template", "not both or none"),
        ({"template_id": "EXT1"}, "template", "not both or none"),
        ({"template": {"description": "x"}}, "actions", "is required"),
        ({"tags": {"aws:x": "y"}}, 'tags["aws:x"]', "are reserved"),
    ],
)
async def test_what_is_wrong_is_refused_by_name_and_nothing_is_stored(
    here: Here, members: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        await here.client.create_schedule(request(**members))
    problem = refused.value.problem
    assert problem.status == 400
    assert [one.message for one in problem.problems if one.path == path and words in one.message]
    assert (await here.client.schedules()).schedules == ()
    assert await here.process.bridge.store.templates(here.process.bridge.scope) == []


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ({"concurrencyPolicy": "Replace"}, "concurrencyPolicy", "'Forbid' or 'Allow'"),
        ({"historyLimit": 0}, "historyLimit", "greater than or equal to 1"),
        ({"startingDeadlineSeconds": 0}, "startingDeadlineSeconds", "or equal to 1"),
        ({"successfulJobsHistoryLimit": 3}, "successfulJobsHistoryLimit", "is not known here"),
    ],
)
async def test_members_are_read_strictly(
    here: Here, body: dict[str, Any], path: str, words: str
) -> None:
    for method, place in (("POST", "/v1/schedules"), ("PATCH", "/v1/schedules/SCH1")):
        answer = await here.http.request(method, place, json=body)
        assert answer.status_code == 400
        (problem,) = answer.json()["problems"]
        assert problem["path"] == path
        assert words in problem["message"]


async def test_a_template_that_does_not_exist_is_not_scheduled(here: Here) -> None:
    with pytest.raises(RefusedError, match="no experiment template") as refused:
        await here.client.create_schedule(request(template=None, template_id="EXTnone"))
    assert refused.value.problem.status == 404


async def test_a_repeat_with_the_token_answers_the_first_one(here: Here) -> None:
    asked = request(at=soon(1), client_token="once")
    made = await here.client.create_schedule(asked)
    await decided(here, made.id)
    # The time is past by now, and is no reason to refuse a repeat.
    assert (await here.client.create_schedule(asked)).id == made.id
    assert len((await here.client.schedules()).schedules) == 1
    other = asked.model_copy(update={"at": soon(300)})
    with pytest.raises(RefusedError, match="clientToken: the client token was used before"):
        await here.client.create_schedule(other)
    await here.client.delete_schedule(made.id)
    with pytest.raises(RefusedError, match="which was deleted since; send a fresh one"):
        await here.client.create_schedule(asked)


async def test_pausing_and_resuming(here: Here) -> None:
    made = await here.client.create_schedule(request(paused=True))
    assert (made.state, made.next_at) == (ScheduleState.PAUSED, None)
    resumed = await here.client.change_schedule(made.id, ScheduleChange(paused=False))
    assert (resumed.state, resumed.paused_at) == (ScheduleState.ACTIVE, None)
    assert resumed.next_at is not None
    paused = await here.client.change_schedule(made.id, ScheduleChange(paused=True))
    twice = await here.client.change_schedule(made.id, ScheduleChange(paused=True))
    assert twice.state is ScheduleState.PAUSED
    assert twice.paused_at == paused.paused_at


async def test_what_is_given_is_changed_and_the_rest_is_left(here: Here) -> None:
    made = await here.client.create_schedule(request(timezone="Asia/Tokyo", history_limit=7))
    changed = await here.client.change_schedule(made.id, ScheduleChange(cron="0 4 * * *"))
    assert (changed.cron, changed.timezone, changed.history_limit) == (
        "0 4 * * *",
        "Asia/Tokyo",
        7,
    )
    assert changed.next_at != made.next_at
    moved = await here.client.change_schedule(made.id, ScheduleChange(timezone="UTC"))
    assert (moved.cron, moved.timezone) == ("0 4 * * *", "UTC")
    when = soon(3600)
    once = await here.client.change_schedule(made.id, ScheduleChange(at=when))
    assert (once.cron, once.next_at) == (None, datetime.fromisoformat(when))
    with pytest.raises(RefusedError, match="timezone: is for a cron expression"):
        await here.client.change_schedule(made.id, ScheduleChange(timezone="UTC"))
    late = await here.client.change_schedule(
        made.id, ScheduleChange(starting_deadline_seconds=5, tags={"a": "b"}, description="x")
    )
    assert (late.starting_deadline_seconds, late.tags, late.description) == (5, {"a": "b"}, "x")
    late = await here.client.change_schedule(
        made.id, ScheduleChange(starting_deadline_seconds=None)
    )
    assert late.starting_deadline_seconds is None
    with pytest.raises(RefusedError, match="no experiment template"):
        await here.client.change_schedule(made.id, ScheduleChange(template_id="EXTnone"))
    with pytest.raises(RefusedError, match="cron: the hour"):
        await here.client.change_schedule(made.id, ScheduleChange(cron="0 25 * * *"))
    back = await here.client.change_schedule(made.id, ScheduleChange(cron="@hourly"))
    assert (back.cron, back.at, back.timezone) == ("@hourly", None, "UTC")


async def test_deleting_leaves_runs_alone(here: Here) -> None:
    made = await here.client.create_schedule(request(at=soon(1), template=document(seconds=60)))
    (slot,) = (await decided(here, made.id)).slots
    deleted = await here.client.delete_schedule(made.id)
    assert (deleted.id, deleted.slots) == (made.id, (slot,))
    assert slot.experiment_id is not None
    run = await here.client.experiment(slot.experiment_id)
    assert not run.status.ended
    assert (await here.client.schedules()).schedules == ()


@pytest.mark.parametrize("schedule_id", ["SCHnone", "%00", "a/b", "x" * 300])
async def test_one_that_does_not_exist_is_told_so(here: Here, schedule_id: str) -> None:
    for call in (
        here.client.schedule(schedule_id),
        here.client.delete_schedule(schedule_id),
        here.client.change_schedule(schedule_id, ScheduleChange(paused=True)),
        here.client.schedules(after=schedule_id[:64]),
    ):
        with pytest.raises(RefusedError, match="there is no schedule") as refused:
            await call
        assert refused.value.problem.status == 404
