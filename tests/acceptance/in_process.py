"""The whole sandbox and a bridge in the test's own process, asked through the AWS SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.connection import load_settings
from bridge.cli.listening import bridge_on
from bridge.sandbox.world import World


@dataclass(frozen=True)
class Sandbox:
    """The world, and the bridge that works on it."""

    world: World
    url: str

    async def instances(self) -> list[str]:
        """Return the state of each instance."""

        def read() -> list[str]:
            with closing(self.world.client("ec2")) as ec2:
                return [
                    instance["State"]["Name"]
                    for reservation in ec2.describe_instances()["Reservations"]
                    for instance in reservation["Instances"]
                ]

        return await asyncio.to_thread(read)

    async def fis(self, operation: str, **request: Any) -> dict[str, Any]:
        """Ask the bridge through the AWS SDK."""

        def ask() -> dict[str, Any]:
            with closing(self.world.client("fis", self.url)) as client:
                return dict(getattr(client, operation)(**request))

        return await asyncio.to_thread(ask)

    async def status(self, experiment: str) -> str:
        """Return how a run stands."""
        found = await self.fis("get_experiment", id=experiment)
        return str(found["experiment"]["state"]["status"])


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    async with World(transition_seconds=0.2) as world:
        for name, value in world.environment().items():
            monkeypatch.setenv(name, value)
        async with bridge_on(load_settings(tmp_path), "127.0.0.1", 0) as url:
            yield Sandbox(world, url)


async def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is awaited is on the other side of HTTP
            await asyncio.sleep(0.05)
