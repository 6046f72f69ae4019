"""Google Cloud Monitoring's webhook, version 1.2; ``test`` is what its test button sends.

Facts: ``policy_name`` is the policy's display name; its resource name stands before
``/conditions/`` in ``condition.name``. ``started_at`` and ``ended_at`` are seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from bridge.dialects.signals.fields import Name, SenderDocument, Shown
from bridge.model.moment import SECOND, Micros
from bridge.model.signal import Signal, SignalState

SOURCE: Final = "gcp:monitoring:alert-policy"
WEBHOOK: Final = "a Google Cloud Monitoring webhook of version 1.2"

_Condition = Annotated[
    str,
    StringConstraints(
        max_length=1000, pattern=r"^projects/[^/\s]+/alertPolicies/[^/\s]+/conditions/[^/\s]+$"
    ),
]
_State = Annotated[
    Literal["open", "closed"],
    BeforeValidator(lambda text: text.lower() if isinstance(text, str) else text),
]
_Seconds = Annotated[int, Field(ge=0, lt=2**40)]


class _Google(SenderDocument):
    model_config = ConfigDict(alias_generator=None)


class _NamedCondition(_Google):
    name: _Condition


class _Incident(_Google):
    incident_id: Name
    state: _State
    condition: _NamedCondition
    started_at: _Seconds | None = None
    ended_at: _Seconds | None = None
    summary: Shown = ""
    policy_name: Shown = ""


class _Webhook(_Google):
    version: Literal["1.2", "test"]
    incident: _Incident


def is_webhook(document: dict[str, Any]) -> bool:
    """Say whether a document is meant as Google's."""
    return "incident" in document


def read_webhook(document: dict[str, Any]) -> list[Signal]:
    """Read a webhook. Raises pydantic's ValidationError."""
    incident = _Webhook.model_validate(document).incident
    opened = incident.state == "open"
    at = incident.started_at if opened else incident.ended_at
    return [
        Signal(
            source=SOURCE,
            value=incident.condition.name.partition("/conditions/")[0],
            instance=incident.incident_id,
            state=SignalState.TRIGGERED if opened else SignalState.CLEAR,
            reason=incident.summary or f"{incident.policy_name} {incident.state}".strip(),
            event=f"{incident.incident_id} {incident.state}",
            at=Micros(at * SECOND) if at else None,
        )
    ]
