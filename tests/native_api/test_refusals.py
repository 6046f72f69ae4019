"""What `/v1` refuses, in the shape of RFC 9457."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest

from bridge.client import (
    AsyncClient,
    Client,
    FailedError,
    RefusedError,
    StartRequest,
    UnreachableError,
)
from tests.cli.doubles import document
from tests.native_api.conftest import Here


@pytest.mark.parametrize(
    ("request_line", "body", "status", "path_of_problem"),
    [
        ("POST /v1/experiments", {}, 400, "template"),
        ("POST /v1/experiments", {"templateId": "EXTx"}, 404, None),
        ("POST /v1/experiments", {"template": {}, "templateId": "EXTx"}, 400, "template"),
        ("POST /v1/experiments", {"templateID": "EXTx"}, 400, "templateID"),
        ("POST /v1/experiments", {"template": {"actions": {}}}, 400, "description"),
        ("POST /v1/experiments", [], 400, ""),
        ("GET /v1/experiments?limit=0", None, 400, "limit"),
        ("GET /v1/experiments?page=2", None, 400, "page"),
        ("GET /v1/experiments?after=EXPx", None, 404, None),
        ("GET /v1/experiments/EXPx", None, 404, None),
        ("GET /v1/experiments/EXP%00x", None, 404, None),
        ("GET /v1/experiments?templateId=%00", None, 400, "templateId"),
        (
            "POST /v1/experiments",
            {"template": document(), "tags": {"aws:x": ""}},
            400,
            'tags["aws:x"]',
        ),
        ("POST /v1/experiments", {"template": document(), "tags": {"x": "y" * 257}}, 400, "tags.x"),
        ("GET /v1/experiments/EXPx/events?wait=60", None, 400, "wait"),
        ("POST /v1/experiments/EXPx/stop", {}, 404, None),
        ("GET /v1/actions/aws:test:brake", None, 404, None),
        ("GET /v1/nothing", None, 404, None),
        ("DELETE /v1/experiments/EXPx", None, 404, None),
    ],
)
async def test_a_refusal_names_what_is_wrong(
    here: Here, request_line: str, body: Any, status: int, path_of_problem: str | None
) -> None:
    method, _, path = request_line.partition(" ")
    answer = await here.http.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert [one["path"] for one in problem["problems"]][:1] == (
        [] if path_of_problem is None else [path_of_problem]
    )


async def test_a_mistyped_action_is_told_the_right_one(here: Here) -> None:
    with pytest.raises(RefusedError, match='did you mean "aws:test:break"'):
        await here.client.action("aws:test:brake")


async def test_a_body_that_is_no_json_is_refused_with_its_place(here: Here) -> None:
    answer = await here.http.post("/v1/validate", content=b'{"a": 1,}')
    assert answer.status_code == 400
    assert "line 1, column" in answer.json()["detail"]


async def test_a_body_that_is_too_large_is_refused(here: Here) -> None:
    answer = await here.http.post("/v1/validate", content=b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413


async def test_a_web_page_of_elsewhere_is_refused(here: Here) -> None:
    answer = await here.http.get("/v1/experiments", headers={"Origin": "https://example.com"})
    assert answer.status_code == 403


async def test_a_start_that_is_refused_stores_nothing(here: Here) -> None:
    wrong = document()
    wrong["actions"]["break"]["actionId"] = "aws:test:brake"
    with pytest.raises(RefusedError) as refused:
        await here.client.start(StartRequest(template=wrong))
    assert [one.path for one in refused.value.problem.problems] == ["actions.break.actionId"]
    assert not (await here.client.experiments()).experiments
    assert not await here.process.bridge.store.templates(here.process.bridge.scope)


async def test_what_is_no_bridge_is_said_so() -> None:
    page = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>"))
    async with AsyncClient("http://127.0.0.1", transport=page) as client:
        with pytest.raises(FailedError, match="is not this version's bridge"):
            await client.actions()


def test_a_bridge_that_is_not_there_is_said_so() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with (
        Client("http://user:secret@127.0.0.1:1", transport=httpx.MockTransport(refuse)) as client,
        pytest.raises(UnreachableError, match="faultbridge serve") as unreachable,
    ):
        client.experiments()
    assert "secret" not in str(unreachable.value)


def test_a_refusal_in_the_words_of_the_fis_dialect_is_understood() -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(403, json={"message": "not from there"}))
    with (
        Client("http://127.0.0.1", transport=answer) as client,
        pytest.raises(RefusedError, match="not from there"),
    ):
        client.experiments()


async def test_others_are_answered_while_a_document_is_judged(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest one takes seconds; a bridge that answers nobody meanwhile looks dead."""
    begun, answered = threading.Event(), threading.Event()
    catalog = here.process.bridge.catalog
    examine, waited = catalog.examine, []

    def slow(*arguments: Any) -> Any:
        begun.set()
        waited.append(answered.wait(5))
        return examine(*arguments)

    monkeypatch.setattr(catalog, "examine", slow)
    judging = asyncio.create_task(here.client.validate(document()))
    await asyncio.to_thread(begun.wait, 5)
    assert (await here.http.get("/healthz")).status_code == 200
    answered.set()
    assert (await judging).valid
    assert waited == [True]
