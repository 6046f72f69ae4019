"""Long-running operations, in both of ARM's styles.

Resource Provider Contract, "Asynchronous Operations": ``Azure-AsyncOperation`` leads to a
document with a ``status`` (InProgress, Succeeded, Failed, Canceled); ``Location`` answers 202
until the operation is over and then its result.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.transitions import LateFailure

if TYPE_CHECKING:
    from bridge.sandbox.azure.request import ArmRequest
    from bridge.sandbox.azure.subscription import Resource, Subscription

IN_PROGRESS, SUCCEEDED, FAILED, CANCELED = "InProgress", "Succeeded", "Failed", "Canceled"
PREEMPTED = LateFailure(
    "OperationPreempted", "Operation execution has been preempted by a more recent operation."
)
_LOST = LateFailure("ResourceNotFound", "The resource was deleted while the operation ran.")


@dataclass
class Operation:
    """One operation. ``preemptible`` is one that a more recent of its kind takes the place of."""

    id: str
    path: str
    started: str
    preemptible: bool
    result: Callable[[], Any]
    give_up: Callable[[LateFailure], None]
    status: str = IN_PROGRESS
    ended: str = ""
    error: LateFailure | None = None

    def end(self, subscription: Subscription, status: str, error: LateFailure | None) -> None:
        """Note the outcome."""
        self.status, self.error, self.ended = status, error, subscription.now()

    def preempt(self, subscription: Subscription) -> None:
        """End before a more recent operation, which takes the resource as it is."""
        subscription.transitions.give_up(self.id)
        self.end(subscription, CANCELED, PREEMPTED)

    def lose_its_resource(self, subscription: Subscription) -> None:
        """End because somebody deleted the resource."""
        subscription.transitions.give_up(self.id)
        self.give_up(_LOST)
        self.end(subscription, FAILED, _LOST)

    def document(self) -> dict[str, Any]:
        """Write the status document."""
        written: dict[str, Any] = {
            "name": self.id,
            "status": self.status,
            "startTime": self.started,
        }
        if self.ended:
            written["endTime"] = self.ended
        if self.error:
            written["error"] = {"code": self.error.code, "message": self.error.message}
        return written


def begin(
    subscription: Subscription,
    asked: ArmRequest,
    resources: list[Resource],
    *,
    finish: Callable[[], None],
    fail: Callable[[], None],
    result: Callable[[], Any] = lambda: None,
    preemptible: bool = False,
) -> Operation:
    """Begin an operation on resources that are not busy.

    ``finish`` or ``fail`` is called when it is over; ``result`` answers what ``Location`` then
    leads to.
    """
    location = next((r.body["location"] for r in resources if "location" in r.body), "eastus")
    operation_id = str(uuid.uuid4())
    path = (
        f"/subscriptions/{subscription.id}/providers/{asked.service}/locations/{location}"
        f"/operations/{operation_id}"
    )

    def free() -> None:
        for resource in resources:
            if resource.busy is operation:
                resource.busy = None

    def finished() -> None:
        free()
        finish()
        operation.end(subscription, SUCCEEDED, None)

    def failed(failure: LateFailure) -> None:
        free()
        fail()
        operation.end(subscription, FAILED, failure)

    operation = Operation(operation_id, path, subscription.now(), preemptible, result, failed)
    for resource in resources:
        resource.busy = operation
    subscription.operations[operation_id] = operation
    seconds = subscription.transition_seconds
    subscription.transitions.begin(operation_id, seconds, finished, failed)
    return operation


def accepted(
    subscription: Subscription,
    asked: ArmRequest,
    operation: Operation,
    body: Any = None,
    status: int = 202,
) -> Response:
    """Answer the beginning of an operation with the headers that lead to its end."""
    version = f"api-version={asked.query('api-version')}"
    url = f"{asked.host}{operation.path}?"
    headers = {"Retry-After": str(subscription.retry_after)}
    if subscription.lro == "both":
        headers["Azure-AsyncOperation"] = url + version
    if subscription.lro == "location" or asked.method in ("POST", "DELETE"):
        headers["Location"] = f"{url}monitor=true&{version}"
    return answer(body, status, headers)


def look(subscription: Subscription, asked: ArmRequest) -> Response:
    """Answer where an operation stands; ``monitor=true`` is what ``Location`` leads to."""
    operation = subscription.operations.get(asked.parameters["operation"])
    if operation is None or operation.path.lower() != asked.path.lower():
        message = f"The operation {asked.parameters['operation']} is not found."
        raise ArmError("NotFound", message, 404)
    waiting = {"Retry-After": str(subscription.retry_after)}
    under_way = operation.status == IN_PROGRESS
    if not asked.flag("monitor"):
        return answer(operation.document(), 200, waiting if under_way else None)
    if under_way:
        url = f"{asked.host}{asked.path}?{asked.http.query_string.decode()}"
        return answer(None, 202, {**waiting, "Location": url})
    if operation.error:
        raise ArmError(operation.error.code, operation.error.message, 409)
    result = operation.result()
    return answer(result, 200 if result is not None else 204)
