"""The safety lever through `/v1`, on a bridge that runs."""

from __future__ import annotations

import pytest

from bridge.api.process import Process
from bridge.client import StartRequest
from bridge.model.experiment import ExperimentStatus
from bridge.model.lever import LeverStatus
from bridge.settings import Settings
from tests.cli.doubles import World, document
from tests.native_api.conftest import Here, new_process
from tests.native_api.test_runs import broken, ended

pytestmark = pytest.mark.usefixtures("world")


async def test_engaging_stops_a_run_and_cancels_the_next(here: Here) -> None:
    first = await broken(here, seconds=300)
    state = await here.client.move_lever(LeverStatus.ENGAGED, "a drill")
    assert (state.status, state.stopping) == (LeverStatus.ENGAGING, 1)
    assert (await ended(here, first)).status is ExperimentStatus.STOPPED
    assert here.world.states == ["whole", "whole"]
    await here.process.settled()
    shown = await here.client.lever()
    assert (shown.status, shown.reason) == (LeverStatus.ENGAGED, "a drill")
    assert shown.changed_at is not None
    late = await here.client.start(StartRequest(template=document(seconds=300)))
    found = await ended(here, late.id)
    assert found.status is ExperimentStatus.CANCELLED
    assert found.records == ()
    again = await here.client.move_lever(LeverStatus.ENGAGED, "a repeat is no error")
    assert (again.reason, again.stopping) == ("a drill", 0)
    await here.client.move_lever(LeverStatus.DISENGAGED, "the drill is over")
    free = await here.client.start(StartRequest(template=document(seconds=1)))
    assert (await ended(here, free.id)).status is ExperimentStatus.COMPLETED


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": "engaged"}, "reason: is required"),
        ({"status": "engaged", "reason": ""}, "at least 1 character"),
        ({"status": "engaging", "reason": "x"}, 'write "engaged" or "disengaged"'),
        ({"status": "off", "reason": "x"}, "status: "),
        ({"status": "engaged", "reason": "x", "force": True}, "force: is not known here"),
    ],
)
async def test_what_does_not_fit_moves_nothing(
    here: Here, body: dict[str, object], words: str
) -> None:
    answer = await here.http.put("/v1/lever", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert (await here.client.lever()).status is LeverStatus.DISENGAGED


async def test_the_next_process_on_the_data_finds_it_engaged(
    world: World, settings: Settings
) -> None:
    async def lever(process: Process, *, engage: bool = False) -> LeverStatus:
        if engage:
            await process.bridge.store.move_lever(LeverStatus.ENGAGED, "over night")
        return (await process.bridge.store.lever()).status

    async with new_process(settings) as first:
        assert await lever(first, engage=True) is LeverStatus.ENGAGED
    async with new_process(settings) as second:
        assert await lever(second) is LeverStatus.ENGAGED
