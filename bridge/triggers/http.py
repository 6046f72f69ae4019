"""Requests over HTTP as events, and answers to them; the same on every platform.

Whoever may call the function may start what its rules say: its platform's own authorisation
decides who that is. Only POST does anything, so that no crawler and no preview starts a run.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from bridge.client.documents import ProblemDocument
from bridge.triggers.errors import (
    BridgeUnavailableError,
    EventRefusedError,
    NotSetUpError,
    TriggerError,
)
from bridge.triggers.event import Event, opened
from bridge.triggers.trigger import Trigger

IDEMPOTENCY_KEY: Final = "idempotency-key"
"""The header by which a client says that a request is a repetition (an IETF draft's name)."""
_KEY: Final = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
_RETRY_AFTER: Final = "5"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    id: str = ""
    """What the platform calls the request."""

    def event(self) -> Event:
        """Return what rules see; a repetition is known by the header alone.

        Raises EventRefusedError for a key that is none.
        """
        headers = {name.lower(): value for name, value in self.headers.items()}
        key = headers.get(IDEMPOTENCY_KEY)
        if key is not None and not _KEY.fullmatch(key):
            msg = "Idempotency-Key: write 1 to 255 visible characters, such as a UUID"
            raise EventRefusedError(msg, status=HTTPStatus.BAD_REQUEST)
        document = {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": headers,
            "body": opened(self.body.decode("utf-8", errors="replace")),
        }
        # Without a key or a name of its own, a request is one of its kind.
        known_by = f"key {key.strip(chr(34))}" if key else self.id or str(uuid4())
        return Event(document, known_by)


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def body(self) -> str:
        """The document as JSON."""
        return json.dumps(self.document)


def respond(request: Request, trigger: Callable[[], Trigger]) -> Response:
    """Carry out a request, and answer in HTTP's terms; nothing is raised that was foreseen."""
    if request.method != "POST":
        words = f"{request.method[:16]} does nothing here; send a POST"
        return _problem(HTTPStatus.METHOD_NOT_ALLOWED, words, {"Allow": "POST"})
    try:
        answer = trigger().handle(request.event())
    except TriggerError as error:
        return _failed(error)
    status = HTTPStatus.ACCEPTED if answer.experiments else HTTPStatus.OK
    return Response(status, answer.wire(), {"Content-Type": "application/json"})


def _failed(error: TriggerError) -> Response:
    if isinstance(error, BridgeUnavailableError):
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": _RETRY_AFTER})
    if isinstance(error, NotSetUpError):
        # Its words name settings and rights, which are not for whoever may call the function.
        _log.error("%s", error)
        words = "this function is not set up; its log says what is missing"
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, words)
    if not isinstance(error, EventRefusedError):
        raise error
    # A 404 of the bridge is about what a rule names, not about where this was sent.
    own = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)
    status = error.status if error.status in own else HTTPStatus.UNPROCESSABLE_ENTITY
    return _problem(status, str(error), problems=error.problems)


def _problem(
    status: int, words: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    document = ProblemDocument(title=words, status=status, **more)
    kind = {"Content-Type": ProblemDocument.MEDIA_TYPE}
    return Response(status, document.wire(), {**kind, **(headers or {})})
