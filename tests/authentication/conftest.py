"""A bridge behind real HTTP that asks who is calling, and keys for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from pydantic import SecretStr

from bridge.cli.listening import bridge_on
from bridge.model.moment import Micros, micros
from bridge.settings import Settings
from bridge.store import Store, sqlite_url
from iam.access_keys import AccessKey, MasterKeys, new_access_key
from tests.fis_dialect.conftest import check_answer

ACCOUNT = "123456789012"
MASTER_KEY = "2026-11=6f1d2c3b4a5968778695a4b3c2d1e0f0"
MASTER_SECRET = MASTER_KEY.partition("=")[2]


@pytest.fixture(autouse=True)
def everybody_may_do_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Who somebody is is what these tests are about, not what he may do."""
    path = tmp_path / "policies.json"
    path.write_text(
        '{"policies": [{"name": "FaultbridgeAdministrator", "attach": {"principals": ["*"]}}]}'
    )
    monkeypatch.setenv("FAULTBRIDGE_POLICIES", str(path))
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a bridge that takes access keys."""
    return Settings(
        installation="test", data=tmp_path / "data", master_key=(SecretStr(MASTER_KEY),)
    )


@dataclass
class Bridge:
    """A bridge that answers at an address, and its database."""

    settings: Settings
    url: str
    store: Store

    async def key(
        self, name: str = "alice", *groups: str, lasting: timedelta | None = None
    ) -> tuple[AccessKey, str]:
        """Make an access key as the command does; return it and its secret."""
        now = self.store.now()
        expires = None if lasting is None else Micros(now + micros(lasting))
        made = new_access_key(
            MasterKeys.of(self.settings), name=name, groups=groups, now=now, expires_at=expires
        )
        await self.store.add_access_key(made[0])
        return made


@pytest.fixture
async def bridge(settings: Settings) -> AsyncIterator[Bridge]:
    """The bridge, listening on loopback as `faultbridge serve` has it."""
    async with bridge_on(settings, "127.0.0.1", 0, works=False) as url:
        store = Store.open(sqlite_url(settings.data))
        yield Bridge(settings, url, store)
        await store.close()


@pytest.fixture
async def http(bridge: Bridge) -> AsyncIterator[httpx.AsyncClient]:
    """A bare client of it."""
    async with httpx.AsyncClient(base_url=bridge.url) as client:
        yield client


@pytest.fixture
async def key(bridge: Bridge) -> tuple[str, str]:
    """Id and secret of alice's key."""
    made, secret = await bridge.key()
    return made.id, secret


Fis = Callable[..., Any]


@pytest.fixture
def fis(bridge: Bridge) -> Iterator[Fis]:
    """Call an operation with boto3; whatever is answered must fit botocore's shapes."""
    clients = []

    async def call(key: tuple[str, str], operation: str, **arguments: Any) -> Any:
        def called() -> Any:
            client = boto3.client(
                "fis",
                endpoint_url=bridge.url,
                region_name="us-east-1",
                aws_access_key_id=key[0],
                aws_secret_access_key=key[1],
                config=Config(retries={"total_max_attempts": 1}),
            )
            clients.append(client)
            client.meta.events.register("after-call.fis", check_answer)
            return getattr(client, operation)(**arguments)

        return await asyncio.to_thread(called)

    yield call
    for client in clients:
        with closing(client):
            pass


@pytest.fixture
def template() -> dict[str, Any]:
    """Return a document that the bridge accepts."""
    return {
        "description": "wait",
        "roleArn": "arn:aws:iam::123456789012:role/chaos",
        "stopConditions": [{"source": "none"}],
        "targets": {},
        "actions": {"rest": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
        "tags": {"team a/b": "c d+e:é"},
    }
