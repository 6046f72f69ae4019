"""Google's CloudEvents under the real framework; Azure's timer and Event Grid by its own types."""

from __future__ import annotations

import base64
import importlib.util
import json
from typing import Any

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter
from flask.testing import FlaskClient
from functions_framework import create_app

from bridge.triggers import azure
from bridge.triggers.errors import BridgeUnavailableError, EventRefusedError
from tests.docs.pages import ROOT
from tests.triggers.conftest import Bridge, SetRules

MAIN = ROOT / "examples/functions/gcp/main.py"
APP = ROOT / "examples/functions/azure/function_app.py"
Functions = dict[str, Any]
PUBSUB = "google.cloud.pubsub.topic.v1.messagePublished"


def pubsub(text: str, identity: str = "7033081519476417") -> dict[str, Any]:
    """Eventarc: the data of a message that was published, in binary content mode."""
    return {
        "headers": {
            "ce-id": identity,
            "ce-specversion": "1.0",
            "ce-type": PUBSUB,
            "ce-source": "//pubsub.googleapis.com/projects/shop/topics/releases",
            "ce-time": "2026-11-20T09:00:00Z",
        },
        "json": {
            "message": {
                "data": base64.b64encode(text.encode()).decode(),
                "messageId": identity,
                "attributes": {"stage": "prod"},
                "publishTime": "2026-11-20T09:00:00Z",
            },
            "subscription": "projects/shop/subscriptions/releases",
        },
    }


@pytest.fixture(scope="module")
def google() -> FlaskClient:
    app = create_app(  # type: ignore[no-untyped-call] # the framework has few types
        "cloud_event", str(MAIN), "cloudevent"
    )
    client: FlaskClient = app.test_client()
    return client


def published(template: Any) -> dict[str, Any]:
    return {
        "name": "released",
        "when": f"type == '{PUBSUB}' && data.message.data.released == 'checkout' "
        "&& data.message.attributes.stage == 'prod'",
        "start": {"templateId": template},
    }


def test_a_message_of_pubsub_starts_a_run_once(
    bridge: Bridge, rules: SetRules, google: FlaskClient
) -> None:
    template = bridge.template()
    rules(published(template))
    for _ in range(2):
        assert google.post("/", **pubsub('{"released": "checkout"}')).status_code == 200
    for text in ('{"released": "carts"}', "no JSON", "\N{SNOWMAN}"):
        assert google.post("/", **pubsub(text, "other")).status_code == 200
    (run,) = bridge.runs_of(template)
    bridge.client.stop(run.id)


def test_another_cloud_event_in_structured_mode(
    bridge: Bridge, rules: SetRules, google: FlaskClient
) -> None:
    template = bridge.template()
    rules({"name": "stored", "when": "subject == 'a'", "start": {"templateId": template}})
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "//storage.googleapis.com/projects/_/buckets/shop",
        "type": "google.cloud.storage.object.v1.finalized",
        "subject": "a",
        "data": {"name": "a"},
    }
    for source in ("one", "one", "two"):
        answer = google.post(
            "/",
            data=json.dumps({**event, "source": source}),
            headers={"Content-Type": "application/cloudevents+json"},
        )
        assert answer.status_code == 200
    # An id is unique within its source only.
    assert len(bridge.runs_of(template)) == 2


def test_what_is_refused_is_acknowledged_and_logged(
    bridge: Bridge, rules: SetRules, google: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    rules(published("EXTnone"))
    assert google.post("/", **pubsub('{"released": "checkout"}')).status_code == 200
    assert "is refused and not asked for again" in caplog.text
    assert "EXTnone" in caplog.text


@pytest.mark.usefixtures("unreachable")
def test_a_bridge_that_is_away_has_google_deliver_again(google: FlaskClient) -> None:
    assert google.post("/", **pubsub("{}")).status_code == 500


@pytest.fixture(scope="module")
def app() -> Functions:
    """The functions of the example, by name, as the worker loads them."""
    spec = importlib.util.spec_from_file_location("function_app", APP)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {one.get_function_name(): one for one in module.app.get_functions()}


def user_function(app: Functions, name: str) -> Any:
    """Return what the worker calls for a function of the app."""
    return app[name].get_user_function()


def timer_of(slot: str | None, *, past_due: bool = False) -> func.TimerRequest:
    """Return what the worker makes of the host's message (TimerInfo)."""
    status = {"Last": "2026-11-19T09:00:00+00:00", "Next": slot, "LastUpdated": slot}
    info = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status if slot else None,
        "IsPastDue": past_due,
    }
    found: func.TimerRequest = TimerRequestConverter.decode(
        Datum(json.dumps(info), "json"), trigger_metadata=None
    )
    return found


