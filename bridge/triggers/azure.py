"""Handlers for Azure Functions, of the Python v2 model: HTTP, timer, Event Grid.

They are plain functions of ``azure.functions``' own types; a function app names them below its
decorators (``examples/functions/azure``).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

# The platform's types of events, not an SDK of the cloud: its worker has loaded it already.
import azure.functions as func

from bridge.triggers.event import Event, opened
from bridge.triggers.http import Request, respond
from bridge.triggers.trigger import configured


def http(request: func.HttpRequest) -> func.HttpResponse:
    """Answer a request."""
    asked = Request(
        method=request.method,
        path=urlsplit(request.url).path,
        query=dict(request.params),
        headers=dict(request.headers),
        body=request.get_body(),
    )
    answer = respond(asked, configured)
    return func.HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))


def timer(request: func.TimerRequest, name: str = "timer") -> None:
    """Carry out a timer's slot; ``name`` tells timers of one app apart.

    While a slot is being carried out, ``ScheduleStatus.Next`` is that slot: the host writes the
    next one down afterwards (``TimerListener`` of azure-webjobs-sdk-extensions). Raises
    TriggerError: a retry policy of the function repeats it.
    """
    # The abstract type that functions are annotated with declares less than the real one has.
    status = getattr(request, "schedule_status", None) or {}
    slot = status.get("Next")
    document = {
        "name": name,
        "slot": slot,
        "pastDue": request.past_due,
        "schedule": getattr(request, "schedule", None),
        "scheduleStatus": status,
    }
    configured().handle(Event(document, f"{name} {slot}" if slot else ""))


def event_grid(event: func.EventGridEvent | func.CloudEvent) -> None:
    """Carry out an event of Event Grid, in either of its schemas.

    Raises TriggerError: Event Grid delivers it again, 30 times within a day at most, and then
    moves it to the subscription's dead-letter container, if there is one.
    """
    document, known_by = _described(event)
    configured().handle(Event(document, known_by))


def _described(event: func.EventGridEvent | func.CloudEvent) -> tuple[dict[str, Any], str]:
    if isinstance(event, func.EventGridEvent):
        document = {
            "id": event.id,
            "topic": event.topic,
            "subject": event.subject,
            "eventType": event.event_type,
            "eventTime": event.event_time.isoformat() if event.event_time else None,
            "dataVersion": event.data_version,
            "data": opened(event.get_json()),
        }
        return document, f"{event.topic} {event.id}" if event.id else ""
    document = {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat() if event.time else None,
        "data": opened(event.get_json()),
    }
    return document, f"{event.source} {event.id}"
