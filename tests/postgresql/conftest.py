"""Processes of one bridge on one PostgreSQL: one that only answers, and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.client import AsyncClient
from bridge.settings import Settings
from bridge.store.database import open_engine
from tests.cli.doubles import PATH, World
from tests.native_api.conftest import DoubleProviders, double_catalog, quick


@dataclass
class House:
    """Processes by need, all on one database; closed in the end."""

    settings: Settings
    world: World
    stack: AsyncExitStack
    processes: list[Process] = field(default_factory=list)

    async def process(self, *, works: bool, **change: Any) -> Process:
        """Begin another process."""
        made = Process(
            self.settings.model_copy(update=change),
            providers=DoubleProviders,
            catalog=double_catalog,
            works=works,
        )
        self.processes.append(await self.stack.enter_async_context(made))
        return made

    async def client(self, process: Process) -> AsyncClient:
        """Return a client of one of them."""
        transport = httpx.ASGITransport(app=create_app(process.bridge))
        return await self.stack.enter_async_context(
            AsyncClient("http://127.0.0.1", transport=transport)
        )

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement beside the bridge."""
        engine = open_engine(self.settings.database)
        with engine.begin() as connection:
            done = connection.execute(sa.text(statement), values)
            rows = list(done.all()) if done.returns_rows else []
        engine.dispose()
        return rows


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    path = tmp_path / "world.json"
    monkeypatch.setenv(PATH, str(path))
    return World(path).create(["one", "two"])


@pytest.fixture
async def house(postgresql_url: str, world: World) -> AsyncIterator[House]:
    settings = quick(database=postgresql_url)
    async with AsyncExitStack() as stack:
        yield House(settings, world, stack)
