"""A bridge that is killed while something is broken in each cloud: all of it is undone."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.client import AsyncClient, StartRequest
from tests.crash.processes import ROOT, World, bridge, ended, rescue, until_injected

MACHINE = "carts-worker-4"
RESOURCES = 4
"""One in each cloud, and one chaos resource."""


def _document(case: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "examples/fis/three-clouds.json").read_text())
    document["targets"]["AwsWorker"] |= {"resourceTags": {"crash": case}, "selectionMode": "ALL"}
    names = {
        "GoogleWorker": "//compute.googleapis.com/projects/faultbridge-sandbox"
        f"/zones/us-central1-a/instances/{MACHINE}",
        "AzureWorker": "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/sandbox"
        f"/providers/Microsoft.Compute/virtualMachines/{MACHINE}",
    }
    for target, name in names.items():
        kind = document["targets"][target]["resourceType"]
        document["targets"][target] = {
            "resourceType": kind,
            "resourceArns": [name],
            "selectionMode": "ALL",
        }
    return document


def _states(world: World, instance: str) -> list[str]:
    """Return what the clouds themselves say of the three machines."""
    from azure.core.pipeline.policies import HeadersPolicy  # noqa: PLC0415 - slow, and only here
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - the same
    from azure.mgmt.compute import ComputeManagementClient  # noqa: PLC0415 - the same
    from google.cloud import compute_v1  # noqa: PLC0415 - the same
    from google.oauth2.credentials import Credentials  # noqa: PLC0415 - the same

    known = world.environment
    with (
        closing(world.client("ec2")) as ec2,
        compute_v1.InstancesClient(
            credentials=Credentials(known["GOOGLE_SANDBOX_TOKEN"]),  # type: ignore[no-untyped-call] # google-auth annotates half of itself
            client_options={"api_endpoint": known["FAULTBRIDGE_GCP_ENDPOINT"]},
        ) as google,
        ComputeManagementClient(
            DefaultAzureCredential(),
            known["AZURE_SUBSCRIPTION_ID"],
            base_url=known["FAULTBRIDGE_AZURE_ENDPOINT"],
            authentication_policy=HeadersPolicy(
                {"Authorization": f"Bearer {known['AZURE_SANDBOX_TOKEN']}"}
            ),
        ) as azure,
    ):
        described = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        there = google.get(
            project=known["GOOGLE_CLOUD_PROJECT"], zone="us-central1-a", instance=MACHINE
        )
        view = azure.virtual_machines.instance_view("sandbox", MACHINE)
        codes = [str(status.code) for status in view.statuses or ()]
        return [described[0]["Instances"][0]["State"]["Name"], there.status, codes[-1]]


BROKEN = ["stopped", "TERMINATED", "PowerState/stopped"]
WHOLE = ["running", "RUNNING", "PowerState/running"]


async def _killed(world: World, case: str, data: Path) -> tuple[str, str]:
    """Break something in each cloud and kill the bridge; return the instance and the run."""
    instance = await asyncio.to_thread(world.launch, case)
    async with bridge(world, data) as (process, url):
        async with AsyncClient(url) as client:
            started = await client.start(StartRequest(template=_document(case)))
        await until_injected(url, started.id, RESOURCES)
        process.kill()
        await process.wait()
    assert await asyncio.to_thread(_states, world, instance) == BROKEN
    return instance, started.id


async def test_the_next_bridge_undoes_what_a_killed_one_left(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    instance, experiment = await _killed(world, "killed-in-clouds", data)
    async with bridge(world, data) as (_, url), AsyncClient(url) as client:
        await client.stop(experiment, "enough")
        assert await asyncio.wait_for(ended(url, experiment), 60) == "stopped"
    assert await asyncio.to_thread(_states, world, instance) == WHOLE


@pytest.mark.slow
async def test_rescue_finds_the_marks_in_every_cloud(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    instance, experiment = await _killed(world, "lost-in-clouds", data)
    shutil.rmtree(data)
    done = await rescue(world, data)
    mine = [one for one in done["findings"] if experiment in one["mark"]]
    assert [one["verdict"] for one in mine] == ["reverted"] * RESOURCES, done
    assert await asyncio.to_thread(_states, world, instance) == WHOLE
    again = await rescue(world, data, "--dry-run")
    assert not [one for one in again["findings"] if experiment in one["mark"]]
