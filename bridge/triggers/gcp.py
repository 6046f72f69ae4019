"""Handlers for Google Cloud Functions (Cloud Run functions), under the Functions Framework.

``http`` answers requests, ``cloud_event`` takes what Pub/Sub and Eventarc deliver. Where retries
are switched on, Google delivers again whatever raises, for a day or for a week; so what would be
refused each time is logged and acknowledged.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.triggers.errors import EventRefusedError
from bridge.triggers.event import Event, opened, own_id
from bridge.triggers.http import Request, respond
from bridge.triggers.trigger import configured

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

_log = logging.getLogger(__name__)


def http(request: flask.Request) -> tuple[str, int, dict[str, str]]:
    """Answer a request."""
    asked = Request(
        method=request.method,
        path=request.path,
        query=request.args.to_dict(),
        headers=dict(request.headers),
        body=request.get_data(),
    )
    answer = respond(asked, configured)
    return answer.body, answer.status, dict(answer.headers)


def cloud_event(event: CloudEvent) -> None:
    """Carry out a CloudEvent. Raises TriggerError where delivering it again may help."""
    document = {**event.get_attributes(), "data": _data(event.get_data())}
    try:
        configured().handle(Event(document, own_id(document)))
    except EventRefusedError as error:
        _log.error("the event %s is refused and not asked for again: %s", event["id"], error)


def _data(data: Any) -> Any:
    """Return an event's data; what Pub/Sub carries as base64 is read."""
    found = opened(data)
    message = found.get("message") if isinstance(found, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(message.get("data"), str):
        return found
    try:
        text = base64.b64decode(message["data"], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return found
    return {**found, "message": {**message, "data": opened(text)}}
