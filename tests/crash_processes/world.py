"""The sandbox process as a case sees it: things to break, and what became of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3

from tests.crash_processes.cloud import EFFECTS, TRANSITION

ROOT: Final = Path(__file__).parents[2]
LASTS: Final = 4
"""Seconds that the instance of a case stays stopped."""


@dataclass(frozen=True)
class Effect:
    """A change of state that a call brought about."""

    at: float
    """Seconds since the epoch."""
    resource: str
    became: str
    """``down``: as a fault wants it; ``up``: as it was before."""


@dataclass
class World:
    """A running sandbox without a bridge."""

    directory: Path
    environment: dict[str, str]
    _ec2: Any = None
    _image: str = ""
    _read: int = 0
    _effects: list[Effect] = field(default_factory=list)

    @property
    def ec2(self) -> Any:
        """A client of the emulated cloud."""
        if self._ec2 is None:
            known = self.environment
            self._ec2 = boto3.client(
                "ec2",
                endpoint_url=known["AWS_ENDPOINT_URL"],
                region_name=known["AWS_REGION"],
                aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
            )
        return self._ec2

    async def launch(self, case: str) -> str:
        """Start an instance of a case's own; return its id when it runs."""
        if not self._image:
            found = await asyncio.to_thread(self.ec2.describe_images)
            self._image = found["Images"][0]["ImageId"]
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "crash", "Value": case}]}]
        made = await asyncio.to_thread(
            self.ec2.run_instances,
            ImageId=self._image,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tags,
        )
        instance = str(made["Instances"][0]["InstanceId"])
        await asyncio.sleep(TRANSITION + 0.1)
        found = await self._instance(instance)
        assert found["State"]["Name"] == "running"
        return instance

    async def _instance(self, instance: str) -> Any:
        found = await asyncio.to_thread(self.ec2.describe_instances, InstanceIds=[instance])
        return found["Reservations"][0]["Instances"][0]

    def effects(self, instance: str, experiment: str) -> dict[str, list[Effect]]:
        """Return what became of the instance and of the run's chaos resource, in order."""
        with (self.directory / EFFECTS).open() as file:
            file.seek(self._read)
            while (line := file.readline()).endswith("\n"):
                self._effects.append(Effect(**json.loads(line)))
                self._read = file.tell()
        chosen = [one for one in self._effects if one.became != "launched"]
        return {
            "instance": [one for one in chosen if one.resource == instance],
            "networkchaos": [one for one in chosen if experiment in one.resource],
        }

    async def left_behind(self, instance: str, experiment: str) -> list[str]:
        """Say what is not as it was before: a stopped instance, a mark, a chaos resource."""
        found = await self._instance(instance)
        left = [] if found["State"]["Name"] == "running" else [found["State"]["Name"]]
        left += [tag["Key"] for tag in found["Tags"] if tag["Key"].startswith("faultbridge:")]
        chaos = self.effects(instance, experiment)["networkchaos"]
        up = [one for one in chaos if one.became == "up"]
        return left + ["networkchaos"] * (len(chaos) - 2 * len(up))


def document(case: str, *, lasts: int = LASTS) -> dict[str, Any]:
    """Return a template that stops the instance of a case and slows down the network of pods."""
    made: dict[str, Any] = json.loads((ROOT / "examples/fis/carts-latency.json").read_text())
    workers = made["targets"]["HalfOfTheWorkers"]
    workers |= {"resourceTags": {"crash": case}, "selectionMode": "ALL"}
    slow, stop, settle = (
        made["actions"][name]["parameters"] for name in ("SlowCarts", "StopWorkers", "Settle")
    )
    slow["kubernetesSpec"] = slow["kubernetesSpec"].replace("180s", "3s")
    slow["maxDuration"] = "PT1M"
    stop["startInstancesAfterDuration"] = f"PT{lasts}S"
    settle["duration"] = "PT1S"
    made["stopConditions"] = [{"source": "none"}]
    return made


@contextmanager
def sandbox(directory: Path) -> Iterator[World]:
    """Run a sandbox for as long as the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash_processes.cloud", str(directory)], cwd=ROOT
    )
    try:
        ready, give_up = directory / "sandbox.env", time.monotonic() + 120
        while not ready.exists():
            assert process.poll() is None, "the sandbox ended"
            assert time.monotonic() < give_up, "the sandbox does not start"
            time.sleep(0.05)
        lines = ready.read_text().splitlines()
        yield World(directory, dict(line.split("=", 1) for line in lines))
    finally:
        process.kill()
        process.wait()