def grid_of(event: dict[str, Any]) -> Any:
    return EventGridEventInConverter.decode(Datum(json.dumps(event), "json"), trigger_metadata=None)


def test_the_example_declares_its_functions(app: Functions) -> None:
    declared = {name: one.get_trigger().type for name, one in app.items()}
    assert declared == {
        "http": "httpTrigger",
        "nightly": "timerTrigger",
        "event_grid": "eventGridTrigger",
    }


def test_the_handlers_serve_a_blueprint_too(bridge: Bridge, rules: SetRules) -> None:
    rules({"name": "never", "when": "nothing", "start": {"templateId": "EXT1"}})
    blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # as it is
    blueprint.route(route="experiments", auth_level=func.AuthLevel.FUNCTION)(azure.http)
    app = func.FunctionApp()
    app.register_functions(blueprint)
    (one,) = app.get_functions()
    request = func.HttpRequest(method="POST", url="https://x.example/", body=b"{}")
    assert one.get_user_function()(request).status_code == 200


def test_a_timer_starts_one_run_for_a_slot(bridge: Bridge, rules: SetRules, app: Functions) -> None:
    template = bridge.template()
    rules({"name": "nightly", "when": "name == 'nightly'", "start": {"templateId": template}})
    nightly = user_function(app, "nightly")
    slot = "2026-11-20T09:00:00+00:00"
    nightly(timer_of(slot))
    nightly(timer_of(slot, past_due=True))  # the host died before it wrote the slot down
    assert len(bridge.runs_of(template)) == 1
    nightly(timer_of("2026-11-21T09:00:00+00:00"))
    assert len(bridge.runs_of(template)) == 2
    azure.timer(timer_of("2026-11-22T09:00:00+00:00"), name="another")
    assert len(bridge.runs_of(template)) == 2
    with pytest.raises(EventRefusedError, match=r"eventId: is needed"):
        nightly(timer_of(None))


def test_event_grid_in_both_of_its_schemas(bridge: Bridge, rules: SetRules, app: Functions) -> None:
    template = bridge.template()
    rules(
        {
            "name": "released",
            "when": "(eventType || type) == 'Shop.Released' && data.name == 'checkout'",
            "start": {"templateId": template},
        }
    )
    event_grid = user_function(app, "event_grid")
    own = {
        "id": "1807",
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid/topics/shop",
        "subject": "checkout",
        "eventType": "Shop.Released",
        "eventTime": "2026-11-20T09:00:00Z",
        "data": {"name": "checkout"},
        "dataVersion": "1.0",
        "metadataVersion": "1",
    }
    for _ in range(2):
        event_grid(grid_of(own))
    assert len(bridge.runs_of(template)) == 1
    cloud = {
        "specversion": "1.0",
        "id": "1807",
        "source": "shop",
        "type": "Shop.Released",
        "data": {"name": "checkout"},
    }
    for _ in range(2):
        event_grid(grid_of(cloud))
    event_grid(grid_of({**own, "id": "1808", "data": {"name": "carts"}}))
    assert len(bridge.runs_of(template)) == 2
    # An id is unique within its topic only.
    event_grid(grid_of({**own, "topic": "another"}))
    assert len(bridge.runs_of(template)) == 3


@pytest.mark.usefixtures("unreachable")
def test_a_bridge_that_is_away_has_azure_deliver_again(app: Functions) -> None:
    with pytest.raises(BridgeUnavailableError):
        user_function(app, "nightly")(timer_of("2026-11-20T09:00:00+00:00"))
    with pytest.raises(BridgeUnavailableError):
        user_function(app, "event_grid")(grid_of({"id": "1", "topic": "t", "data": {}}))
