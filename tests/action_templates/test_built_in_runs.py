"""Every built-in action template, run to its end in the sandbox through the AWS SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.catalog.action_templates import built_ins
from bridge.cli.connection import load_settings
from bridge.cli.listening import bridge_on
from bridge.client import AsyncClient
from bridge.sandbox.world import World

NEEDED = {
    "dns-error": {"pattern": "payments.example.com"},
    "io-fault": {"volumePath": "/data"},
    "io-latency": {"volumePath": "/data"},
    "jvm-exception": {"class": "works.weave.socks.cart.Cart", "method": "add"},
    "network-partition": {"targetNamespace": "sock-shop", "targetLabels": "name=carts-db"},
}
"""What a template asks for beside namespace and labels."""
APART = {"pod-kill": "user", "pod-failure": "payment"}
"""Those that take pods away are kept from the pods of the others."""


@dataclass(frozen=True)
class Sandbox:
    """The world, and the bridge that works on it."""

    world: World
    url: str

    async def fis(self, operation: str, **request: Any) -> dict[str, Any]:
        """Ask the bridge through the AWS SDK."""

        def ask() -> dict[str, Any]:
            with closing(self.world.client("fis", self.url)) as client:
                return dict(getattr(client, operation)(**request))

        return await asyncio.to_thread(ask)


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    async with World(transition_seconds=0.2) as world:
        for name, value in world.environment().items():
            monkeypatch.setenv(name, value)
        async with bridge_on(load_settings(tmp_path), "127.0.0.1", 0) as url:
            yield Sandbox(world, url)


async def _until(holds: Callable[[], Any], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is awaited is on the other side of HTTP
            await asyncio.sleep(0.2)


def _action(name: str) -> dict[str, Any]:
    parameters = built_ins()[name].newest.template.parameters
    given = {
        "namespace": "sock-shop",
        "labels": f"name={APART.get(name, 'carts')}",
        **NEEDED.get(name, {}),
    }
    if "duration" in parameters:
        given["duration"] = "10s"
    assert {one for one, known in parameters.items() if known.required} <= given.keys()
    return {
        "actionId": built_ins()[name].newest.reference.alias,
        "parameters": {**given, "maxDuration": "PT2M"},
        "targets": {"Cluster": "shop"},
    }


async def test_each_runs_to_its_end(sandbox: Sandbox) -> None:
    kinds: set[str] = set()
    runs: dict[str, str] = {}
    for name in built_ins():
        action = _action(name)
        made = await sandbox.fis(
            "create_experiment_template",
            clientToken=name,
            description=name,
            targets={
                "shop": {
                    "resourceType": "aws:eks:cluster",
                    "resourceArns": [sandbox.world.estate.cluster_arn],
                    "selectionMode": "ALL",
                }
            },
            actions={"act": action},
            stopConditions=[{"source": "none"}],
            roleArn=sandbox.world.estate.role_arn,
        )
        assert made["experimentTemplate"]["actions"]["act"] == action
        template = made["experimentTemplate"]["id"]
        started = await sandbox.fis("start_experiment", experimentTemplateId=template)
        runs[name] = started["experiment"]["id"]
        assert started["experiment"]["actions"]["act"]["actionId"] == action["actionId"]

    store = sandbox.world.cluster.emulator.store

    async def all_have_ended() -> bool:
        kinds.update(
            found["kind"]
            for key in store.keys()  # noqa: SIM118 - no dict
            if key.group == "chaos-mesh.org" and (found := store.get(key)) is not None
        )
        states = [await sandbox.fis("get_experiment", id=run) for run in runs.values()]
        return all(
            one["experiment"]["state"]["status"] in ("completed", "failed", "stopped")
            for one in states
        )

    await _until(all_have_ended)
    async with AsyncClient(sandbox.url) as client:
        for name, run in runs.items():
            detail = await client.experiment(run)
            assert detail.status == "completed", (name, detail.failure, detail.errors)
            assert detail.actions[0].action_template == f"{name}@1"
            events = (await client.events(run)).events
            named = [one.details.get("action_template") for one in events]
            assert named.count(f"{name}@1") == 2  # its start and its end
            assert [record.phase.value for record in detail.records] == ["reverted"]
    assert kinds == {one.newest.template.kind for one in built_ins().values()}
    left = [key for key in store.keys() if key.group == "chaos-mesh.org"]  # noqa: SIM118 - no dict
    assert left == []
