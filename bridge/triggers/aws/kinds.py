"""One handler for every kind of event, told apart by its shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.triggers.aws.deliveries import eventbridge, sns, sqs
from bridge.triggers.aws.hooks import codedeploy, step_functions
from bridge.triggers.aws.lambda_context import LambdaContext, Payload
from bridge.triggers.aws.requests import http

Handler = Callable[[Payload, LambdaContext], Payload]

_BY_SOURCE: Final[dict[str, Handler]] = {"aws:sns": sns, "aws:sqs": sqs}
_BY_MEMBER: Final[dict[str, Handler]] = {
    "LifecycleEventHookExecutionId": codedeploy,
    "taskToken": step_functions,
    "requestContext": http,
}


def any_event(event: Payload, context: LambdaContext) -> Payload:
    """Give an event to the handler of its kind; what is of none, to that of EventBridge.

    Raises what that handler raises.
    """
    return _handler(event)(event, context)


def _handler(event: Payload) -> Handler:
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        source = records[0].get("eventSource") or records[0].get("EventSource")
        if source in _BY_SOURCE:
            return _BY_SOURCE[source]
    for member, handler in _BY_MEMBER.items():
        if member in event:
            return handler
    return eventbridge
