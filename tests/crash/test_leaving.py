"""What stays when a bridge leaves: faults for its successor, and marks for when there is none."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.client import AsyncClient, StartRequest
from tests.crash.processes import World, bridge, document, ended, rescue, until_injected


def _long(case: str) -> dict[str, Any]:
    made = document(case)
    made["actions"]["StopWorkers"]["parameters"]["startInstancesAfterDuration"] = "PT9S"
    slow = made["actions"]["SlowCarts"]["parameters"]
    slow["kubernetesSpec"] = slow["kubernetesSpec"].replace('"3s"', '"50s"')
    return made


def _state(world: World, instance: str) -> str:
    with closing(world.client("ec2")) as ec2:
        found = ec2.describe_instances(InstanceIds=[instance])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


async def test_sigterm_leaves_faults_to_the_next_process_which_keeps_the_deadline(
    world: World, tmp_path: Path
) -> None:
    instance = await asyncio.to_thread(world.launch, "drain")
    async with bridge(world, tmp_path / "data") as (_, url):
        async with AsyncClient(url) as client:
            started = await client.start(StartRequest(template=_long("drain")))
        await until_injected(url, started.id, 2)
    # The context ended it with SIGTERM, and it answered with exit code 0.
    assert await asyncio.to_thread(_state, world, instance) == "stopped"
    async with bridge(world, tmp_path / "data") as (_, url), AsyncClient(url) as client:
        async with asyncio.timeout(30):
            while True:
                found = await client.experiment(started.id)
                action = next(a for a in found.actions if a.name == "StopWorkers")
                if action.ended_at is not None:
                    break
                await asyncio.sleep(0.1)
        assert action.started_at is not None
        assert 9 <= (action.ended_at - action.started_at).total_seconds() < 15
        await client.stop(started.id, "enough")
        assert await asyncio.wait_for(ended(url, started.id), 30) == "stopped"
    assert await asyncio.to_thread(world.left_behind, instance, started.id) == []


@pytest.mark.slow
async def test_rescue_undoes_by_marks_alone_when_the_database_is_lost(
    world: World, tmp_path: Path
) -> None:
    instance = await asyncio.to_thread(world.launch, "lost")
    data = tmp_path / "data"
    async with bridge(world, data) as (process, url):
        async with AsyncClient(url) as client:
            started = await client.start(StartRequest(template=_long("lost")))
        await until_injected(url, started.id, 2)
        process.kill()
        await process.wait()
    shutil.rmtree(data)
    before = await asyncio.to_thread(world.left_behind, instance, started.id)
    assert before[0] == "stopped"
    assert len(before) == 3, "a stopped instance, its mark, and a chaos resource"

    # Another installation lists what it finds, and touches nothing.
    others = await rescue(world, data, installation="elsewhere")
    mine = [one for one in others["findings"] if started.id in one["mark"]]
    assert {one["verdict"] for one in mine} == {"another installation's"}
    assert len(mine) == 2
    assert await asyncio.to_thread(world.left_behind, instance, started.id) == before

    dry = await rescue(world, data, "--dry-run")
    mine = [one for one in dry["findings"] if started.id in one["mark"]]
    assert {one["verdict"] for one in mine} == {"would revert"}
    assert await asyncio.to_thread(world.left_behind, instance, started.id) == before

    done = await rescue(world, data)
    mine = [one for one in done["findings"] if started.id in one["mark"]]
    assert {one["verdict"] for one in mine} == {"reverted"}
    assert await asyncio.to_thread(world.left_behind, instance, started.id) == []
