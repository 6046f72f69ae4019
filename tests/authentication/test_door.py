"""The door itself: what is open, who stands in the request, how often one may knock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse

from bridge.api.authentication import OPEN, WhoCalls
from bridge.cli.listening import bridge_on
from bridge.settings import Settings
from iam.attempt import Attempt
from iam.authentication import Authentication
from iam.principal import SCOPE_KEY, Principal, key_user
from iam.rates import Rates, address_key
from iam.refusals import NotAuthenticatedError, Reason
from iam.signing import SigningAuth
from tests.authentication.conftest import MASTER_SECRET, Bridge
from tests.authentication.signing import sign

Key = tuple[str, str]
SIGNAL_TOKEN = "a-token-of-a-monitoring-system"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    more = {"signal_tokens": (SecretStr(SIGNAL_TOKEN),), "failures_per_minute": 1000}
    return Settings(**{**dict(settings), **more})


async def test_every_route_but_the_open_ones_asks_who_is_calling(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    headers = sign(key, "GET", f"{bridge.url}/openapi.json")
    paths = (await http.get("/openapi.json", headers=headers)).json()["paths"]
    asked = 0
    for path, operations in paths.items():
        for method in operations:
            answer = await http.request(method.upper(), path)
            if (method.upper(), path) in OPEN:
                continue
            asked += 1
            assert answer.status_code == (401 if path.startswith("/v1/") else 403), (method, path)
    assert asked > 40
    assert (await http.get("/healthz")).status_code == 200
    assert (await http.get("/readyz")).status_code == 200
    assert (await http.get("/openapi.json")).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/signals"),
        ("PUT", "/v1/signals"),
        ("POST", "/v1/signals/"),
        ("POST", "/v1/signals/x"),
        ("POST", "/v1/Signals"),
        ("POST", "/v1/%73ignals"),
        ("POST", "/v1//signals"),
        ("POST", "/healthz"),
        ("HEAD", "/healthz"),
        ("GET", "/healthz/"),
        ("GET", "/healthz/../experiments"),
        ("GET", "/healthz%2F..%2Fexperiments"),
        ("GET", "/readyz;x"),
        ("GET", "/nowhere"),
        ("OPTIONS", "/experiments"),
        ("TRACE", "/experiments"),
        ("X", "/experiments"),
    ],
)
async def test_nothing_beside_an_open_path_is_open(
    http: httpx.AsyncClient, bridge: Bridge, method: str, path: str
) -> None:
    url = httpx.URL(bridge.url).copy_with(raw_path=path.encode())
    answer = await http.send(http.build_request(method, url))
    assert answer.status_code in (401, 403)


async def test_signals_keep_tokens_of_their_own(http: httpx.AsyncClient, key: Key) -> None:
    alert = {"version": "4", "status": "firing", "alerts": [], "receiver": "x", "groupLabels": {}}
    token = {"authorization": f"Bearer {SIGNAL_TOKEN}"}
    assert (await http.post("/v1/signals", json=alert)).status_code == 401
    answer = await http.post("/v1/signals", json=alert, headers=token)
    assert answer.status_code in (202, 400)
    # That token is good for signals and for nothing else.
    assert (await http.get("/v1/experiments", headers=token)).status_code == 401


async def test_a_refusal_is_in_the_words_of_its_dialect(http: httpx.AsyncClient) -> None:
    native = await http.get("/v1/experiments")
    assert native.headers["content-type"] == "application/problem+json"
    assert native.headers["www-authenticate"] == 'Bearer realm="faultbridge"'
    assert native.json()["detail"].startswith("Missing Authentication Token. Sign with an access")
    wrong = await http.get("/v1/experiments", headers={"authorization": "Bearer a.b.c"})
    assert wrong.headers["www-authenticate"].endswith('error="invalid_token"')
    fis = await http.get("/experiments")
    assert (fis.status_code, set(fis.json())) == (403, {"message"})
    assert fis.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert fis.headers["x-amzn-requestid"]


async def test_the_name_of_the_host_does_not_matter_but_a_foreign_page_does(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    url = f"{bridge.url}/experiments"
    named = sign(key, "GET", url, headers={"host": "chaos.example.com"})
    assert (await http.get("/experiments", headers=named)).status_code == 200
    named |= {"origin": "https://evil.example"}
    refused = await http.get("/experiments", headers=named)
    assert (refused.status_code, "evil.example" in refused.text) == (403, True)


async def test_without_settings_everybody_is_local_and_hosts_are_looked_at(
    settings: Settings,
) -> None:
    off = Settings(**{**dict(settings), "master_key": ()})
    async with bridge_on(off, "127.0.0.1", 0, works=False) as url, _client(url) as http:
        assert (await http.get("/experiments")).status_code == 200
        rebound = await http.get("/experiments", headers={"host": "evil.example"})
        assert rebound.status_code == 403


@asynccontextmanager
async def _client(url: str, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, **options) as http:
        yield http


async def _tell(scope: Any, receive: Any, send: Any) -> None:
    """An application that says who calls and what they send."""
    request = Request(scope, receive)
    principal: Principal = request.scope[SCOPE_KEY]
    body = (await request.body()).decode()
    await JSONResponse({"name": principal.name, "body": body})(scope, receive, send)


class Guest:
    """Lets in who says a password, and reads the body if it is told to."""

    async def principal(self, attempt: Attempt) -> Principal:
        if attempt.value("x-body"):
            await attempt.body()
        if attempt.value("x-password") != "sesame":
            raise NotAuthenticatedError(Reason.SIGNATURE, "no")
        return key_user("123456789012", attempt.value("x-name") or "guest", key_id="FBAK")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _door(clock: Clock, *, requests: int = 1000, failures: int = 1000) -> WhoCalls:
    guests: Any = Guest()
    return WhoCalls(
        _tell,
        Authentication(
            requests=Rates(1, requests, clock=clock),
            failures=Rates(1, failures, clock=clock),
            signed=guests,
        ),
    )


GUEST = {"authorization": "AWS4-X", "x-password": "sesame"}


@pytest.mark.parametrize("read", ["", "yes"])
async def test_the_application_is_told_who_calls_and_gets_the_body(read: str) -> None:
    transport = httpx.ASGITransport(_door(Clock()))
    async with (
        asyncio.timeout(10),  # an application that is not given the body waits for it
        _client("http://bridge", transport=transport) as http,
    ):
        answer = await http.post("/x", content="all of it", headers={**GUEST, "x-body": read})
        assert answer.json() == {
            "name": "arn:aws:iam::123456789012:user/guest",
            "body": "all of it",
        }
    local = httpx.ASGITransport(WhoCalls(_tell, None))
    async with _client("http://bridge", transport=local) as http:
        assert (await http.get("/x")).json()["name"] == "local"


@pytest.mark.parametrize(("method", "path"), sorted(OPEN))
async def test_whoever_comes_by_an_open_path_is_nobody(method: str, path: str) -> None:
    """Least of all ``local``, who may do everything."""
    found: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope.get(SCOPE_KEY))
        await JSONResponse({})(scope, receive, send)

    door = _door(Clock())
    door._app = look
    async with _client("http://bridge", transport=httpx.ASGITransport(door)) as http:
        assert (await http.request(method, path)).status_code == 200
    assert found == [None]


async def test_a_body_that_was_read_is_given_once_and_then_what_the_server_says() -> None:
    """Whoever waits for a client to hang up would otherwise read the same body for ever."""
    given: list[Any] = [
        {"type": "http.request", "body": b"all ", "more_body": True},
        {"type": "http.request", "body": b"of it", "more_body": False},
        {"type": "http.disconnect"},
    ]
    heard: list[Any] = []

    async def receive() -> Any:
        return given.pop(0)

    async def hear(_scope: Any, receive: Any, _send: Any) -> None:
        heard.extend([await receive(), await receive()])

    door = _door(Clock())
    door._app = hear
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in {**GUEST, "x-body": "yes"}.items()],
    }
    await door(scope, receive, lambda _: asyncio.sleep(0))
    assert heard == [
        {"type": "http.request", "body": b"all of it", "more_body": False},
        {"type": "http.disconnect"},
    ]


async def test_a_caller_who_is_too_fast_waits_and_others_do_not() -> None:
    clock = Clock()
    transport = httpx.ASGITransport(_door(clock, requests=3))
    async with _client("http://bridge", transport=transport) as http:
        for _ in range(3):
            assert (await http.get("/x", headers=GUEST)).status_code == 200
        fis = await http.get("/x", headers=GUEST)
        assert (fis.status_code, fis.headers["retry-after"]) == (429, "1")
        assert fis.headers["x-amzn-errortype"] == "ThrottlingException"
        assert fis.json() == {"message": "Rate exceeded; try again in 1 s"}
        native = await http.get("/v1/x", headers=GUEST)
        assert (native.status_code, native.headers["retry-after"]) == (429, "1")
        assert native.headers["content-type"] == "application/problem+json"
        assert (await http.get("/x", headers={**GUEST, "x-name": "other"})).status_code == 200
        clock.now += 1
        assert (await http.get("/x", headers=GUEST)).status_code == 200
        assert (await http.get("/x", headers=GUEST)).status_code == 429


async def test_an_address_that_fails_too_often_waits_but_not_who_proves_himself() -> None:
    clock = Clock()
    door = _door(clock, failures=2)

    def from_address(address: str) -> httpx.ASGITransport:
        return httpx.ASGITransport(door, client=(address, 1))

    wrong = {**GUEST, "x-password": "x"}
    async with (
        _client("http://bridge", transport=from_address("192.0.2.1")) as http,
        _client("http://bridge", transport=from_address("192.0.2.2")) as other,
    ):
        for _ in range(2):
            assert (await http.get("/v1/x", headers=wrong)).status_code == 401
        slowed = await http.get("/v1/x", headers=wrong)
        assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "1")
        assert (await http.get("/v1/x", headers=GUEST)).status_code == 200
        assert (await other.get("/v1/x", headers=wrong)).status_code == 401
        clock.now += 1
        assert (await http.get("/v1/x", headers=wrong)).status_code == 401


async def test_an_address_that_a_client_makes_up_is_not_its_address(settings: Settings) -> None:
    """Or whoever is on the bridge's machine has a fresh address for every guess."""
    few = Settings(**{**dict(settings), "failures_per_minute": 2})
    statuses = []
    async with bridge_on(few, "127.0.0.1", 0, works=False) as url, _client(url) as http:
        for number in range(3):
            made_up = {"authorization": "Bearer a.b.c", "x-forwarded-for": f"192.0.2.{number}"}
            statuses.append((await http.get("/v1/lever", headers=made_up)).status_code)
    assert statuses == [401, 401, 429]


