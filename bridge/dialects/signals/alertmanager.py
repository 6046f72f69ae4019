"""Prometheus Alertmanager's webhook, version 4: several alerts in one post.

Facts: an alert is told from others by its labels alone; it is repeated as long as it fires
(``repeat_interval``), so what it says is what is so now, whenever it began.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from bridge.dialects.signals.fields import LONGEST_REASON, SenderDocument, Shown
from bridge.model.signal import Signal, SignalState
from providers.pushed.alertmanager import written

SOURCE: Final = "prometheus:alertmanager:alert"
WEBHOOK: Final = 'an Alertmanager webhook of version "4"'

_Label = Annotated[str, StringConstraints(max_length=10_000)]


class _Alert(SenderDocument):
    status: Literal["firing", "resolved"]
    labels: dict[_Label, _Label] = Field(min_length=1, max_length=200)
    annotations: dict[str, Any] = Field(default_factory=dict)
    fingerprint: Shown = ""
    starts_at: Shown = ""


class _Webhook(SenderDocument):
    version: Literal["4"]
    alerts: tuple[_Alert, ...]


class _Annotations(SenderDocument):
    summary: Shown = ""
    description: Shown = ""
    message: Shown = ""


def is_webhook(document: dict[str, Any]) -> bool:
    """Say whether a document is meant as Alertmanager's."""
    return "alerts" in document and "version" in document


def read_webhook(document: dict[str, Any]) -> list[Signal]:
    """Read a webhook. Raises pydantic's ValidationError."""
    return [
        Signal(
            source=SOURCE,
            value=written(alert.labels),
            state=(SignalState.TRIGGERED if alert.status == "firing" else SignalState.CLEAR),
            reason=_reason(alert),
            event=" ".join(filter(None, (alert.fingerprint, alert.starts_at))),
        )
        for alert in _Webhook.model_validate(document).alerts
    ]


def _reason(alert: _Alert) -> str:
    texts = {name: text for name, text in alert.annotations.items() if isinstance(text, str)}
    said = _Annotations.model_validate(texts)
    found = said.summary or said.description or said.message
    return found or f"{alert.labels.get('alertname', '')} {alert.status}".strip()[:LONGEST_REASON]
