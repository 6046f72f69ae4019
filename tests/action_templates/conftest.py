"""A bridge with everything that it can do, behind real HTTP, and the clients that users have."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from bridge.api.app import create_app
from bridge.api.bridge import Bridge
from bridge.catalog import Catalog
from bridge.client import Client
from bridge.settings import Settings
from bridge.store import Store
from tests.fis_dialect.conftest import Switch, Woken, check_answer, listening, session

__all__ = ["listening", "session"]

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/shop"


@dataclass(frozen=True)
class Served:
    """A bridge and where it listens."""

    bridge: Bridge
    store: Store
    url: str


@pytest.fixture
def served(listening: tuple[Switch, str], tmp_path: Path) -> Iterator[Served]:
    """Serve a fresh bridge that starts runs but never advances them."""
    switch, url = listening
    settings = Settings(installation="test")
    store = Store.open(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    bridge = Bridge(settings, store, Catalog(settings), Woken())
    switch.app = create_app(bridge)
    yield Served(bridge, store, url)
    asyncio.run(store.close())


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    """Return the native API's client."""
    with Client(served.url) as made:
        yield made


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """Return a bare HTTP client of the bridge."""
    with httpx.Client(base_url=served.url) as made:
        yield made


@pytest.fixture
def fis(served: Served, session: boto3.session.Session) -> Iterator[Any]:
    """Return boto3's client; whatever it is answered must fit botocore's output shapes."""
    made = session.client("fis", endpoint_url=served.url, config=Config(parameter_validation=True))
    made.meta.events.register("after-call.fis", check_answer)
    yield made
    made.close()


def experiment(action_id: str, parameters: dict[str, str], **action: Any) -> dict[str, Any]:
    """Return a FIS template of one action that names an action template."""
    return {
        "description": "slow checkout down",
        "roleArn": ROLE,
        "stopConditions": [{"source": "none"}],
        "targets": {
            "shop": {
                "resourceType": "aws:eks:cluster",
                "resourceArns": [CLUSTER],
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "slow": {
                "actionId": action_id,
                "parameters": parameters,
                "targets": {"Cluster": "shop"},
                **action,
            }
        },
    }