async def test_a_proxy_that_is_named_says_where_a_request_comes_from(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    async with bridge_on(settings, "127.0.0.1", 0, works=False) as url, _client(url) as http:
        await http.get("/v1/lever", headers={"x-forwarded-for": "192.0.2.7"})
    assert "refused a request of 192.0.2.7" in caplog.text


def test_buckets_fill_up_and_the_memory_of_them_is_bounded() -> None:
    clock = Clock()
    rates = Rates(0.5, 2, clock=clock)
    assert [rates.take("a"), rates.take("a"), rates.take("a")] == [None, None, 2.0]
    assert (rates.empty("a"), rates.empty("never seen")) == (2.0, None)
    clock.now += 1
    assert rates.take("a") == 1.0
    clock.now += 1000
    assert [rates.take("a"), rates.take("a"), rates.take("a")] == [None, None, 2.0]
    for number in range(10_001):
        rates.take(str(number))
    assert len(rates._buckets) == 10_000


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (None, "unknown"),
        ("unix", "unix"),
    ],
)
def test_an_address_is_one_or_a_network_of_ipv6(host: str | None, key: str) -> None:
    assert address_key(host) == key


async def test_no_secret_is_in_any_answer_or_log(
    bridge: Bridge, key: Key, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    jwt = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL3gifQ.c2VjcmV0LXNpZ25hdHVyZQ"
    url = f"{bridge.url}/v1/experiments"
    signed = sign(key, "GET", url)
    signature = signed["authorization"].rpartition("=")[2]
    attempts: list[dict[str, str]] = [
        {},
        {"authorization": f"Bearer {jwt}"},
        {"authorization": "Bearer k8s-aws-v1.c2VjcmV0LXRva2Vu"},
        {"authorization": f"Basic {key[1]}"},
        {"authorization": key[1]},
        {"authorization": f"AWS4-HMAC-SHA256 {key[1]}"},
        {"authorization": f"AWS4-HMAC-SHA256 Credential={key[1]}/a/b/c/d, SignedHeaders=host, "
         f"Signature={signature}"},
        {**signed, "x-amz-date": "20200101T000000Z"},
        {**signed, "x-amz-security-token": key[1]},
        signed,
    ]  # fmt: skip
    async with _client(bridge.url) as http:
        for headers in attempts:
            for path in ("/v1/experiments", "/experiments", "/nowhere"):
                answer = await http.get(path, headers=headers)
                said += [answer.text, str(answer.headers)]
    async with _client(bridge.url, auth=SigningAuth(*key, "us-east-1")) as http:
        body = {"description": key[1]}
        answer = await http.post("/v1/experiments", json={"template": body})
        said.append(answer.text)
    logged = caplog.text + "".join(capfd.readouterr())
    assert "refused a request of 127.0.0.1: NotAuthenticatedError (unknown)" in logged
    for secret in (MASTER_SECRET, key[1], jwt, "c2VjcmV0LXRva2Vu", signature):
        assert secret not in "".join(said), secret
        # What our own test client logs of its connections is not the bridge's.
        ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("http"))
        assert secret not in ours + capfd.readouterr().err, secret
