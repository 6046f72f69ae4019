"""HTTP: one behaviour behind API Gateway, function URLs, Google's framework and Azure's types."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import azure.functions as func
import pytest
from flask.testing import FlaskClient
from functions_framework import create_app

from bridge.triggers import aws, azure
from tests.docs.pages import ROOT
from tests.triggers import events
from tests.triggers.conftest import Bridge, Context, SetRules

Send = Callable[..., tuple[int, dict[str, str], dict[str, Any]]]
"""Method, body and headers → status, headers, document."""

ON_REQUEST = {
    "name": "asked",
    "when": "body.template",
    "start": {"templateId": {"from": "body.template"}},
}


def _by_lambda(shape: Callable[..., dict[str, Any]], *, encoded: bool = False) -> Send:
    def send(method: str, body: str, **headers: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        event = shape(method, body, **headers)
        if encoded:
            event["body"] = base64.b64encode(body.encode()).decode()
            event["isBase64Encoded"] = True
        answer = aws.any_event(event, Context())
        assert answer["isBase64Encoded"] is False
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])

    return send


def _by_azure(method: str, body: str, **headers: str) -> Any:
    request = func.HttpRequest(
        method=method,
        url="https://shop.azurewebsites.net/api/experiments",
        headers=headers,
        params={},
        body=body.encode(),
    )
    answer = azure.http(request)
    return answer.status_code, dict(answer.headers), json.loads(answer.get_body())


def _by_google() -> Send:
    app = create_app(  # type: ignore[no-untyped-call] # the framework has few types
        "http", str(ROOT / "examples/functions/gcp/main.py")
    )
    client: FlaskClient = app.test_client()

    def send(method: str, body: str, **headers: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        answer = client.open("/experiments", method=method, data=body, headers=headers)
        return answer.status_code, dict(answer.headers), answer.get_json(force=True)

    return send


@pytest.fixture(
    scope="module", params=["http-api", "rest-api", "function-url-binary", "gcp", "azure"]
)
def send(request: pytest.FixtureRequest) -> Send:
    ways: dict[str, Callable[[], Send]] = {
        "http-api": lambda: _by_lambda(events.request_v2),
        "rest-api": lambda: _by_lambda(events.request_v1),
        "function-url-binary": lambda: _by_lambda(events.request_v2, encoded=True),
        "gcp": _by_google,
        "azure": lambda: _by_azure,
    }
    return ways[request.param]()


def test_a_request_with_a_key_starts_a_run_once(
    bridge: Bridge, rules: SetRules, send: Send
) -> None:
    template = bridge.template()
    rules(ON_REQUEST)
    body = json.dumps({"template": template})
    key = str(uuid4())
    status, headers, first = send("POST", body, **{"Idempotency-Key": f'"{key}"'})
    assert (status, headers["Content-Type"]) == (202, "application/json")
    (run,) = first["experiments"]
    assert (first["result"], first["rule"]) == ("started", "asked")
    # The draft has the key in quotes, many clients leave them out.
    (again,) = send("POST", body, **{"Idempotency-Key": key})[2]["experiments"]
    assert again["id"] == run["id"]
    other = json.dumps({"template": bridge.template()})
    status, _, problem = send("POST", other, **{"Idempotency-Key": key})
    assert (status, "an event of the same id" in problem["title"]) == (409, True)
    assert len(bridge.runs_of(template)) == 1
    (found,) = bridge.runs_of(template)
    assert found.id == run["id"]


def test_what_is_wrong_is_told_in_http_terms(bridge: Bridge, rules: SetRules, send: Send) -> None:
    template = bridge.template()
    rules(ON_REQUEST)
    status, _, nothing = send("POST", "{}")
    assert (status, nothing) == (200, {"result": "nothing", "experiments": []})
    status, headers, problem = send("POST", '{"template": "EXTnone"}')
    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert 'there is no experiment template "EXTnone"' in problem["title"]
    assert problem["status"] == 422
    status, headers, _ = send("GET", json.dumps({"template": template}))
    assert (status, headers["Allow"]) == (405, "POST")
    status, _, problem = send("POST", "{}", **{"Idempotency-Key": "two words"})
    assert (status, "Idempotency-Key" in problem["title"]) == (400, True)
    assert bridge.runs_of(template) == []


@pytest.mark.usefixtures("unreachable")
def test_a_bridge_that_is_away_is_503(send: Send) -> None:
    status, headers, problem = send("POST", "{}")
    assert (status, headers["Retry-After"]) == (503, "5")
    assert "no bridge answers" in problem["title"]


def test_what_is_not_set_up_is_for_the_log(
    rules: SetRules, send: Send, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rules(ON_REQUEST)
    monkeypatch.setenv("FAULTBRIDGE_TOKEN", "one")
    monkeypatch.setenv("FAULTBRIDGE_TOKEN_FILE", "other")
    status, _, problem = send("POST", "{}")
    assert (status, problem["title"]) == (
        500,
        "this function is not set up; its log says what is missing",
    )
    assert "FAULTBRIDGE_TOKEN and FAULTBRIDGE_TOKEN_FILE are both set" in caplog.text


def test_without_a_key_each_request_is_one_of_its_kind(bridge: Bridge, rules: SetRules) -> None:
    template = bridge.template()
    rules(ON_REQUEST)
    body = json.dumps({"template": template})
    for number in (1, 1, 2):
        event = events.request_v2(body=body)
        event["requestContext"]["requestId"] = f"request-{number}"
        aws.http(event, Context())
    _by_azure("POST", body)
    _by_azure("POST", body)
    assert len(bridge.runs_of(template)) == 4


def test_rules_see_the_same_of_a_request_everywhere(
    bridge: Bridge, rules: SetRules, send: Send
) -> None:
    rules(
        {
            "name": "seen",
            "when": "method == 'POST' && headers.\"x-who\" == 'me' && body.a[0] == `1` "
            "&& ends_with(path, '/experiments')",
            "stop": {"templateId": "EXTnone"},
        }
    )
    assert send("POST", '{"a": [1]}', **{"X-Who": "me"})[2]["result"] == "stopping"
    assert send("POST", '{"a": [1]}', **{"X-Who": "you"})[2]["result"] == "nothing"
    assert send("POST", "no JSON", **{"X-Who": "me"})[2]["result"] == "nothing"
