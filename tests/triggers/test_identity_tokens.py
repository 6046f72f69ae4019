"""Tokens of a function's own identity: from each platform, kept, and believed by a bridge."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from bridge.client.errors import CredentialsError
from bridge.sandbox.aws import AwsEmulator
from bridge.store import system_clock
from iam import identity_tokens
from iam.credentials import credentials
from iam.identity_tokens import IdentityAuth, IdentityToken
from iam.role_tokens import RoleTokenRules, RoleTokens
from tests.authentication.conftest import ACCOUNT
from tests.authentication.roles import INSTALLATION, ROLE, aws, role

__all__ = ["aws", "role"]
URL = "https://chaos.example.com"


@dataclass
class Platform:
    """What hands out tokens: a server on loopback, and what it was asked."""

    host: str
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    status: int = 200
    body: str = ""


@pytest.fixture
def platform() -> Iterator[Platform]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.asked.append((parts.path, dict(parse_qsl(parts.query)), headers))
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(found.body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Platform(f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def sent(auth: httpx.Auth | None) -> str:
    """Return the bearer token that a request is sent with."""
    assert auth is not None
    request = next(auth.sync_auth_flow(httpx.Request("GET", URL)))
    kind, _, token = request.headers["Authorization"].partition(" ")
    assert kind == "Bearer"
    return token


def jwt_until(seconds: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + seconds}).encode())
    return f"e30.{claims.decode().rstrip('=')}.c2ln"


def environ_of(cloud: str, audience: str = "chaos.example.com", **more: str) -> dict[str, str]:
    return {"FAULTBRIDGE_TOKEN_FROM": cloud, "FAULTBRIDGE_TOKEN_AUDIENCE": audience, **more}


def test_google_writes_a_token_for_the_audience_and_it_is_kept(platform: Platform) -> None:
    platform.body = jwt_until(3600)
    auth = credentials(URL, environ_of("gcp", GCE_METADATA_HOST=platform.host))
    assert sent(auth) == platform.body
    first, platform.body = platform.body, jwt_until(7200)
    assert sent(auth) == first
    ((path, query, headers),) = platform.asked
    assert path == "/computeMetadata/v1/instance/service-accounts/default/identity"
    assert query == {"audience": "chaos.example.com", "format": "full"}
    assert headers["metadata-flavor"] == "Google"


def test_a_token_that_nears_its_end_is_not_used(platform: Platform) -> None:
    platform.body = jwt_until(100)
    auth = credentials(URL, environ_of("gcp", GCE_METADATA_HOST=platform.host))
    sent(auth)
    platform.body = jwt_until(3600)
    assert sent(auth) == platform.body
    assert len(platform.asked) == 2


def test_azure_hands_out_a_token_to_a_function(platform: Platform) -> None:
    platform.body = json.dumps({"access_token": "t1", "expires_on": str(int(time.time()) + 3600)})
    environ = environ_of(
        "azure",
        "api://chaos",
        IDENTITY_ENDPOINT=f"http://{platform.host}/MSI/token",
        IDENTITY_HEADER="a-secret-of-the-host",
        AZURE_CLIENT_ID="00000000-0000-4000-8000-0000000000c1",
    )
    auth = credentials(URL, environ)
    assert (sent(auth), sent(auth)) == ("t1", "t1")
    ((path, query, headers),) = platform.asked
    assert path == "/MSI/token"
    assert query == {
        "resource": "api://chaos",
        "api-version": "2019-08-01",
        "client_id": "00000000-0000-4000-8000-0000000000c1",
    }
    assert headers["x-identity-header"] == "a-secret-of-the-host"


def test_azure_hands_out_a_token_to_a_virtual_machine(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_tokens, "_IMDS", f"http://{platform.host}/imds")
    platform.body = json.dumps({"access_token": "t2", "expires_on": time.time() + 3600})
    assert sent(credentials(URL, environ_of("azure", "api://chaos"))) == "t2"
    ((_, query, headers),) = platform.asked
    assert query == {"resource": "api://chaos", "api-version": "2018-02-01"}
    assert headers["metadata"] == "true"


@pytest.mark.parametrize(
    ("cloud", "status", "body", "words"),
    [
        ("gcp", 404, "", "answered 404; run as a service account"),
        ("gcp", 200, "<html>", "answered no token"),
        ("azure", 400, "{}", "answered 400; switch a managed identity on"),
        ("azure", 200, "{}", "answered no token"),
    ],
)
def test_what_hands_out_no_token_is_told(
    platform: Platform, cloud: str, status: int, body: str, words: str
) -> None:
    platform.status, platform.body = status, body
    more = {
        "GCE_METADATA_HOST": platform.host,
        "IDENTITY_ENDPOINT": f"http://{platform.host}/",
        "IDENTITY_HEADER": "a-secret-of-the-host",
    }
    auth = credentials(URL, environ_of(cloud, **more))
    with pytest.raises(CredentialsError) as found:
        sent(auth)
    assert words in str(found.value)
    assert str(found.value).startswith(f"FAULTBRIDGE_TOKEN_FROM={cloud}: ")
    assert "a-secret-of-the-host" not in str(found.value)


def test_off_the_platform_the_words_say_so() -> None:
    auth = credentials(URL, environ_of("gcp", GCE_METADATA_HOST="127.0.0.1:1"))
    with pytest.raises(CredentialsError, match="is this process on that platform"):
        sent(auth)


@pytest.fixture
async def roles(aws: AwsEmulator) -> AsyncIterator[RoleTokens]:
    """How a bridge finds out whose token it is: it asks the emulator's STS."""
    rules = RoleTokenRules(INSTALLATION, frozenset({ACCOUNT}), aws.url)
    found = RoleTokens(rules, now=system_clock)
    yield found
    await found.close()


