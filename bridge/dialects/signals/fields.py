"""What the fields of all formats have in common: bounds, and text that can be shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from bridge.model.moment import Micros

LONGEST_REASON: Final = 512
"""FIS's limit of a state's reason."""


class SenderDocument(BaseModel):
    """Base of what a sender writes: members that nobody needs here are ignored."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


def _shown(value: Any) -> Any:
    """Return a text in one line, cut: a reason that is too long is no reason not to stop."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    printable = "".join(c if c.isprintable() else " " for c in value[: 4 * LONGEST_REASON])
    return " ".join(printable.split())[:LONGEST_REASON]


Shown = Annotated[str, BeforeValidator(_shown)]
"""Text that is only shown."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]+$")]
"""Text that names a condition, an alert or an event."""

Instant = AwareDatetime
"""A time with its zone."""


def instant(moment: datetime | None) -> Micros | None:
    """Return a sender's time as ours; one outside what can be counted is none."""
    if moment is None:
        return None
    seconds = moment.timestamp()
    return Micros(int(seconds * 1_000_000)) if seconds > 0 else None
