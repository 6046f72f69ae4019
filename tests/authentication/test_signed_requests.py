"""Signature Version 4: real AWS clients are let in, and nothing that was not signed is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from botocore import auth
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bridge.model.scope import Scope
from tests.authentication.conftest import Bridge
from tests.authentication.signing import sign

Key = tuple[str, str]
TEMPLATES = "/experimentTemplates"
WRONG = "A" * 43


Change = Callable[[dict[str, str]], None]


def _set(name: str, value: str) -> Change:
    return lambda headers: headers.__setitem__(name, value)


def _drop(name: str) -> Change:
    return lambda headers: headers.__delitem__(name)


def _replace(old: str, new: str) -> Change:
    def change(headers: dict[str, str]) -> None:
        assert old in headers["authorization"]
        headers["authorization"] = headers["authorization"].replace(old, new)

    return change


def _replace_day(headers: dict[str, str]) -> None:
    _replace(f"/{headers['x-amz-date'][:8]}/", "/20200101/")(headers)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (_drop("authorization"), "MissingAuthenticationToken", "Missing Authentication Token."),
        (_set("authorization", "Basic YTpi"), "IncompleteSignature", "neither a signature"),
        (_set("authorization", "Bearer"), "IncompleteSignature", "neither a signature"),
        (_replace("HMAC-SHA256", "HMAC-SHA1"), "IncompleteSignature", "Unsupported AWS"),
        (_replace("HMAC", "ECDSA-P256"), "IncompleteSignature", "Unsupported AWS"),
        (_replace("Credential=", "credential="), "IncompleteSignature", "must hold 'Credential'"),
        (_replace(", Signature=", ", Signatur="), "IncompleteSignature", "each once"),
        (_replace(", Signature=", ", Signature=, Signature="), "IncompleteSignature", "each once"),
        (_replace("/aws4_request", ""), "IncompleteSignature", "exactly 5 slash-delimited"),
        (_replace_day, "InvalidSignature", "Date in Credential scope does not match"),
        (_replace("Credential=", "Credential=x"), "UnrecognizedClient", "is invalid."),
        (_replace("/us-east-1/", "/eu-west-1/"), "InvalidSignature", "valid region: 'us-east-1'"),
        (_replace("/fis/", "/ec2/"), "InvalidSignature", "correct service: 'fis'"),
        (_replace("/fis/", "/faultbridge/"), "InvalidSignature", "we calculated does not match"),
        (_replace("aws4_request", "aws5_request"), "InvalidSignature", "valid terminator"),
        (_replace("host;", ""), "InvalidSignature", "'Host' or ':authority' must be"),
        (_replace(";x-amz-date", ""), "InvalidSignature", "'x-amz-date' must be"),
        (_drop("x-amz-date"), "IncompleteSignature", "existence of an 'X-Amz-Date'"),
        (_set("x-amz-date", "yesterday"), "IncompleteSignature", "ISO-8601 'basic format'"),
        (_set("x-amz-date", "20261332T000000Z"), "IncompleteSignature", "ISO-8601"),
        (_set("x-amz-meta", "more"), "InvalidSignature", "'x-amz-meta' must be a 'SignedHeader'"),
        (_drop("x-signed"), "InvalidSignature", "we calculated does not match"),
        (_set("x-signed", "changed"), "InvalidSignature", "we calculated does not match"),
        (_set("host", "localhost"), "InvalidSignature", "we calculated does not match"),
        (_drop("x-amz-content-sha256"), "InvalidSignature", "we calculated does not match"),
        (_set("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "InvalidSignature", "SHA-256"),
        (_set("x-amz-content-sha256", "0" * 64), "InvalidSignature", "does not match what was"),
    ],
)  # fmt: skip
async def test_what_was_changed_after_signing_is_refused(
    http: httpx.AsyncClient, bridge: Bridge, key: Key, *, change: Change, code: str, words: str
) -> None:
    url = bridge.url + TEMPLATES
    headers = sign(key, "GET", url, headers={"x-signed": "as it was"})
    assert (await http.get(TEMPLATES, headers=headers)).status_code == 200
    change(headers)
    answer = await http.get(TEMPLATES, headers=headers)
    assert answer.headers["x-amzn-errortype"] == f"{code}Exception"
    assert words in answer.json()["message"]
    assert answer.status_code == 403


@pytest.mark.parametrize("hashed", [True, False])
async def test_a_changed_body_is_refused(
    http: httpx.AsyncClient, bridge: Bridge, key: Key, template: dict[str, Any], hashed: bool
) -> None:
    body = json.dumps({**template, "clientToken": "once"}).encode()
    headers = sign(key, "POST", bridge.url + TEMPLATES, body, hashed=hashed)
    changed = body.replace(b"PT1M", b"PT9M")
    answer = await http.post(TEMPLATES, content=changed, headers=headers)
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert (await http.post(TEMPLATES, content=body, headers=headers)).status_code == 200
    assert len(await bridge.store.templates(_scope(bridge))) == 1


def _scope(bridge: Bridge) -> Any:
    return Scope(cloud="aws", account=bridge.settings.account, region=bridge.settings.region)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=4, seconds=50), None),
        (timedelta(minutes=-4, seconds=-50), None),
        (timedelta(minutes=5, seconds=5), "Signature expired: "),
        (timedelta(minutes=-5, seconds=-5), "Signature not yet current: "),
        (timedelta(days=3650), "Signature expired: "),
    ],
)
async def test_a_signature_lasts_five_minutes(
    http: httpx.AsyncClient, bridge: Bridge, key: Key, age: timedelta, words: str | None
) -> None:
    headers = sign(key, "GET", bridge.url + TEMPLATES, age=age)
    answer = await http.get(TEMPLATES, headers=headers)
    if words is None:
        assert answer.status_code == 200
    else:
        assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
        assert answer.json()["message"].startswith(words)


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("/experiments", "/experimentTemplates"),
        ("/experiments?maxResults=1", "/experiments?maxResults=2"),
        ("/experiments", "/experiments?maxResults=2"),
        ("/experiments", "/experiments/"),
        ("/experiments", "/Experiments"),
        ("/experiments", "/%65xperiments"),
        ("/experiments", "//experiments"),
        ("/experiments", "/./experiments"),
        ("/experiments", "/actions/../experiments"),
        ("/experiments", "/experiments/."),
        ("/experiments/", "/experiments/x/.."),
        ("/actions/a", "/actions//a"),
        ("/actions/a", "/actions/a%2F"),
        ("/actions/a%2Fb", "/actions/a/b"),
        ("/actions/a/b", "/actions/a%2Fb"),
        ("/actions/a%2fb", "/actions/a%2Fb"),
        ("/actions/a", "/actions/a#b"),
        ("/actions/a?b=c", "/actions/a?b=c#d"),
        ("/actions/a", "/actions/a\tb"),
        ("/actions/a?b=c+d", "/actions/a?b=c%20d"),
    ],
)
async def test_a_signature_is_for_one_address_and_no_other(
    bridge: Bridge, key: Key, signed: str, sent: str
) -> None:
    headers = sign(key, "GET", bridge.url + signed)
    status, body = await _raw(bridge.url, sent, headers)
    # What no HTTP server takes is refused even before.
    assert (status, "InvalidSignature" in body) == (403, True) or status == 400
    status, body = await _raw(bridge.url, signed, headers)
    assert "InvalidSignature" not in body


async def _raw(url: str, target: str, headers: dict[str, str]) -> tuple[int, str]:
    """Send a request line as it is: clients would put it right."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"GET {target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
    writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer


async def test_a_header_that_stands_twice_is_refused(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    headers = list(sign(key, "GET", bridge.url + TEMPLATES).items())
    for name in ("authorization", "x-amz-date", "x-amz-content-sha256"):
        answer = await http.get(TEMPLATES, headers=[*headers, (name, dict(headers)[name])])
        assert answer.headers["x-amzn-errortype"] == "IncompleteSignatureException"
        assert f"{name} is given 2 times" in answer.json()["message"]


async def test_a_presigned_address_proves_nothing(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    request = AWSRequest(method="GET", url=bridge.url + TEMPLATES)
    SigV4QueryAuth(Credentials(*key), "fis", "us-east-1").add_auth(request)
    answer = await http.get(str(request.url))
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


async def test_the_same_request_may_come_twice(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    headers = sign(key, "GET", bridge.url + TEMPLATES)
    for _ in range(3):
        assert (await http.get(TEMPLATES, headers=headers)).status_code == 200


async def test_other_clients_may_sign_other_headers(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    """As curl does (host and date alone), and as old Java SDKs do (their own name too)."""
    least = sign(key, "GET", bridge.url + TEMPLATES, hashed=False)
    assert "SignedHeaders=host;x-amz-date," in least["authorization"]
    assert (await http.get(TEMPLATES, headers=least)).status_code == 200
    kept = auth.SIGNED_HEADERS_BLACKLIST
    try:
        auth.SIGNED_HEADERS_BLACKLIST = []
        more = sign(key, "GET", bridge.url + TEMPLATES, headers={"user-agent": "aws-sdk-java/1"})
    finally:
        auth.SIGNED_HEADERS_BLACKLIST = kept
    assert "user-agent" in more["authorization"]
    assert (await http.get(TEMPLATES, headers=more)).status_code == 200
    more["user-agent"] = "another"
    assert (await http.get(TEMPLATES, headers=more)).status_code == 403


async def test_a_body_that_is_too_large_is_told_so(
    http: httpx.AsyncClient, bridge: Bridge, key: Key
) -> None:
    body = b" " * (1024 * 1024 + 1)

    async def parts() -> Any:
        yield body

    for path in (TEMPLATES, "/v1/experiments"):
        headers = sign(key, "POST", bridge.url + path, body)
        headers.pop("content-length", None)
        answer = await http.post(path, content=parts(), headers=headers)
        assert answer.status_code == 413
