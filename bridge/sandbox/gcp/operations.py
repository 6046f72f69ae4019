"""Operations: what a change answers, and what is asked until it is done.

Compute Engine API reference, zoneOperations, regionOperations and globalOperations (the
resource); "Handle API responses" for their states.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.sandbox.gcp.cloud import LINK, Cloud, Resource, link, scope_of, timestamp
from bridge.sandbox.gcp.errors import http_phrase, invalid
from bridge.sandbox.gcp.request import GcpRequest
from bridge.sandbox.transitions import LateFailure

REQUEST_ID_VALID = timedelta(minutes=60)
"""How long a ``requestId`` is remembered (API reference, the parameter of each change)."""
_PENDING_SHARE = 0.25
_STATUS_OF = {
    "CONDITION_NOT_MET": 412,
    "QUOTA_EXCEEDED": 403,
    "RESOURCE_ALREADY_EXISTS": 409,
    "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE": 400,
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_NOT_READY": 400,
}
"""The HTTP status of an operation's error; 500 for any other."""


@dataclass(slots=True)
class Operation:
    """One change that was accepted."""

    name: str
    number: str
    scope: str
    kind: str
    target: str
    target_id: str
    user: str
    inserted: datetime
    seconds: float
    method: str
    request_id: str | None = None
    ended: datetime | None = None
    failure: LateFailure | None = None

    @property
    def path(self) -> str:
        """The path under which it is asked for."""
        project = self.target.split("/")[1]
        return f"projects/{project}/{self.scope}/operations/{self.name}"

    def render(self, now: datetime) -> Resource:
        """Answer it as the API does at that time.

        It is PENDING for the first quarter of its time and RUNNING for the rest (our choice:
        the reference gives no times). ``progress`` is "an optional progress indicator".
        """
        started = self.inserted + timedelta(seconds=self.seconds * _PENDING_SHARE)
        content: Resource = {
            "kind": "compute#operation",
            "id": self.number,
            "name": self.name,
            "operationType": self.kind,
            "targetLink": link(self.target),
            "targetId": self.target_id,
            "user": self.user,
            "insertTime": timestamp(self.inserted),
            "selfLink": link(self.path),
            "status": "PENDING",
            "progress": 0,
        }
        if self.scope != "global":
            place, _ = self.scope.split("/")
            content[place[:-1]] = f"{LINK}projects/{self.target.split('/')[1]}/{self.scope}"
        if self.request_id is not None:
            content["clientOperationId"] = self.request_id
        if self.ended is not None:
            content |= {"status": "DONE", "progress": 100, "endTime": timestamp(self.ended)}
            content["startTime"] = timestamp(min(started, self.ended))
        elif now > started:
            share = (now - self.inserted).total_seconds() / self.seconds
            content |= {"status": "RUNNING", "progress": min(99, int(100 * share))}
            content["startTime"] = timestamp(started)
        if self.failure is not None:
            status = _STATUS_OF.get(self.failure.code, 500)
            content["httpErrorStatusCode"] = status
            content["httpErrorMessage"] = http_phrase(status)
            error = {"code": self.failure.code, "message": self.failure.message}
            content["error"] = {"errors": [error]}
        return content


def begin(
    cloud: Cloud,
    asked: GcpRequest,
    finish: Callable[[], LateFailure | None],
    fail: Callable[[], None],
    *,
    kind: str = "",
    target: str = "",
    target_id: str = "",
) -> Operation:
    """Accept a change: ``finish`` or ``fail`` is called when its time is over.

    ``finish`` looks again, and answers why the change does not come about after all. ``kind``
    is the ``operationType``, by default the method's last word; ``target_id`` is given for
    what is yet to be made. Where the target is gone by then, or is another of that name,
    neither is called and the operation says so.
    """
    target = target or asked.path
    resource = cloud.find(target)
    number = cloud.new_id()
    operation = Operation(
        name=f"operation-{int(cloud.clock().timestamp() * 1000)}-{number}",
        number=number,
        scope=scope_of(target),
        kind=kind or asked.operation.split(".")[-1],
        target=target,
        target_id=target_id or (resource["id"] if resource else "0"),
        user=asked.caller,
        inserted=cloud.clock(),
        seconds=cloud.transition_seconds,
        method=f"{asked.verb} {asked.http.path}",
        request_id=asked.query.get("requestId"),
    )
    cloud.operations[operation.path] = operation

    def end(change: Callable[[], LateFailure | None]) -> None:
        operation.ended = operation.inserted + timedelta(seconds=operation.seconds)
        if cloud.find(target) is resource:
            operation.failure = change()
        elif resource is None:
            message = f"The resource '{target}' already exists"
            operation.failure = LateFailure("RESOURCE_ALREADY_EXISTS", message)
        elif operation.kind != "delete":
            message = f"The resource '{target}' was not found"
            operation.failure = LateFailure("RESOURCE_NOT_FOUND", message)

    def told_to_fail(failure: LateFailure) -> LateFailure:
        fail()
        return failure

    cloud.transitions.begin(
        operation.name,
        operation.seconds,
        lambda: end(finish),
        lambda failure: end(lambda: told_to_fail(failure)),
    )
    return operation


def nothing() -> None:
    """Change nothing: what a request for the present state comes to."""


def repeated(cloud: Cloud, asked: GcpRequest) -> Operation | None:
    """Answer the operation that the same ``requestId`` began before, if there is one.

    "The request ID must be a valid UUID with the exception that zero UUID is not supported";
    "the server can check if original operation with the same request ID was received, and if
    so, will ignore the second request" (API reference, ``requestId``). That the same id with
    another method or resource is refused is our choice.
    """
    text = asked.query.get("requestId")
    if text is None:
        return None
    try:
        valid = uuid.UUID(text).int != 0
    except ValueError:
        valid = False
    if not valid:
        raise invalid("requestId", text, "The request id must be a valid, non-zero UUID.")
    now = cloud.clock()
    for operation in reversed(cloud.operations.values()):
        if operation.request_id == text and now - operation.inserted < REQUEST_ID_VALID:
            if operation.method != f"{asked.verb} {asked.http.path}":
                raise invalid("requestId", text, "It was used for another request.")
            return operation
    return None
