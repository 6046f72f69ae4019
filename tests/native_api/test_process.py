"""One bridge process after another on the same data."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from bridge.api.app import create_app
from bridge.api.process import RESTORED, Process, StartError
from bridge.client import AsyncClient, StartRequest
from bridge.client.documents import ExperimentDetail
from bridge.model.experiment import ExperimentStatus
from bridge.model.moment import micros
from bridge.settings import Settings
from bridge.store import DirectoryInUseError
from tests.cli.doubles import World, document
from tests.native_api.conftest import new_process


def client_of(process: Process) -> AsyncClient:
    transport = httpx.ASGITransport(app=create_app(process.bridge))
    return AsyncClient("http://127.0.0.1", transport=transport)


async def broken_and_drained(settings: Settings, world: World) -> str:
    """Start a run of a minute, and leave its process while the things are broken."""
    async with new_process(settings) as process, client_of(process) as client:
        started = await client.start(StartRequest(template=document()))
        while world.states != ["broken", "broken"]:
            await client.events(started.id, wait=0.01)
        return started.id


async def finished(process: Process, experiment_id: str) -> ExperimentDetail:
    async with asyncio.timeout(20):  # far less than a lease or a fault lasts here
        await process.settled()
    async with client_of(process) as client:
        return await client.experiment(experiment_id)


async def test_faults_outlive_a_drain_and_the_next_process_ends_them(
    settings: Settings, world: World
) -> None:
    experiment = await broken_and_drained(settings, world)
    assert world.states == ["broken", "broken"]
    async with new_process(settings) as process:
        async with client_of(process) as client:
            found = await client.experiment(experiment)
            assert found.status is ExperimentStatus.RUNNING
            await client.stop(experiment)
        found = await finished(process, experiment)
    assert found.status is ExperimentStatus.STOPPED
    assert world.states == ["whole", "whole"]


async def test_a_dead_predecessors_leases_are_taken_at_once(
    settings: Settings, world: World
) -> None:
    experiment = await broken_and_drained(settings, world)
    hour = settings.model_copy(update={"lease": timedelta(hours=1)})
    async with new_process(settings) as process:
        await process.drain()
        await process.stop_all("while nobody works")
        held = await process.bridge.store.claim(
            experiment, owner="the dead", lease=micros(hour.lease)
        )
        assert held
    async with new_process(settings) as process:
        assert (await finished(process, experiment)).status is ExperimentStatus.STOPPED
    assert world.states == ["whole", "whole"]


async def test_a_restored_database_only_undoes(settings: Settings, world: World) -> None:
    experiment = await broken_and_drained(settings, world)
    restored = settings.model_copy(update={"epoch": 1})
    async with new_process(restored) as process:
        found = await finished(process, experiment)
    assert (found.status, found.reason) == (ExperimentStatus.STOPPED, RESTORED)
    assert world.states == ["whole", "whole"]


async def test_one_process_per_data_directory(settings: Settings, world: World) -> None:
    async with new_process(settings):
        with pytest.raises(DirectoryInUseError, match="FAULTBRIDGE_URL"):
            await new_process(settings).__aenter__()
    async with new_process(settings):
        pass


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"installation": ""}, "FAULTBRIDGE_INSTALLATION is not set"),
        ({"database": "nonsense://user:secret@nowhere/x"}, "FAULTBRIDGE_DATABASE cannot be"),
        ({"data": ""}, "cannot be used"),
    ],
)
async def test_what_keeps_it_from_starting_is_named(
    settings: Settings, world: World, change: dict[str, str], words: str
) -> None:
    if "data" in change:
        changed = settings.model_copy(update={"data": world.path})
    else:
        changed = settings.model_copy(update=change)
    with pytest.raises(StartError, match=words) as refused:
        await new_process(changed).__aenter__()
    assert "secret" not in str(refused.value)


async def test_there_is_no_bridge_before_it_is_entered(settings: Settings) -> None:
    with pytest.raises(RuntimeError):
        _ = new_process(settings).bridge
