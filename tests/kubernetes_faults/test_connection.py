"""How requests travel: guard, time limits, certificates, tokens, and what errors may say."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from bridge.settings import Settings
from providers.contract import (
    Effect,
    FenceLostError,
    Guard,
    ProviderError,
    TransientError,
)
from providers.kubernetes import api
from providers.kubernetes import provider as provider_module
from providers.kubernetes.api import ApiServer
from providers.kubernetes.eks import ClusterArn
from providers.kubernetes.provider import KubernetesProvider

Start = Callable[..., Any]
Answer = Callable[[int], bytes]


class Held(Guard):
    """A guard that lets some checks pass, and then says that the lease is over."""

    def __init__(self, passes: int) -> None:
        super().__init__(deadline=0)
        self.passes = passes

    def check(self) -> None:
        self.passes -= 1
        if self.passes < 0:
            raise FenceLostError


async def test_without_the_lease_nothing_is_created(cluster: Any, start: Start) -> None:
    run = await start(guard=Held(0))
    assert await run.review() == []  # reads ask nobody
    assert (await run.prepare()).kind == "done"
    with pytest.raises(FenceLostError):
        await run.inject()
    assert cluster.all_chaos() == []


async def test_without_the_lease_nothing_is_removed(cluster: Any, start: Start) -> None:
    run = await start(guard=Held(1))
    await run.start()
    await run.until(Effect.PRESENT)
    with pytest.raises(FenceLostError):
        await run.revert()
    assert "deletionTimestamp" not in cluster.one()["metadata"]


@contextlib.asynccontextmanager
async def served(answer: Callable[[int, bytes], Awaitable[bytes]]) -> AsyncIterator[ApiServer]:
    """An API server of one's own making: plain HTTP, one answer per request on a connection.

    ``answer(number of the connection, request)``; an empty answer closes the connection.
    """
    from kubernetes.aio.client.configuration import Configuration  # noqa: PLC0415 - slow

    handlers: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        mine = len(handlers)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [
                    int(line[15:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ]
                await reader.readexactly(sum(length))
                body = await answer(mine, head)
                if not body:
                    break
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = ApiServer("toy", Configuration(host=f"http://127.0.0.1:{port}"))
    async with listening:
        yield server
        await server.close()
        for task in filter(None, handlers):
            task.cancel()
        await asyncio.gather(*filter(None, handlers), return_exceptions=True)


def http(status: int, body: object) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text)


async def test_the_guard_is_asked_on_every_attempt() -> None:
    """The transport repeats a DELETE on a new connection when a kept one was closed."""
    seen: list[bytes] = []

    async def answer(connection: int, request: bytes) -> bytes:
        seen.append(request.split()[0])
        return http(200, {}) if len(seen) == 1 or connection > 1 else b""

    async with served(answer) as server:
        await server.request("GET", "/a", authorization="")
        guard = Held(1)
        with pytest.raises(FenceLostError):
            await server.request("DELETE", "/a", authorization="", guard=guard)
    assert seen == [b"GET", b"DELETE"]
    assert guard.passes == -1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_no_redirect_is_followed(status: int, method: str) -> None:
    """Whoever owns a cluster must not choose what else the bridge asks."""
    seen: list[bytes] = []

    def reached(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(b"inner")
        writer.close()

    inner = await asyncio.start_server(reached, "127.0.0.1", 0)
    to = f"http://127.0.0.1:{inner.sockets[0].getsockname()[1]}/latest/meta-data/"

    async def answer(_connection: int, request: bytes) -> bytes:
        seen.append(request.split()[0])
        return b"HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, to.encode())

    async with inner, served(answer) as server:
        with pytest.raises(ProviderError, match="a redirect, which is not followed") as caught:
            await server.request(method, "/a", authorization="Bearer secret-of-the-bridge")
    assert caught.value.code == "Redirect"
    assert "meta-data" not in str(caught.value)
    assert seen == [method.encode()]


async def test_a_post_is_never_repeated() -> None:
    seen: list[bytes] = []

    async def answer(_connection: int, request: bytes) -> bytes:
        seen.append(request.split()[0])
        return http(200, {}) if len(seen) == 1 else b""

    async with served(answer) as server:
        await server.request("GET", "/a", authorization="")
        with pytest.raises(TransientError, match="cannot be reached"):
            await server.request("POST", "/a", authorization="", body={})
    assert seen == [b"GET", b"POST"]


async def test_a_server_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "READ_LIMIT", 0.1)

    async def answer(_connection: int, _request: bytes) -> bytes:
        await asyncio.sleep(1)
        return b""

    async with served(answer) as server:
        with pytest.raises(TransientError, match="toy did not answer in time"):
            await server.request("POST", "/a", authorization="")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_pass_is_transient(status: int) -> None:
    async def answer(_connection: int, _request: bytes) -> bytes:
        return http(status, {"message": "busy"})

    async with served(answer) as server:
        with pytest.raises(TransientError, match=f"toy answered {status}: busy"):
            await server.request("POST", "/a", authorization="")


async def test_errors_are_short_and_hold_no_token() -> None:
    async def answer(_connection: int, request: bytes) -> bytes:
        return http(403, {"message": "no\n" * 10_000, "reason": "Forbidden"})

    async with served(answer) as server:
        with pytest.raises(ProviderError) as refused:
            await server.request("GET", "/a", authorization="Bearer secret")
        assert len(str(refused.value)) <= 300
        assert "\n" not in str(refused.value)
        assert refused.value.code == "Forbidden"


async def test_a_server_that_is_not_there() -> None:
    from kubernetes.aio.client.configuration import Configuration  # noqa: PLC0415 - slow

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = ApiServer("toy", Configuration(host=f"http://127.0.0.1:{port}"))
    with pytest.raises(TransientError, match="toy cannot be reached") as unreachable:
        await server.request("GET", "/a", authorization="Bearer secret")
    assert "secret" not in str(unreachable.value)
    await server.close()


@pytest.mark.parametrize("body", ["[1]", "nonsense", "", "[" * 100_000])
async def test_an_answer_that_is_no_object_is_an_empty_one(body: str) -> None:
    async def answer(_connection: int, _request: bytes) -> bytes:
        return b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body.encode())

    async with served(answer) as server:
        assert (await server.request("GET", "/a", authorization="")).body == {}


async def test_another_ca_is_refused(aws: Any, cluster: Any, start: Start) -> None:
    import trustme  # noqa: PLC0415 - only here

    other = trustme.CA().cert_pem.bytes().decode()
    aws.set_cluster_endpoint("sandbox", endpoint=cluster.api.url, ca_pem=other)
    with pytest.raises(ProviderError, match="certificate") as refused:
        await (await start()).prepare()
    assert not isinstance(refused.value, TransientError)


async def test_the_cluster_is_looked_up_as_the_bridge_and_spoken_with_as_the_role(
    aws: Any, cluster: Any, start: Start
) -> None:
    aws.forget_calls()
    run = await start(name="EXPsession")
    await run.prepare()
    described = [call for call in aws.calls if call.operation == "DescribeCluster"]
    assumed = [call for call in aws.calls if call.operation == "AssumeRole"]
    assert (len(described), len(assumed)) == (1, 1)
    await run.inject()
    await run.observe()
    assert len([call for call in aws.calls if call.operation == "DescribeCluster"]) == 1


async def test_a_token_is_a_short_lived_signature_for_this_cluster(
    provider: KubernetesProvider, caller: Any, estate: Any
) -> None:
    arn = ClusterArn.parse(estate.cluster_arn)
    assert arn is not None
    token = await provider._eks.token(arn, caller())
    text = token.removeprefix("k8s-aws-v1.")
    assert "=" not in text
    url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    assert query["Action"] == "GetCallerIdentity"
    assert 60 <= int(query["X-Amz-Expires"]) <= 900
    assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"].split(";")


async def test_a_token_is_kept_and_renewed_in_time(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start()
    made = await run.session.cluster(run.record.state["cluster"])
    first = await made.authorize(False)
    assert await made.authorize(False) == first
    assert await made.authorize(True) == first  # just made: its age is not what is refused
    monkeypatch.setattr(provider_module, "_TOO_FRESH", -1.0)
    await asyncio.sleep(1.01)  # a signature has whole seconds
    assert await made.authorize(True) != first


async def test_after_a_401_a_newer_token_is_tried_once(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start()
    await run.prepare()
    ((key, (_, since)),) = provider._tokens.items()
    provider._tokens[key] = ("k8s-aws-v1.bm9uc2Vuc2U", since - 120)
    assert (await run.inject()).kind == "pending"


@pytest.mark.parametrize(
    "cluster_id",
    ["", "sandbox", "arn:aws:eks:us-east-1:123456789012:nodegroup/x", "arn:aws:s3:::b"],
)
async def test_what_names_no_cluster(provider: Any, caller: Any, cluster_id: str) -> None:
    session = await provider.session(caller(), None)
    with pytest.raises(ProviderError, match="names no cluster; write the ARN of an EKS cluster"):
        await session.cluster(cluster_id)


async def test_a_cluster_that_does_not_exist(provider: Any, caller: Any, estate: Any) -> None:
    session = await provider.session(caller(), None)
    with pytest.raises(ProviderError):
        await session.cluster(estate.cluster_arn.replace("sandbox", "missing"))


@pytest.fixture
def kubeconfig(cluster: Any, tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(cluster.api.kubeconfig("admin")))
    return path


async def test_a_context_of_a_kubeconfig_is_a_cluster_too(
    cluster: Any, kubeconfig: Path, caller: Any
) -> None:
    settings = Settings(installation="here", kubeconfig=kubeconfig)
    made = KubernetesProvider(settings)
    session = await made.session(caller(identity=None), None)
    reached = await session.cluster("k8s:context/emulator")
    served_groups = await reached.get("/apis/chaos-mesh.org/v1alpha1")
    assert served_groups.body["groupVersion"] == "chaos-mesh.org/v1alpha1"
    with pytest.raises(ProviderError, match='the context "other" cannot be read'):
        await session.cluster("k8s:context/other")
    await made.close()


async def test_an_unreachable_reader_does_not_stop_an_undo(
    aws: Any, cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start()
    await run.start()
    await run.until(Effect.PRESENT)
    monkeypatch.setattr(provider_module, "ADDRESS_LIFETIME", -1.0)
    aws.fail(operation="DescribeCluster", error="ServiceUnavailable", status=503, times=100)
    try:
        await run.until_gone()
        assert cluster.all_chaos() == []
    finally:
        aws.behave()
