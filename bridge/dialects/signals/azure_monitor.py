"""Azure Monitor's common alert schema.

Facts: ``essentials.alertId`` names one alert and its subscription, ``alertRule`` the rule's name;
``alertRuleID``, the rule's resource id, is there for some kinds of rules only.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from pydantic import Field

from bridge.dialects.signals.fields import Instant, Name, SenderDocument, Shown, instant
from bridge.model.signal import Signal, SignalState
from providers.pushed.azure_monitor import without_id

SOURCE: Final = "azure:monitor:alert"
SCHEMA: Final = "an alert in Azure Monitor's common alert schema"

_SUBSCRIPTION: Final = re.compile(r"^/subscriptions/([^/]+)/", re.IGNORECASE)


class _Essentials(SenderDocument):
    alert_id: Name
    alert_rule: Name
    alert_rule_id: Name | None = Field(default=None, alias="alertRuleID")
    monitor_condition: Literal["Fired", "Resolved"]
    fired_date_time: Instant | None = None
    resolved_date_time: Instant | None = None
    description: Shown = ""


class _Data(SenderDocument):
    essentials: _Essentials


class _Schema(SenderDocument):
    schema_id: Literal["azureMonitorCommonAlertSchema"]
    data: _Data


def is_alert(document: dict[str, Any]) -> bool:
    """Say whether a document is meant as an Azure alert."""
    return "schemaId" in document


def read_alert(document: dict[str, Any]) -> list[Signal]:
    """Read an alert. Raises pydantic's ValidationError."""
    alert = _Schema.model_validate(document).data.essentials
    fired = alert.monitor_condition == "Fired"
    subscription = _SUBSCRIPTION.match(alert.alert_id)
    named = without_id(subscription[1] if subscription else "", alert.alert_rule)
    return [
        Signal(
            source=SOURCE,
            value=alert.alert_rule_id or named,
            instance=alert.alert_id,
            state=SignalState.TRIGGERED if fired else SignalState.CLEAR,
            reason=alert.description or f"{alert.alert_rule} {alert.monitor_condition}",
            event=f"{alert.alert_id} {alert.monitor_condition}",
            at=instant(alert.fired_date_time if fired else alert.resolved_date_time),
        )
    ]
