"""A bridge over doubles, and a client of it in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.catalog import Catalog
from bridge.client import AsyncClient
from bridge.engine import Providers
from bridge.settings import Settings
from providers.contract import Fault, Provider, Resolver, StopSource
from tests.cli.doubles import PATH, Break, Signal, ThingProvider, ThingResolver, World


class DoubleProviders(Providers):
    def fault(self, action_id: str) -> Fault:
        return {Break.id: Break()}[action_id]

    def resolver(self, resource_type: str) -> Resolver:
        return {ThingResolver.resource_type: ThingResolver()}[resource_type]

    def stop_source(self, source: str) -> StopSource:
        return {Signal.source: Signal()}[source]

    def provider(self, name: str) -> Provider:
        return ThingProvider(self._settings)


def double_catalog(settings: Settings) -> Catalog:
    return Catalog(
        settings,
        faults={Break.id: Break()},
        resolvers={ThingResolver.resource_type: ThingResolver()},
        stop_sources={Signal.source: Signal()},
    )


def new_process(settings: Settings) -> Process:
    return Process(settings, providers=DoubleProviders, catalog=double_catalog)


@dataclass(frozen=True)
class Here:
    """A running bridge, its client, plain HTTP to it, and the world that it breaks."""

    process: Process
    client: AsyncClient
    http: httpx.AsyncClient
    world: World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    path = tmp_path / "world.json"
    monkeypatch.setenv(PATH, str(path))
    return World(path).create(["one", "two"])


def quick(**given: Any) -> Settings:
    """Settings of a bridge that tests wait for: short pauses, and what is given."""
    return Settings(
        installation="test",
        minimum_duration=timedelta(seconds=1),
        stop_poll=timedelta(seconds=0.05),
        poll_shortest=timedelta(milliseconds=10),
        retry_first=timedelta(milliseconds=10),
        retry_longest=timedelta(milliseconds=20),
        call_lifetime=timedelta(seconds=1),
        **given,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return quick(data=tmp_path / "data")


@pytest.fixture
async def here(world: World, settings: Settings) -> AsyncIterator[Here]:
    async with new_process(settings) as process:
        transport = httpx.ASGITransport(app=create_app(process.bridge))
        async with (
            AsyncClient("http://127.0.0.1", transport=transport) as client,
            httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport) as http,
        ):
            yield Here(process, client, http, world)
            world.set(stubborn=False)
            await process.stop_all("the test is over")
            await process.settled()
