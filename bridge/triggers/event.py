"""An event as rules see it: as its platform shows it, with texts that hold JSON opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_NESTED: Final = 4
"""EventBridge in SNS in SQS are three."""


@dataclass(frozen=True)
class Event:
    """What happened, and by what a repetition of it is known."""

    document: Any
    id: str = ""
    """The same each time that it is delivered; empty where the platform says nothing."""


def opened(value: Any, depth: int = _NESTED) -> Any:
    """Return what a text of JSON says, and within it a notification's ``Message``.

    A text that is no JSON object or list is returned as it is.
    """
    found = value
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if depth and _is_notification(found):
        return {**found, "Message": opened(found["Message"], depth - 1)}
    return found


def own_id(document: Any) -> str:
    """Return by what the innermost event of an opened document is known; empty where by nothing.

    A queue may get a message twice, under two ids of its own; what is in it has one.
    """
    if not isinstance(document, Mapping):
        return ""
    if _is_notification(document):
        return own_id(document["Message"]) or str(document.get("MessageId") or "")
    if "detail-type" in document:  # EventBridge
        return str(document.get("id") or "")
    if "specversion" in document:  # CloudEvents: unique together with its source
        return _joined(document.get("source"), document.get("id"))
    alarm = document.get("alarmData")
    if isinstance(alarm, Mapping):  # an alarm's own action
        state = alarm.get("state")
        changed = state.get("timestamp") if isinstance(state, Mapping) else None
        return _joined(document.get("alarmArn"), changed)
    return ""


def _joined(*parts: Any) -> str:
    return " ".join(map(str, parts)) if all(parts) else ""


def _is_notification(document: Any) -> bool:
    return (
        isinstance(document, Mapping)
        and document.get("Type") == "Notification"
        and "Message" in document
        and "TopicArn" in document
    )
