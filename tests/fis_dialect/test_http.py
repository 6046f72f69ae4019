"""Requests as such: bodies, addresses, origins, failures of our own."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.api.app import create_app
from bridge.api.limits import DEEPEST_BODY, LARGEST_BODY
from bridge.dialects.fis import OPERATIONS
from tests.fis_dialect.conftest import Served, new_bridge


def code(answer: httpx.Response) -> str:
    assert set(answer.json()) == {"message"}
    return str(answer.headers["x-amzn-errortype"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"description": }', "is not JSON: Expecting value at line 1, column 17"),
        (b'{\n"a": 1,\n}', "at line 3, column 1"),
        (b"\xff\xfe", "is not UTF-8 (byte 0)"),
        (b"[]", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b'{"a": NaN}', '"NaN" is not a number that can be kept'),
        (b'{"a": 1e999}', "is not a number that can be kept"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not a number that can be kept"),
        (b'{"description": "a", "description": "b"}', '"description" stands twice in one object'),
        (b'{"description": "a\\u0000b"}', "cannot be stored; remove them"),
        (b'{"description": "\\ud800"}', "cannot be stored; remove them"),
        (b'{"\\udfff": 1, "\\udfff": 2}', "stands twice"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, f"deeper than {DEEPEST_BODY} levels"),
        (b"[" * 200_000, f"deeper than {DEEPEST_BODY} levels"),
    ],
)
def test_bodies_that_cannot_be_read(
    http: httpx.Client, served: Served, body: bytes, words: str
) -> None:
    answer = http.post("/experimentTemplates", content=body)
    assert answer.status_code == 400
    assert code(answer) == "ValidationException"
    assert words in answer.json()["message"]
    assert served.templates() == []


def test_an_empty_body_lacks_what_is_required(http: httpx.Client) -> None:
    assert "experimentTemplateId: is required" in http.post("/experiments").json()["message"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_has_a_largest_size(http: httpx.Client, declared: bool) -> None:
    body = b" " * (LARGEST_BODY + 1)

    def chunks() -> Any:
        yield body

    answer = http.post("/experimentTemplates", content=body if declared else chunks())
    assert answer.status_code == 413
    assert code(answer) == "RequestEntityTooLargeException"
    assert str(LARGEST_BODY) in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", "/experiments"),
        ("OPTIONS", "/experiments"),
        ("GET", "/experimentTemplates/"),
        ("GET", "/experiments/EXP1/unknown"),
        ("POST", "/experiments/EXP1"),
    ],
)
def test_unknown_operations(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 404
    assert code(answer) == "UnknownOperationException"
    assert f'"{method}" "{path}"' in answer.json()["message"]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1", "127.8.9.1:1", "[::1]:80", "bridge.corp:1"]
)
async def test_hosts_that_are_ours(host: str) -> None:
    async with client(hosts=["bridge.corp"]) as ours:
        assert (await ours.get("/experiments", headers={"Host": host})).is_success


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example:80",
        "attacker.example@127.0.0.1",
        "127.0.0.1/x",
        "10.0.0.1",
        "192.168.0.1",
        "[::2]",
        "[::1",
        "",
        "2130706433",
    ],
)
async def test_hosts_that_are_not(host: str) -> None:
    async with client() as ours:
        answer = await ours.get("/experiments", headers={"Host": host})
    assert answer.status_code == 403
    assert code(answer) == "AccessDeniedException"
    assert "127.0.0.1 or localhost" in answer.json()["message"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://127.0.0.1:9", 200),
        ("http://127.0.0.1:10", 403),
        ("http://attacker.example", 403),
        ("null", 403),
    ],
)
async def test_web_pages_of_others_are_refused(origin: str | None, status: int) -> None:
    headers = {"Host": "127.0.0.1:9"} | ({"Origin": origin} if origin else {})
    async with client() as ours:
        assert (await ours.get("/experiments", headers=headers)).status_code == status


async def test_a_failure_of_ours_tells_nothing_but_a_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bridge = new_bridge()

    async def broken(*_: object, **__: object) -> None:
        msg = "statement with a secret"
        raise RuntimeError(msg)

    bridge.store.experiments = broken  # type: ignore[method-assign,assignment]  # broken on purpose
    transport = httpx.ASGITransport(create_app(bridge))
    caplog.set_level(logging.DEBUG)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as ours:
        answer = await ours.get("/experiments")
    assert answer.status_code == 500
    assert code(answer) == "InternalServerException"
    reference = answer.headers["x-amzn-requestid"]
    assert reference in answer.json()["message"]
    assert reference in caplog.text
    assert "RuntimeError at broken" in caplog.text
    assert "secret" not in caplog.text + answer.text
    await bridge.store.close()


def test_each_answer_has_an_id(http: httpx.Client) -> None:
    ids = {http.get("/experiments").headers["x-amzn-requestid"] for _ in range(3)}
    assert len(ids) == 3


def test_the_description_of_the_interface_names_every_operation(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    names = {operation["operationId"] for path in paths.values() for operation in path.values()}
    assert set(OPERATIONS) <= names
    assert http.get("/docs").status_code == 404


class client:  # noqa: N801 - reads as a function
    """A client of a fresh bridge, without a socket."""

    def __init__(self, hosts: list[str] | None = None) -> None:
        self._bridge = new_bridge()
        transport = httpx.ASGITransport(create_app(self._bridge, hosts=hosts or []))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def __aenter__(self) -> httpx.AsyncClient:
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._bridge.store.close()


names = st.sampled_from(
    [
        "description", "roleArn", "stopConditions", "targets", "actions", "tags", "clientToken",
        "experimentOptions", "actionId", "parameters", "startAfter", "resourceType", "source",
        "value", "selectionMode", "filters", "path", "values", "a", "b", "duration",
    ]
)  # fmt: skip
words = st.sampled_from(
    [
        "aws:fis:wait", "aws:ec2:stop-instances", "PT5M", "ALL", "COUNT(1)", "aws:ec2:instance",
        "none", "a", "b", "Instances", "arn:aws:iam::123456789012:role/my-fis-role",
    ]
) | st.text(max_size=30)  # fmt: skip
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=40,
)
shaped = st.fixed_dictionaries(
    {
        "clientToken": st.just("t"),
        "description": words | documents,
        "roleArn": st.just("arn:aws:iam::123456789012:role/my-fis-role") | documents,
        "stopConditions": st.just([{"source": "none"}]) | documents,
        "actions": st.dictionaries(
            st.sampled_from(["a", "b"]) | st.text(max_size=5),
            st.fixed_dictionaries(
                {"actionId": words},
                optional={
                    "parameters": st.dictionaries(names, words) | documents,
                    "targets": st.dictionaries(words, words) | documents,
                    "startAfter": st.lists(words, max_size=3) | documents,
                },
            ),
            max_size=4,
        ),
    },
    optional={"targets": documents, "tags": documents, "experimentOptions": documents},
)


def sent(body: bytes, method: str = "POST", path: str = "/experimentTemplates") -> httpx.Response:
    async def send() -> httpx.Response:
        async with client() as ours:
            return await ours.request(method, path, content=body)

    return asyncio.run(send())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents | shaped)
def test_no_document_makes_the_bridge_fail(document: Any) -> None:
    answer = sent(json.dumps(document).encode())
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        assert 1 <= len(answer.json()["message"]) <= 1024


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=60))
def test_no_bytes_make_the_bridge_fail(body: bytes) -> None:
    assert sent(body).status_code == 400


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    parts=st.lists(
        st.sampled_from(
            ["experiments", "experimentTemplates", "tags", "actions", "%2F", "%00", "%FF", "x", ":"]
        ),
        max_size=4,
    ),
    query=st.sampled_from(["", "maxResults=x", "tagKeys=%FF", "nextToken=AAAA", "&&=&"]),
)
def test_no_address_makes_the_bridge_fail(method: str, parts: list[str], query: str) -> None:
    answer = sent(b"", method, f"/{'/'.join(parts)}?{query}")
    assert answer.status_code in {200, 204, 400, 404}, answer.text
