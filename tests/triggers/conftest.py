"""A bridge over doubles that answers over real HTTP, and the handlers' settings for it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.catalog import Catalog
from bridge.client import Client, StartRequest
from bridge.client.documents import ExperimentDetail
from bridge.engine import Providers
from bridge.settings import Settings
from bridge.triggers import trigger
from providers import registry
from providers.contract import Fault, Provider, Resolver, StopSource
from tests.cli.doubles import PATH, Break, Signal, ThingProvider, ThingResolver, World, document
from tests.native_api.conftest import quick

WAIT = "aws:fis:wait"
PATIENCE = 30


class DoubleProviders(Providers):
    def fault(self, action_id: str) -> Fault:
        return Break() if action_id == Break.id else registry.fault(action_id)

    def resolver(self, resource_type: str) -> Resolver:
        return ThingResolver()

    def stop_source(self, source: str) -> StopSource:
        return Signal()

    def provider(self, name: str) -> Provider:
        return ThingProvider(self._settings) if name == "test" else super().provider(name)


def _catalog(settings: Settings) -> Catalog:
    return Catalog(
        settings,
        faults={Break.id: Break(), WAIT: registry.fault(WAIT)},
        resolvers={ThingResolver.resource_type: ThingResolver()},
        stop_sources={Signal.source: Signal()},
    )


def waiting(seconds: int = 1) -> dict[str, Any]:
    """Return a template of a run that touches nothing and completes by itself."""
    action = {"actionId": WAIT, "parameters": {"duration": f"PT{seconds}S"}}
    return {
        "description": "wait",
        "roleArn": "arn:aws:iam::123456789012:role/chaos",
        "stopConditions": [{"source": "none"}],
        "actions": {"rest": action},
    }


@dataclass(frozen=True)
class Bridge:
    """A bridge that answers at an address."""

    url: str
    client: Client
    world: World

    def template(self, seconds: int = 60, *, breaks: bool = False, signal: bool = False) -> str:
        """Store a template; return its id."""
        found = document(seconds=seconds, signal=signal) if breaks else waiting(seconds)
        wanted = {**found, "clientToken": str(uuid4())}
        answer = httpx.post(f"{self.url}/experimentTemplates", json=wanted).raise_for_status()
        return str(answer.json()["experimentTemplate"]["id"])

    def start(self, template_id: str, **tags: str) -> ExperimentDetail:
        return self.client.start(StartRequest(template_id=template_id, tags=tags))

    def ended(self, experiment_id: str) -> ExperimentDetail:
        place = 0
        while True:
            page = self.client.events(experiment_id, after=place, wait=PATIENCE / 2)
            place = page.next
            if page.ended:
                return self.client.experiment(experiment_id)
            assert page.events, "nothing happens"

    def runs_of(self, template_id: str) -> list[ExperimentDetail]:
        page = self.client.experiments(template_id=template_id)
        return [self.client.experiment(one.id) for one in page.experiments]


@contextmanager
def listening(
    settings: Settings, catalog: Callable[[Settings], Catalog] = _catalog
) -> Iterator[str]:
    """Run a bridge in a thread of its own: handlers block."""
    listener = socket.create_server(("127.0.0.1", 0))
    started = threading.Event()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with Process(settings, providers=DoubleProviders, catalog=catalog) as process:
            config = uvicorn.Config(
                create_app(process.bridge), lifespan="off", ws="none", log_config=None
            )
            servers.append(uvicorn.Server(config))
            serving = asyncio.create_task(servers[0].serve(sockets=[listener]))
            while not servers[0].started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.001)
            started.set()
            await serving
            await process.stop_all("the tests are over")
            await process.settled()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    folder = tmp_path_factory.mktemp("bridge")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("FAULTBRIDGE_")]:
            patch.delenv(name)
        patch.setenv(PATH, str(folder / "world.json"))
        world = World(folder / "world.json").create(["one", "two"])
        with listening(quick(data=folder / "data")) as url, Client(url) as client:
            yield Bridge(url, client, world)


SetRules = Callable[..., None]


@pytest.fixture
def rules(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetRules]:
    """Set the handlers up for the bridge, with rules."""
    monkeypatch.setenv("FAULTBRIDGE_URL", bridge.url)
    with _fresh():

        def given(*listed: dict[str, Any]) -> None:
            monkeypatch.setenv("FAULTBRIDGE_TRIGGER_RULES", json.dumps({"rules": listed}))
            _close()

        yield given


@contextmanager
def _fresh() -> Iterator[None]:
    trigger.configured.cache_clear()
    try:
        yield
    finally:
        _close()


def _close() -> None:
    if trigger.configured.cache_info().currsize:
        trigger.configured().client.close()
    trigger.configured.cache_clear()


@dataclass
class Context:
    """An invocation of Lambda with some seconds left."""

    seconds: float = 30
    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    began: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return int((self.began + self.seconds - time.monotonic()) * 1000)


@pytest.fixture
def unreachable(rules: SetRules, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No bridge is where the handlers look for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    rules({"name": "any", "start": {"templateId": "EXT1"}, "eventId": "'one'"})
    monkeypatch.setenv("FAULTBRIDGE_URL", f"http://127.0.0.1:{port}")
