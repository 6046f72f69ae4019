"""What each operation of the native API sends and answers; how it travels stands in `client`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from bridge.client.documents import (
    CatalogAction,
    CatalogPage,
    Document,
    EventPage,
    ExperimentDetail,
    ExperimentPage,
    ExperimentRecord,
    LeverRequest,
    LeverState,
    ProblemDocument,
    ReleaseRequest,
    StartRequest,
    StopRequest,
    Validation,
)
from bridge.client.errors import FailedError, RefusedError
from bridge.client.preflight import Preflight, PreflightRequest
from bridge.model.lever import LeverStatus

T = TypeVar("T", bound=Document)

PREFLIGHT = 60.0
"""Seconds that clouds and clusters together may take to answer."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and the document that answers it."""

    method: str
    path: str
    answer: type[T]
    query: dict[str, str | int | float] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    patience: float = 0.0
    """Seconds that the server itself may take before it answers, beside the client's time-out."""

    def read(self, status: int, content: bytes) -> T:
        """Return the answer's document. Raises RefusedError or FailedError."""
        try:
            found = json.loads(content)
            if status < HTTPStatus.BAD_REQUEST:
                return self.answer.model_validate(found)
            problem = _problem(status, found)
        except (ValueError, ValidationError):
            title = "what answered is not this version's bridge; check FAULTBRIDGE_URL"
            raise FailedError(ProblemDocument(title=title, status=status)) from None
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RefusedError(problem)
        raise FailedError(problem)


def _problem(status: int, found: Any) -> ProblemDocument:
    if isinstance(found, dict) and "title" not in found and "message" in found:
        # Refused before any router saw it: in the words of the FIS dialect.
        return ProblemDocument(title=str(found["message"]), status=status)
    return ProblemDocument.model_validate(found)


def _segment(text: str) -> str:
    return quote(text, safe="")


def validate(document: Any) -> Call[Validation]:
    """Judge a template document; nothing is stored."""
    return Call("POST", "/v1/validate", Validation, body=document)


def preflight(request: PreflightRequest) -> Call[Preflight]:
    """Ask clouds and clusters what a template lacks; nothing is changed."""
    body = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Call("POST", "/v1/preflight", Preflight, body=body, patience=PREFLIGHT)


def start(request: StartRequest) -> Call[ExperimentDetail]:
    """Start a run."""
    body = request.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Call("POST", "/v1/experiments", ExperimentDetail, body=body)


def experiments(
    *,
    after: str | None = None,
    limit: int = 100,
    template_id: str | None = None,
    only_open: bool = False,
) -> Call[ExperimentPage]:
    """List runs, the newest first: all, or those of a template, or those that have not ended."""
    query: dict[str, str | int | float] = {"limit": limit}
    if after is not None:
        query["after"] = after
    if template_id is not None:
        query["templateId"] = template_id
    if only_open:
        query["open"] = "true"
    return Call("GET", "/v1/experiments", ExperimentPage, query=query)


def experiment(experiment_id: str) -> Call[ExperimentDetail]:
    """Show a run."""
    return Call("GET", f"/v1/experiments/{_segment(experiment_id)}", ExperimentDetail)


def events(experiment_id: str, *, after: int = 0, wait: float = 0.0) -> Call[EventPage]:
    """Read a run's journal past a place, waiting up to ``wait`` seconds for something new."""
    path = f"/v1/experiments/{_segment(experiment_id)}/events"
    return Call("GET", path, EventPage, query={"after": after, "wait": wait}, patience=wait)


def stop(experiment_id: str, reason: str | None = None) -> Call[ExperimentDetail]:
    """Ask a run to stop and undo everything; one that has ended is shown as it is."""
    request = StopRequest() if reason is None else StopRequest(reason=reason)
    path = f"/v1/experiments/{_segment(experiment_id)}/stop"
    return Call("POST", path, ExperimentDetail, body=request.wire())


def release(
    experiment_id: str,
    record_id: str,
    reason: str,
    *,
    force: bool = False,
    remove_webhooks: bool = False,
) -> Call[ExperimentRecord]:
    """Give up undoing one record of a run, by force where something holds its resource."""
    path = f"/v1/experiments/{_segment(experiment_id)}/records/{_segment(record_id)}/release"
    request = ReleaseRequest(reason=reason, force=force, remove_webhooks=remove_webhooks)
    return Call("POST", path, ExperimentRecord, body=request.wire())


def lever() -> Call[LeverState]:
    """Show the safety lever."""
    return Call("GET", "/v1/lever", LeverState)


def move_lever(status: LeverStatus, reason: str) -> Call[LeverState]:
    """Engage or disengage the safety lever; a repeat is no error."""
    body = LeverRequest(status=status, reason=reason).wire()
    return Call("PUT", "/v1/lever", LeverState, body=body)


def actions() -> Call[CatalogPage]:
    """List the actions that a template can use."""
    return Call("GET", "/v1/actions", CatalogPage)


def action(action_id: str) -> Call[CatalogAction]:
    """Show an action, by id or alias."""
    return Call("GET", f"/v1/actions/{_segment(action_id)}", CatalogAction)
