"""A bridge over doubles that hears signals, and an SNS on loopback that certifies them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from pydantic import SecretStr

from bridge.api.app import create_app
from bridge.api.fetching import HttpsFetch
from bridge.api.process import Process
from bridge.catalog import Catalog
from bridge.client import AsyncClient
from bridge.client.documents import ExperimentDetail, StartRequest
from bridge.engine import Providers
from bridge.settings import Settings
from providers import registry
from providers.contract import Fault, Provider, Resolver, StopSource
from tests.cli.doubles import PATH, Break, Signal, ThingProvider, ThingResolver, World, document
from tests.native_api.conftest import quick
from tests.signals.senders import TOPIC, Sns

TOKEN = "a-token-that-nobody-guesses"
OTHER = "another-token-for-rotation"


class Alarm(Signal):
    """The double that can be read, under the name of a CloudWatch alarm."""

    source = "aws:cloudwatch:alarm"


STOPS: dict[str, StopSource] = {
    name: Alarm() if name == Alarm.source else registry.stop_source(name)
    for name in registry.STOP_SOURCES
}


class DoubleProviders(Providers):
    def fault(self, action_id: str) -> Fault:
        return {Break.id: Break()}[action_id]

    def resolver(self, resource_type: str) -> Resolver:
        return {ThingResolver.resource_type: ThingResolver()}[resource_type]

    def stop_source(self, source: str) -> StopSource:
        return STOPS[source]

    def provider(self, name: str) -> Provider:
        return ThingProvider(self._settings)


@dataclass
class Aws:
    """What SNS's host answers, over TLS on loopback, and what it was asked."""

    sns: Sns
    asked: list[str] = field(default_factory=list)
    status: str = "200 OK"
    body: bytes | None = None
    location: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = next(line for line in head.splitlines() if line.lower().startswith("host:"))
        self.asked.append(f"{host.split(' ')[1]} {head.splitlines()[0]}")
        body = self.sns.pem if self.body is None else self.body
        location = f"location: {self.location}\r\n" if self.location else ""
        writer.write(
            f"HTTP/1.1 {self.status}\r\n{location}content-length: {len(body)}\r\n"
            f"connection: close\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()
        writer.close()


class ToLoopback(httpx.AsyncHTTPTransport):
    """Sends whatever goes to AWS to a port here; names and TLS stay as they are."""

    def __init__(self, port: int, authority: trustme.CA) -> None:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        super().__init__(verify=context, trust_env=False)
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


@dataclass(frozen=True)
class Here:
    """A running bridge, plain HTTP to it, its client, and the world that it breaks."""

    process: Process
    client: AsyncClient
    http: httpx.AsyncClient
    world: World
    aws: Aws

    async def push(self, body: Any, *, token: str | None = TOKEN, **options: Any) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.http.post("/v1/signals", json=body, headers=headers, **options)

    async def run(self, *conditions: tuple[str, str], broken: bool = True) -> str:
        """Start a run that waits for conditions; return its id once things are broken."""
        conditions_written = [{"source": one, "value": value} for one, value in conditions]
        template = {**document(seconds=3600), "stopConditions": conditions_written}
        started = await self.client.start(StartRequest(template=template))
        if broken:
            await self.until(started.id, lambda _: set(self.world.states) == {"broken"})
        return started.id

    async def until(self, run: str, holds: Any) -> ExperimentDetail:
        async with asyncio.timeout(60):
            while True:
                detail = await self.client.experiment(run)
                if holds(detail):
                    return detail
                await asyncio.sleep(0.01)

    async def ended(self, run: str) -> ExperimentDetail:
        return await self.until(run, lambda detail: detail.status.ended)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    path = tmp_path / "world.json"
    monkeypatch.setenv(PATH, str(path))
    return World(path).create(["one", "two"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return quick(
        data=tmp_path / "data",
        signal_tokens=(SecretStr(TOKEN), SecretStr(OTHER)),
        signal_topics=(TOPIC,),
    )


@pytest.fixture
async def here(world: World, settings: Settings) -> AsyncIterator[Here]:
    authority = trustme.CA()
    aws = Aws(Sns(datetime.now(UTC)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("sns.us-east-1.amazonaws.com").configure_cert(context)
    server = await asyncio.start_server(aws.answer, "127.0.0.1", 0, ssl=context)
    fetch = HttpsFetch(ToLoopback(server.sockets[0].getsockname()[1], authority))

    def catalog(known: Settings) -> Catalog:
        resolvers = {ThingResolver.resource_type: ThingResolver()}
        return Catalog(known, faults={Break.id: Break()}, resolvers=resolvers, stop_sources=STOPS)

    async with server, Process(settings, providers=DoubleProviders, catalog=catalog) as process:
        app = create_app(replace(process.bridge, fetch=fetch))
        transport = httpx.ASGITransport(app=app)
        async with (
            AsyncClient("http://127.0.0.1", transport=transport) as client,
            httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport) as http,
        ):
            yield Here(process, client, http, world, aws)
            await process.stop_all("the test is over")
            await process.settled()
