"""A bridge behind real HTTP, and the real boto3 client, whose every answer is checked."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
import pytest
import uvicorn
from botocore.config import Config
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.api.app import create_app
from bridge.api.bridge import Bridge
from bridge.catalog import Catalog
from bridge.model.experiment import Experiment
from bridge.model.inbox import Request
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from bridge.store import Store
from tests.catalog.doubles import FAULTS, RESOLVERS, STOP_SOURCES

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
_TYPES: Mapping[str, Any] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "timestamp": int | float,
}
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:latency"


class Ledger(Store):
    """The real store, which also tells what was asked of runs."""

    asked: list[Request]

    async def append(self, request: Request) -> None:
        self.asked.append(request)
        await super().append(request)


@dataclass
class Woken:
    """A dispatcher that only remembers."""

    runs: list[str] = field(default_factory=list)

    def wake(self, experiment_id: str) -> None:
        self.runs.append(experiment_id)


@dataclass
class Served:
    """A bridge and where it listens."""

    bridge: Bridge
    store: Ledger
    woken: Woken
    url: str

    def templates(self) -> list[ExperimentTemplate]:
        """Return what is stored."""
        return asyncio.run(self.store.templates(self.bridge.scope))

    def experiments(self) -> list[Experiment]:
        """Return the runs that are stored."""
        return asyncio.run(self.store.experiments(self.bridge.scope))


class Announced(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def new_bridge(settings: Settings | None = None) -> Bridge:
    settings = settings or Settings(installation="test")
    store = Ledger.open("sqlite://", inline=True)
    store.asked = []
    catalog = Catalog(settings, faults=FAULTS, resolvers=RESOLVERS, stop_sources=STOP_SOURCES)
    return Bridge(settings=settings, store=store, catalog=catalog, dispatcher=Woken())


class Switch:
    """The application that is served now: each test has its own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def listening() -> Iterator[tuple[Switch, str]]:
    """Serve a switch on a free port of loopback, and tell its address."""
    switch = Switch()
    config = uvicorn.Config(switch, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = Announced(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.ready.wait(10)
    yield switch, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def served(listening: tuple[Switch, str]) -> Iterator[Served]:
    """Serve a fresh bridge."""
    switch, url = listening
    bridge = new_bridge()
    assert isinstance(bridge.store, Ledger)
    assert isinstance(bridge.dispatcher, Woken)
    switch.app = create_app(bridge)
    yield Served(bridge, bridge.store, bridge.dispatcher, url)
    asyncio.run(bridge.store.close())


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    """Return the session that boto3's clients are made in, which reads the models once."""
    return boto3.session.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )


@pytest.fixture
def fis(served: Served, session: boto3.session.Session) -> Iterator[Any]:
    """Return boto3's client; whatever it is answered must fit botocore's output shapes."""
    client = session.client(
        "fis", endpoint_url=served.url, config=Config(parameter_validation=False)
    )
    client.meta.events.register("after-call.fis", check_answer)
    yield client
    client.close()


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """Return a bare HTTP client of the bridge."""
    with httpx.Client(base_url=served.url) as client:
        yield client


@pytest.fixture
def template() -> dict[str, Any]:
    """Return a document that the bridge accepts."""
    return {
        "description": "stop half of the carts",
        "roleArn": ROLE,
        "stopConditions": [{"source": "aws:cloudwatch:alarm", "value": ALARM}],
        "targets": {
            "carts": {
                "resourceType": "aws:ec2:instance",
                "resourceTags": {"app": "carts", "env": ""},
                "filters": [{"path": "State.Name", "values": ["running"]}],
                "selectionMode": "PERCENT(50)",
            }
        },
        "actions": {
            "stop": {
                "actionId": "aws:ec2:stop-instances",
                "description": "stop them",
                "parameters": {"startInstancesAfterDuration": "PT5M"},
                "targets": {"Instances": "carts"},
            },
            "rest": {
                "actionId": "aws:fis:wait",
                "parameters": {"duration": "PT1M"},
                "startAfter": ["stop"],
            },
        },
        "experimentOptions": {
            "accountTargeting": "single-account",
            "emptyTargetResolutionMode": "skip",
        },
        "tags": {"team": "carts"},
    }


def check_answer(model: Any, http_response: Any, parsed: Any, **_: Any) -> None:
    """Hold an answer against the shape that botocore documents, errors included."""
    if http_response.status_code >= 300:
        assert http_response.headers["x-amzn-errortype"]
        body = json.loads(http_response.content)
        assert set(body) == {"message"}
        assert 1 <= len(body["message"]) <= 1024
        return
    if not http_response.content:
        assert http_response.status_code == 204
        assert not model.output_shape.members
        return
    assert http_response.status_code == 200
    complaints = list(misfits(model.output_shape, json.loads(http_response.content), model.name))
    assert complaints == []


def misfits(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Yield where a JSON value is not what an output shape allows, limits included."""
    wanted = _TYPES[shape.type_name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{path}: {value!r} is no {shape.type_name}"
        return
    yield from _out_of_limits(shape, value, path)
    if shape.type_name == "structure":
        yield from (f"{path}.{n}: unknown" for n in value if n not in shape.members)
        for name in set(value) & set(shape.members):
            yield from misfits(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from misfits(shape.key, name, f"{path}.{name}")
            yield from misfits(shape.value, item, f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from misfits(shape.member, item, f"{path}[{index}]")


def _out_of_limits(shape: Any, value: Any, path: str) -> Iterator[str]:
    limits = shape.metadata
    size = value if isinstance(value, int | float) else len(value)
    if not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{path}: size {size}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{path}: {value} is not in the enum"
    if "pattern" in limits and not _matches(limits["pattern"], value):
        yield f"{path}: {value!r} does not match {limits['pattern']}"


def _matches(pattern: str, text: str) -> bool:
    if r"\p{" not in pattern:
        return re.search(pattern, text) is not None
    return all(unicodedata.category(c)[0] in "LZN" or c in "_.:/=+-@" for c in text)


@pytest.fixture
def create(fis: Any, template: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Create the template with some parts replaced, and return what was answered."""

    def created(**parts: Any) -> dict[str, Any]:
        answer = fis.create_experiment_template(**(template | parts))
        shown: dict[str, Any] = answer["experimentTemplate"]
        return shown

    return created
