"""CloudWatch alarms: the state change as an EventBridge event, and as SNS's message.

Facts: the event's ``resources`` holds the alarm's ARN, ``detail.state`` its state, for metric and
composite alarms alike; the message has ``AlarmArn`` and ``NewStateValue``.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from bridge.dialects.signals.fields import Instant, Name, SenderDocument, Shown, instant
from bridge.model.signal import Signal, SignalState

SOURCE: Final = "aws:cloudwatch:alarm"
EVENT: Final = 'an EventBridge event "CloudWatch Alarm State Change"'
MESSAGE: Final = "the message of a CloudWatch alarm"

_AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
_AlarmArn = Name


class _State(SenderDocument):
    value: _AlarmState
    reason: Shown = ""
    timestamp: Instant | None = None


class _Detail(SenderDocument):
    state: _State


class _Event(SenderDocument):
    id: Name
    detail_type: Literal["CloudWatch Alarm State Change"] = Field(alias="detail-type")
    source: Literal["aws.cloudwatch"]
    time: Instant | None = None
    resources: tuple[_AlarmArn, ...] = Field(min_length=1, max_length=1)
    detail: _Detail


class _Message(SenderDocument):
    alarm_arn: _AlarmArn = Field(alias="AlarmArn")
    new_state_value: _AlarmState = Field(alias="NewStateValue")
    new_state_reason: Shown = Field(default="", alias="NewStateReason")
    state_change_time: Instant | None = Field(default=None, alias="StateChangeTime")


def is_event(document: dict[str, Any]) -> bool:
    """Say whether a document is meant as an EventBridge event."""
    return "detail-type" in document


def is_message(document: dict[str, Any]) -> bool:
    """Say whether a document is meant as what an alarm sends to an SNS topic."""
    return "AlarmName" in document and "NewStateValue" in document


def read_event(document: dict[str, Any]) -> list[Signal]:
    """Read an EventBridge event. Raises pydantic's ValidationError."""
    event = _Event.model_validate(document)
    state = event.detail.state
    return [
        Signal(
            source=SOURCE,
            value=event.resources[0],
            state=_meaning(state.value),
            reason=state.reason,
            event=event.id,
            at=instant(state.timestamp or event.time),
        )
    ]


def read_message(document: dict[str, Any], *, event: str = "") -> list[Signal]:
    """Read the message of an alarm; ``event`` is its envelope's id. Raises ValidationError."""
    message = _Message.model_validate(document)
    return [
        Signal(
            source=SOURCE,
            value=message.alarm_arn,
            state=_meaning(message.new_state_value),
            reason=message.new_state_reason,
            event=event,
            at=instant(message.state_change_time),
        )
    ]


def _meaning(state: str) -> SignalState:
    """INSUFFICIENT_DATA is clear, as when the alarm is read."""
    return SignalState.TRIGGERED if state == "ALARM" else SignalState.CLEAR
