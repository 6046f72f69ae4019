"""Runs through `/v1`: started, followed, stopped, released."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from bridge.client import RefusedError, StartRequest
from bridge.client.documents import EventPage, ExperimentDetail, JournalEvent
from bridge.model.event import EventType
from bridge.model.experiment import ExperimentStatus
from bridge.model.record import Phase
from tests.cli.doubles import THING, document
from tests.native_api.conftest import Here

pytestmark = pytest.mark.usefixtures("world")


async def until(here: Here, experiment_id: str, kind: EventType) -> JournalEvent:
    """Wait by long polls, as clients do, until something has happened."""
    after = 0
    while True:
        page = await here.client.events(experiment_id, after=after, wait=10)
        after = page.next
        for event in page.events:
            if event.type is kind:
                return event
        assert page.events or not page.ended, f"ended without {kind}"


async def ended(here: Here, experiment_id: str) -> ExperimentDetail:
    await until(here, experiment_id, EventType.EXPERIMENT_END)
    return await here.client.experiment(experiment_id)


async def broken(here: Here, **options: Any) -> str:
    """Start a run and wait until its things are broken."""
    started = await here.client.start(StartRequest(template=document(**options)))
    while (await until(here, started.id, EventType.RECORD_PHASE)).details["phase"] != "injecting":
        pass
    while here.world.states != ["broken", "broken"]:
        await here.client.events(started.id, wait=0.01)
    return started.id


async def test_a_document_is_run_to_its_end_and_undone(here: Here) -> None:
    started = await here.client.start(StartRequest(template=document(seconds=1, signal=True)))
    assert started.status is ExperimentStatus.INITIATING
    found = await ended(here, started.id)
    assert found.status is ExperimentStatus.COMPLETED
    assert [(t.name, t.resolved) for t in found.targets] == [("all", 2)]
    assert {r.resource: r.phase for r in found.records} == {
        THING + "one": Phase.REVERTED,
        THING + "two": Phase.REVERTED,
    }
    (action,) = found.actions
    assert action.started_at
    assert action.ends_at
    assert (action.ends_at - action.started_at).total_seconds() == 1
    (condition,) = found.stop_conditions
    assert (condition.state, condition.read_at is not None) == ("clear", True)
    assert found.left_behind == ()
    assert here.world.states == ["whole", "whole"]


async def test_the_stored_template_can_be_run_again(here: Here) -> None:
    first = await here.client.start(StartRequest(template=document(seconds=1)))
    await ended(here, first.id)
    again = await here.client.start(StartRequest(template_id=first.template_id))
    assert again.id != first.id
    assert again.template_id == first.template_id


async def test_a_stop_undoes_everything(here: Here) -> None:
    experiment = await broken(here)
    await here.client.stop(experiment, "enough")
    found = await ended(here, experiment)
    assert (found.status, found.reason) == (ExperimentStatus.STOPPED, "enough")
    assert here.world.states == ["whole", "whole"]
    again = await here.client.stop(experiment)
    assert (again.status, again.reason) == (ExperimentStatus.STOPPED, "enough")


async def test_a_repeat_with_the_same_token_starts_nothing(here: Here) -> None:
    request = StartRequest(template=document(), client_token="once")
    first = await here.client.start(request)
    assert (await here.client.start(request)).id == first.id
    with pytest.raises(RefusedError, match="used before, for another request") as refused:
        await here.client.start(StartRequest(template=document(seconds=9), client_token="once"))
    assert refused.value.problem.status == 409
    assert len((await here.client.experiments()).experiments) == 1


async def test_a_denied_run_says_what_would_allow_it(here: Here) -> None:
    here.world.set(denied=True)
    started = await here.client.start(StartRequest(template=document()))
    found = await ended(here, started.id)
    assert found.status is ExperimentStatus.FAILED
    assert found.failure
    assert found.failure.location == "actions.break"
    assert found.failure.mend == "allow: [break]"
    assert [one.mend for one in found.errors] == ["allow: [break]"]


async def test_a_record_that_cannot_be_undone_is_released_by_name(here: Here) -> None:
    here.world.set(stubborn=True)
    experiment = await broken(here)
    await here.client.stop(experiment)
    retry = await until(here, experiment, EventType.REVERT_RETRY)
    assert retry.details["reason"] == "it is stuck"
    stuck = (await here.client.experiment(experiment)).records
    for record in stuck:
        await here.client.release(experiment, record.id, "mended by hand")
    found = await ended(here, experiment)
    assert [record.phase for record in found.left_behind] == [Phase.RELEASED] * 2
    with pytest.raises(RefusedError, match="has ended already"):
        await here.client.release(experiment, stuck[0].id, "again")


async def test_a_release_needs_a_reason_and_a_record(here: Here) -> None:
    experiment = await broken(here)
    record = (await here.client.experiment(experiment)).records[0].id
    path = f"/v1/experiments/{experiment}/records/{quote(record, safe='')}/release"
    answer = await here.http.post(path, json={})
    assert answer.status_code == 400
    assert answer.json()["problems"] == [
        {"path": "reason", "message": "is required; add it", "severity": "error"}
    ]
    with pytest.raises(RefusedError, match='has no record "nothing"'):
        await here.client.release(experiment, "nothing", "why not")
    answer = await here.http.post(path, json={"reason": "why not", "removeWebhooks": True})
    assert answer.status_code == 400
    assert "is for a release by force" in answer.json()["problems"][0]["message"]


async def test_a_release_by_force_ends_the_record(here: Here) -> None:
    here.world.set(stubborn=True)
    experiment = await broken(here)
    await here.client.stop(experiment)
    await until(here, experiment, EventType.REVERT_RETRY)
    for record in (await here.client.experiment(experiment)).records:
        await here.client.release(experiment, record.id, "burnt down", force=True)
    found = await ended(here, experiment)
    assert [record.phase for record in found.left_behind] == [Phase.RELEASED] * 2


async def test_events_come_in_pieces_and_in_order(here: Here) -> None:
    started = await here.client.start(StartRequest(template=document(seconds=1)))
    await ended(here, started.id)
    whole = await here.client.events(started.id)
    assert whole.ended
    pieces: list[JournalEvent] = []
    while True:
        path = f"/v1/experiments/{started.id}/events"
        answer = await here.http.get(
            path, params={"after": pieces[-1].sequence if pieces else 0, "limit": 2}
        )
        page = EventPage.model_validate(answer.json())
        if not page.events:
            break
        pieces += page.events
    assert tuple(pieces) == whole.events


async def test_waiting_for_events_ends_when_nothing_comes(here: Here) -> None:
    experiment = await broken(here)
    page = await here.client.events(experiment)
    while page.events:
        page = await here.client.events(experiment, after=page.next)
    loop = asyncio.get_running_loop()
    began = loop.time()
    quiet = await here.client.events(experiment, after=page.next, wait=0.2)
    assert (quiet.events, quiet.next, quiet.ended) == ((), page.next, False)
    assert loop.time() - began >= 0.2


async def _phase(here: Here, experiment: str, wait: float = 0) -> dict[str, Any]:
    path = f"/v1/experiments/{experiment}/phase"
    answer = await here.http.get(path, params={"wait": wait})
    return dict(answer.json())


async def test_the_phase_is_one_word(here: Here) -> None:
    experiment = await broken(here)
    running = await _phase(here, experiment)
    assert (running["phase"], running["ended"]) == ("running", False)
    await here.client.stop(experiment)
    stopped = await _phase(here, experiment, wait=20)
    assert (stopped["phase"], stopped["ended"]) == ("stopped", True)


async def test_a_fault_that_is_left_behind_is_a_phase_of_its_own(here: Here) -> None:
    experiment = await broken(here)
    here.world.set(stubborn=True)
    await here.client.stop(experiment)
    await until(here, experiment, EventType.REVERT_RETRY)
    for record in (await here.client.experiment(experiment)).records:
        await here.client.release(experiment, record.id, "burnt down")
    assert (await _phase(here, experiment, wait=20))["phase"] == "left-behind"


async def test_runs_are_listed_in_pages_the_newest_first(here: Here) -> None:
    ids = []
    for number in range(3):
        request = StartRequest(template=document(description=f"run {number}", seconds=1))
        ids.append((await here.client.start(request)).id)
        await ended(here, ids[-1])
    first = await here.client.experiments(limit=2)
    assert [one.id for one in first.experiments] == [ids[2], ids[1]]
    assert first.next == ids[1]
    rest = await here.client.experiments(after=first.next, limit=2)
    assert [(one.id, one.description) for one in rest.experiments] == [(ids[0], "run 0")]
    assert rest.next is None
    of_one = await here.client.experiments(template_id=first.experiments[0].template_id)
    assert [one.id for one in of_one.experiments] == [ids[2]]
    going_on = await broken(here, seconds=3600)
    left = await here.client.experiments(only_open=True)
    assert [one.id for one in left.experiments] == [going_on]
    over = of_one.experiments[0].template_id
    none = await here.client.experiments(template_id=over, only_open=True)
    assert none.experiments == ()
