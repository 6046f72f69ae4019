"""What an answer of the bridge means for an event, and which handler an event is given to."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from bridge.client import Client
from bridge.client.documents import ExperimentDetail
from bridge.triggers import aws, trigger, waiting
from bridge.triggers.aws import kinds
from bridge.triggers.errors import (
    BridgeUnavailableError,
    EventRefusedError,
    NotSetUpError,
    TriggerError,
)
from bridge.triggers.event import Event
from bridge.triggers.rules_reading import read_rules
from bridge.triggers.trigger import Trigger
from tests.triggers import events
from tests.triggers.conftest import Context

NOW = "2026-11-20T09:00:00Z"
RULES = read_rules('{"rules": [{"name": "any", "start": {"templateId": "EXT1"}}]}')
FAR_AWAY = "https://chaos.example.com"


def run(**more: Any) -> dict[str, Any]:
    return {
        "id": "EXP1",
        "templateId": "EXT1",
        "description": "",
        "status": "completed",
        "createdAt": NOW,
        "now": NOW,
        **more,
    }


def answering(status: int, document: Any) -> Trigger:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=document))
    return Trigger(Client(FAR_AWAY, transport=transport), RULES)


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (400, EventRefusedError),
        (404, EventRefusedError),
        (409, EventRefusedError),
        (413, EventRefusedError),
        (401, NotSetUpError),
        (403, NotSetUpError),
        (408, BridgeUnavailableError),
        (429, BridgeUnavailableError),
        (500, BridgeUnavailableError),
        (503, BridgeUnavailableError),
    ],
)
def test_a_refusal_says_whether_to_deliver_again(status: int, means: type[TriggerError]) -> None:
    problem = {"title": "no", "status": status, "detail": "because"}
    found = answering(status, problem)
    with pytest.raises(means) as raised:
        found.handle(Event({}, "1"))
    assert type(raised.value) is means
    found.client.close()


def test_what_is_no_bridge_is_asked_again() -> None:
    found = answering(200, {"hello": "world"})
    with pytest.raises(BridgeUnavailableError, match="not this version's bridge"):
        found.handle(Event({}, "1"))
    found.client.close()


def test_the_bridges_problems_are_told_by_path() -> None:
    problems = [{"path": "template.actions.a", "message": "is wrong; write it right"}]
    found = answering(400, {"title": "no", "status": 400, "problems": problems})
    with pytest.raises(EventRefusedError, match=r"template\.actions\.a: is wrong") as raised:
        found.handle(Event({}, "1"))
    assert (raised.value.status, len(raised.value.problems)) == (400, 1)
    found.client.close()


@pytest.mark.parametrize(
    ("more", "passes"),
    [
        ({}, True),
        ({"status": "stopped"}, False),
        ({"status": "failed"}, False),
        ({"status": "running"}, False),
        ({"phase": "released"}, False),
        ({"phase": "reverted"}, True),
    ],
)
def test_a_run_passes_if_it_completed_and_left_nothing(more: dict[str, str], passes: bool) -> None:
    record = {"id": "r", "action": "a", "fault": "f", "resource": "i-1", "ended": True}
    phase = more.pop("phase", None)
    records = [{**record, "phase": phase}] if phase else []
    found = ExperimentDetail.model_validate(run(records=records, **more))
    assert waiting.succeeded(found) is passes
    assert waiting.verdict(found).startswith("EXP1 ")
    if phase == "released":
        assert waiting.verdict(found) == "EXP1 left a fault behind: i-1"


@pytest.mark.parametrize(
    ("event", "handler"),
    [
        (events.scheduled(), aws.eventbridge),
        (events.scheduler(), aws.eventbridge),
        (events.alarm_action(), aws.eventbridge),
        (events.notifications("a"), aws.sns),
        (events.messages("a"), aws.sqs),
        (events.request_v1(), aws.http),
        (events.request_v2(), aws.http),
        (events.hook(), aws.codedeploy),
        ({"taskToken": "t"}, aws.step_functions),
        ({"Records": []}, aws.eventbridge),
        ({"Records": [{"eventSource": "aws:s3"}]}, aws.eventbridge),
        ({}, aws.eventbridge),
    ],
)
def test_each_event_has_its_handler(event: dict[str, Any], handler: Callable[..., Any]) -> None:
    assert kinds._handler(event) is handler


@pytest.mark.parametrize("broken", ["{", "[1", '{"a": 1} x', ""])
def test_a_body_that_is_no_json_stays_a_text(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    class Sees(Trigger):
        def handle(self, event: Event) -> Any:
            seen.append(event.document)
            return trigger.Answer(trigger.Result.NOTHING)

    known = answering(200, run())
    sees = Sees(known.client, RULES)
    monkeypatch.setattr("bridge.triggers.aws.requests.configured", lambda: sees)
    event = events.request_v2(body=broken)
    assert aws.http(event, Context())["statusCode"] == HTTPStatus.OK
    event = {**event, "body": "%%%", "isBase64Encoded": True}
    assert aws.http(event, Context())["statusCode"] == HTTPStatus.OK
    assert [one["body"] for one in seen] == [broken, ""]
    websocket = {"requestContext": {"routeKey": "$connect"}}
    assert json.loads(aws.http(websocket, Context())["body"])["status"] == 405
    known.client.close()
