"""Real processes around the sandbox: a world that goes on, and bridges that come and go."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bridge.client import AsyncClient

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class World:
    """A running sandbox without a bridge."""

    environment: dict[str, str]

    def client(self, service: str) -> Any:
        """Return a client of the emulated cloud."""
        return boto3.client(  # type: ignore[call-overload] # the stubs want a literal name
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def launch(self, case: str) -> str:
        """Start an instance of a case's own; return its id when it runs."""
        with closing(self.client("ec2")) as ec2:
            made = ec2.run_instances(
                ImageId=ec2.describe_images()["Images"][0]["ImageId"],
                MinCount=1,
                MaxCount=1,
                TagSpecifications=[
                    {"ResourceType": "instance", "Tags": [{"Key": "crash", "Value": case}]}
                ],
            )
            (instance,) = made["Instances"]
            ec2.get_waiter("instance_running").wait(
                InstanceIds=[instance["InstanceId"]], WaiterConfig={"Delay": 1}
            )
        return str(instance["InstanceId"])

    def left_behind(self, instance: str, experiment: str) -> list[str]:
        """Say what a case has left: a stopped instance, a mark, a chaos resource."""
        with closing(self.client("ec2")) as ec2:
            ((found,),) = [
                one["Instances"]
                for one in ec2.describe_instances(InstanceIds=[instance])["Reservations"]
            ]
        left = [] if found["State"]["Name"] == "running" else [found["State"]["Name"]]
        left += [tag["Key"] for tag in found["Tags"] if tag["Key"].startswith("faultbridge:")]
        return left + [
            name for name, owner in self.chaos_resources().items() if experiment in owner
        ]

    def chaos_resources(self) -> dict[str, str]:
        """Map the chaos resources of the cluster to their annotations."""
        from kubernetes import client, config  # noqa: PLC0415 - slow, and only here

        api = config.new_client_from_config(self.environment["KUBECONFIG"])
        with api:
            found: Any = client.CustomObjectsApi(api).list_namespaced_custom_object(
                "chaos-mesh.org", "v1alpha1", "default", "networkchaos"
            )
        return {
            one["metadata"]["name"]: json.dumps(one["metadata"].get("annotations", {}))
            for one in found["items"]
        }


def document(case: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "examples/fis/carts-latency.json").read_text())
    workers = document["targets"]["HalfOfTheWorkers"]
    workers |= {"resourceTags": {"crash": case}, "selectionMode": "ALL"}
    slow, stop, settle = (
        document["actions"][name]["parameters"] for name in ("SlowCarts", "StopWorkers", "Settle")
    )
    slow["kubernetesSpec"] = slow["kubernetesSpec"].replace("180s", "3s")
    slow["maxDuration"] = "PT1M"
    stop["startInstancesAfterDuration"] = "PT8S"
    settle["duration"] = "PT1S"
    return document


@asynccontextmanager
async def bridge(
    world: World, data: Path, **settings: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a bridge; yield its process and URL. It is asked to end with SIGTERM.

    ``settings`` are further ones by their variables' names.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bridge.cli", "serve"),
        "--data",
        str(data),
        "--port",
        "0",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            **world.environment,
            "FAULTBRIDGE_CALL_LIFETIME": "PT2S",
            **settings,
        },
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert " ready on " in line, line
    try:
        yield process, line.split(" ready on ")[1].split()[0]
    finally:
        if process.returncode is None:
            process.terminate()
            assert await process.wait() == 0, "a drain ends with 0"
        await process.wait()


async def ended(url: str, experiment: str) -> str:
    async with AsyncClient(url) as client:
        while True:
            found = await client.experiment(experiment)
            if found.status.ended and all(r.ended for r in found.records):
                return found.status.value
            await asyncio.sleep(0.2)


async def until_injected(url: str, experiment: str, records: int) -> None:
    """Wait until a run has so many records, all in effect."""
    async with AsyncClient(url) as client, asyncio.timeout(60):
        while True:
            found = await client.experiment(experiment)
            phases = [record.phase for record in found.records]
            if len(phases) == records and set(phases) == {"injected"}:
                return
            assert not found.status.ended, found.reason
            await asyncio.sleep(0.1)


async def rescue(
    world: World, data: Path, *options: str, installation: str = "sandbox", **settings: str
) -> Any:
    """Run the command; return the document that it prints."""
    process = await rescuing(world, data, *options, installation=installation, **settings)
    output, _ = await process.communicate()
    return json.loads(output)


async def rescuing(
    world: World, data: Path, *options: str, installation: str = "sandbox", **settings: str
) -> asyncio.subprocess.Process:
    """Begin the command; what it says comes by pipes."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bridge.cli", "rescue", "--json", "--data", str(data), *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **{k: v for k, v in os.environ.items() if k != "FAULTBRIDGE_URL"},
            **{k: v for k, v in world.environment.items() if k != "FAULTBRIDGE_URL"},
            "FAULTBRIDGE_INSTALLATION": installation,
            **settings,
        },
    )