async def test_the_role_of_a_function_is_believed_by_a_bridge(
    role: dict[str, str], roles: RoleTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Lambda gives them to a function.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", role["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", role["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", role["SessionToken"])
    environ = environ_of("aws", INSTALLATION, AWS_REGION="us-east-1")
    auth = credentials(URL, environ)
    token = sent(auth)
    assert sent(auth) == token
    principal = await roles.principal(token, may_ask=True)
    assert principal.name == f"arn:aws:sts::{ACCOUNT}:assumed-role/my-team/alice@laptop"
    assert principal.attributes["role-arn"] == ROLE.replace("chaos/", "")
    other = sent(credentials(URL, {**environ, "FAULTBRIDGE_TOKEN_AUDIENCE": "another"}))
    with pytest.raises(Exception, match="STS does not accept the token"):
        await roles.principal(other, may_ask=True)


def test_without_a_role_or_a_region_the_words_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    auth = credentials(URL, environ_of("aws", INSTALLATION))
    with pytest.raises(CredentialsError, match="give the function a role"):
        sent(auth)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(CredentialsError, match="set AWS_REGION"):
        sent(auth)


def test_one_token_is_made_however_many_ask_at_once() -> None:
    made: list[int] = []

    def make() -> IdentityToken:
        made.append(1)
        time.sleep(0.02)
        return IdentityToken("t", time.time() + 60)

    auth = IdentityAuth(make)
    threads = [threading.Thread(target=sent, args=(auth,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_what_contradicts_itself_or_would_be_read_on_the_way_is_refused() -> None:
    for environ, words in (
        ({"FAULTBRIDGE_TOKEN_FROM": "oci", "FAULTBRIDGE_TOKEN_AUDIENCE": "x"}, '"aws", "gcp" or'),
        ({"FAULTBRIDGE_TOKEN_AUDIENCE": "x"}, "FAULTBRIDGE_TOKEN_FROM is not; set both"),
        (environ_of("gcp", FAULTBRIDGE_TOKEN="t"), "are both set"),
    ):
        with pytest.raises(CredentialsError, match=words):
            credentials(URL, environ)
    with pytest.raises(CredentialsError, match="FAULTBRIDGE_TOKEN_FROM is set and FAULTBRIDGE_URL"):
        credentials("http://chaos.example.com", environ_of("gcp"))
