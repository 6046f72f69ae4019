"""Events that AWS delivers and delivers again where a function fails: EventBridge, SNS, SQS.

EventBridge and SNS invoke asynchronously: a function that raises is invoked twice more, and then
the event goes to the function's dead-letter queue or on-failure destination. SQS keeps what a
batch reports as failed, until its redrive policy moves it to a dead-letter queue.
"""

from __future__ import annotations

import logging
from typing import Any

from bridge.triggers.aws.lambda_context import LambdaContext, Payload
from bridge.triggers.errors import EventRefusedError, TriggerError
from bridge.triggers.event import Event, opened, own_id
from bridge.triggers.trigger import configured

_log = logging.getLogger(__name__)


def eventbridge(event: Payload, context: LambdaContext) -> Payload:  # noqa: ARG001 - Lambda gives it
    """Carry out an event of EventBridge, its Scheduler, or an alarm that invokes the function.

    Raises TriggerError: Lambda tries again, twice.
    """
    return configured().handle(Event(event, own_id(event) or _id_of(event))).wire()


def sns(event: Payload, context: LambdaContext) -> Payload:  # noqa: ARG001 - Lambda gives it
    """Carry out notifications of SNS. Raises TriggerError: Lambda tries again, twice."""
    answers = []
    failures: list[TriggerError] = []
    for record in event["Records"]:
        notification = opened({"Type": "Notification", **record["Sns"]})
        try:
            answers.append(configured().handle(Event(notification, own_id(notification))).wire())
        except TriggerError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return {"answers": answers}


def sqs(event: Payload, context: LambdaContext) -> Payload:  # noqa: ARG001 - Lambda gives it
    """Carry out messages of SQS; those that failed are reported, and only they come again.

    The event source mapping must have ``FunctionResponseTypes: [ReportBatchItemFailures]``.
    """
    failed: list[str] = []
    in_order: set[str] = set()
    for record in event["Records"]:
        group = record.get("attributes", {}).get("MessageGroupId")
        if group in in_order:
            failed.append(record["messageId"])  # a FIFO queue: later ones of a group wait
            continue
        try:
            configured().handle(_message(record))
        except TriggerError as error:
            again = "is refused" if isinstance(error, EventRefusedError) else "failed"
            _log.error("the message %s %s: %s", record["messageId"], again, error)
            failed.append(record["messageId"])
            if group is not None:
                in_order.add(group)
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


def _message(record: Payload) -> Event:
    body = opened(record["body"])
    return Event({**record, "body": body}, own_id(body) or record["messageId"])


def _id_of(event: Any) -> str:
    """Return what an event without its source's shape says of itself."""
    found = event.get("id") if isinstance(event, dict) else None
    return found if isinstance(found, str) else ""
