"""How monitoring systems say that an alarm rings: one module per format.

Each reads its document into `bridge.model.signal`; nothing is stored, verified or fetched here.
A format is told by its members, because no sender lets its user set a header everywhere.
"""

from __future__ import annotations

from bridge.dialects.signals.shapes import ACCEPTED, UnknownShapeError, read_signals
from bridge.dialects.signals.sns import (
    Certificate,
    SnsMessage,
    UnverifiedError,
    is_sns,
    notified,
    read_sns,
    verify,
)

__all__ = [
    "ACCEPTED",
    "Certificate",
    "SnsMessage",
    "UnknownShapeError",
    "UnverifiedError",
    "is_sns",
    "notified",
    "read_signals",
    "read_sns",
    "verify",
]
