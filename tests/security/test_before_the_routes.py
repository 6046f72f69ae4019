"""What is refused before any route sees it is refused in the words of whoever asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bridge.api.app import create_app
from bridge.api.bridge import Bridge
from bridge.api.limits import LARGEST_BODY
from iam.authentication import Authentication
from iam.rates import Rates
from iam.refusals import CannotTellError
from tests.fis_dialect.conftest import new_bridge

NATIVE = ("/v1/lever", "/v1/nowhere", "/healthz", "/readyz")
FIS = ("/experiments", "/nowhere", "/tags/x", "/v1", "/healthzz/x")


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    made = new_bridge()
    yield made
    await made.store.close()


def client(bridge: Bridge, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(bridge, **options))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def words(answer: httpx.Response, status: int, *, native: bool) -> str:
    """Return what a refusal says, which must be in the shape of its dialect."""
    assert answer.status_code == status
    assert answer.headers["x-amzn-requestid"]
    if not native:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-amzn-errortype"].endswith("Exception")
        (message,) = answer.json().values()
        return str(message)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


@pytest.mark.parametrize("path", [*NATIVE, *FIS])
async def test_a_page_of_elsewhere(bridge: Bridge, path: str) -> None:
    async with client(bridge) as http:
        answer = await http.get(path, headers={"origin": "https://evil.example"})
    assert "may not use this bridge" in words(answer, 403, native=path in NATIVE)


@pytest.mark.parametrize("path", [*NATIVE, *FIS])
async def test_a_body_that_says_that_it_is_too_large(bridge: Bridge, path: str) -> None:
    async with client(bridge) as http:
        answer = await http.post(path, content=b" " * (LARGEST_BODY + 1))
    assert str(LARGEST_BODY) in words(answer, 413, native=path in NATIVE)


@pytest.mark.parametrize("path", ["/v1/experiments", "/experiments"])
async def test_a_failure_of_ours(
    bridge: Bridge, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(bridge.store, "experiments", broken)
    async with client(bridge) as http:
        answer = await http.get(path)
    reference = answer.headers["x-amzn-requestid"]
    assert reference in words(answer, 500, native=path.startswith("/v1"))


class Away(Authentication):
    """Whoever could vouch does not answer."""

    async def principal(self, *_: object) -> Any:
        raise CannotTellError("STS does not answer; try again later")


@pytest.mark.parametrize("path", ["/v1/experiments", "/experiments"])
async def test_who_cannot_be_told_yet_is_told_when_to_come_again(bridge: Bridge, path: str) -> None:
    away = Away(requests=Rates(1, 1), failures=Rates(1, 1))
    async with client(bridge, authentication=away) as http:
        answer = await http.get(path)
    assert "STS does not answer" in words(answer, 503, native=path.startswith("/v1"))
    assert answer.headers["retry-after"] == "5"
    assert "www-authenticate" not in answer.headers
