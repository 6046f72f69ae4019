"""Rescue in real processes: beside a database of yesterday, killed half-way, twice at once."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.client import AsyncClient, StartRequest
from tests.crash.processes import World, bridge, ended, rescue, rescuing, until_injected

NEAR = {
    f"FAULTBRIDGE_{cloud}_{what}": ""
    for cloud in ("GCP", "AZURE")
    for what in ("ENDPOINT", "IDENTITIES", "PROJECTS", "SUBSCRIPTIONS")
}
"""Nothing is broken in the other clouds here, and their SDKs take seconds to load."""
ROLE = "arn:aws:iam::123456789012:role/my-fis-role"


def _stop(case: str, *, seconds: int = 300) -> StartRequest:
    """Stop the instances of a case, for longer than its test takes unless that waits for it."""
    return StartRequest(
        template={
            "description": f"Stop the instances of {case}",
            "targets": {
                "Workers": {
                    "resourceType": "aws:ec2:instance",
                    "resourceTags": {"crash": case},
                    "selectionMode": "ALL",
                }
            },
            "actions": {
                "Stop": {
                    "actionId": "aws:ec2:stop-instances",
                    "parameters": {"startInstancesAfterDuration": f"PT{seconds}S"},
                    "targets": {"Instances": "Workers"},
                }
            },
            "stopConditions": [{"source": "none"}],
            "roleArn": ROLE,
        }
    )


async def _started(url: str, case: str, *, records: int = 1, seconds: int = 300) -> str:
    async with AsyncClient(url) as client:
        started = await client.start(_stop(case, seconds=seconds))
    await until_injected(url, started.id, records)
    return started.id


def _states(world: World, case: str) -> list[tuple[str, int]]:
    """Return the state of each instance of a case, and how many marks it bears."""
    named = [{"Name": "tag:crash", "Values": [case]}]
    with closing(world.client("ec2")) as ec2:
        found = ec2.describe_instances(Filters=named)["Reservations"]
    return [
        (one["State"]["Name"], sum(tag["Key"].startswith("faultbridge:") for tag in one["Tags"]))
        for reservation in found
        for one in reservation["Instances"]
    ]


def _mine(said: Any, experiment: str) -> list[str]:
    return [one["verdict"] for one in said["findings"] if one["experiment"] == experiment]


@pytest.mark.slow
async def test_a_database_of_yesterday_and_what_it_does_not_know(
    world: World, tmp_path: Path
) -> None:
    for case in ("ended-since", "known", "unheard-of"):
        await asyncio.to_thread(world.launch, case)
    data, yesterday = tmp_path / "data", tmp_path / "yesterday"
    async with bridge(world, data) as (process, url):
        since, known = await _started(url, "ended-since"), await _started(url, "known")
        process.kill()
        await process.wait()
    shutil.copytree(data, yesterday)
    async with bridge(world, data) as (process, url):
        async with AsyncClient(url) as client:
            await client.stop(since, "enough")
        assert await asyncio.wait_for(ended(url, since), 30) == "stopped"
        unheard_of = await _started(url, "unheard-of")
        process.kill()
        await process.wait()
    assert _states(world, "ended-since") == [("running", 0)]
    assert _states(world, "known") == _states(world, "unheard-of") == [("stopped", 1)]

    shutil.rmtree(data)
    yesterday.rename(data)
    seen = await rescue(world, data, "--dry-run", **NEAR)
    runs = {one["experiment"]: one["run"] for one in seen["findings"]}
    assert (runs[known], runs[unheard_of], since in runs) == ("open", "unknown", False)
    async with bridge(world, data, FAULTBRIDGE_EPOCH="1") as (_, url):
        # What the database believes to be open is undone by the bridge, and nothing more.
        assert await asyncio.wait_for(ended(url, known), 30) == "stopped"
        assert await asyncio.wait_for(ended(url, since), 30) == "stopped"
        assert _states(world, "known") == [("running", 0)]
        assert _states(world, "unheard-of") == [("stopped", 1)]
        done = await rescue(world, data, FAULTBRIDGE_URL=url, **NEAR)
        assert _mine(done, unheard_of) == ["reverted"]
        assert not _mine(done, known)
    for case in ("ended-since", "known", "unheard-of"):
        assert _states(world, case) == [("running", 0)]


async def test_killed_half_way_and_then_twice_at_once(world: World, tmp_path: Path) -> None:
    for _ in range(2):
        await asyncio.to_thread(world.launch, "half-way")
    data = tmp_path / "data"
    async with bridge(world, data) as (process, url):
        experiment = await _started(url, "half-way", records=2)
        process.kill()
        await process.wait()
    shutil.rmtree(data)
    first = await rescuing(world, data, **NEAR)
    assert first.stderr is not None
    while b"its run is unknown" not in (line := await first.stderr.readline()):
        assert line, "it says what it will do before it does it"
    give_up = time.monotonic() + 20
    while ("stopped", 1) in (now := _states(world, "half-way")):
        assert time.monotonic() < give_up
    first.kill()
    await first.wait()
    assert all(marks for _, marks in now), "it had begun, and not ended"
    both = await asyncio.gather(*(rescue(world, data, **NEAR) for _ in range(2)))
    assert _states(world, "half-way") == [("running", 0)] * 2
    for said in both:
        # The second may come so late that it finds no mark any more.
        assert set(_mine(said, experiment)) <= {"reverted"}
    assert any(_mine(said, experiment) for said in both)


@pytest.mark.slow
async def test_another_installation_undoes_by_name_once_the_deadline_has_passed(
    world: World, tmp_path: Path
) -> None:
    await asyncio.to_thread(world.launch, "theirs")
    data = tmp_path / "data"
    quick = {**NEAR, "FAULTBRIDGE_LEASE": "PT1S", "FAULTBRIDGE_CALL_LIFETIME": "PT1S"}
    async with bridge(world, data) as (process, url):
        experiment = await _started(url, "theirs", seconds=8)
        process.kill()
        await process.wait()
    shutil.rmtree(data)
    by_name = ("--installation", "sandbox")
    # Somebody may be undoing for a lease and a call's lifetime after it, 75 s unless set.
    early = await rescue(world, data, *by_name, installation="elsewhere", **NEAR)
    assert _mine(early, experiment) == ["another installation's"]
    assert _states(world, "theirs") == [("stopped", 1)]
    give_up = time.monotonic() + 30
    said = early
    while _mine(said, experiment) != ["reverted"]:
        assert time.monotonic() < give_up
        said = await rescue(world, data, *by_name, installation="elsewhere", **quick)
    assert _states(world, "theirs") == [("running", 0)]
