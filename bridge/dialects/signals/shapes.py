"""Which format a document has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.dialects.signals import alertmanager, azure_monitor, cloudwatch, google_monitoring
from bridge.model.signal import Signal

SNS: Final = "a message of an SNS topic around one of the first two"

_Shape = tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], list[Signal]]]

_SHAPES: Final[tuple[_Shape, ...]] = (
    (cloudwatch.is_event, cloudwatch.read_event),
    (cloudwatch.is_message, cloudwatch.read_message),
    (alertmanager.is_webhook, alertmanager.read_webhook),
    (azure_monitor.is_alert, azure_monitor.read_alert),
    (google_monitoring.is_webhook, google_monitoring.read_webhook),
)
ACCEPTED: Final = (
    cloudwatch.EVENT,
    cloudwatch.MESSAGE,
    SNS,
    alertmanager.WEBHOOK,
    azure_monitor.SCHEMA,
    google_monitoring.WEBHOOK,
)


class UnknownShapeError(ValueError):
    """The document is none of the formats that are accepted; the text names them."""

    def __init__(self) -> None:
        """Name what is accepted."""
        super().__init__(f"this is no signal that is known here; send {'; or '.join(ACCEPTED)}")


def read_signals(document: Any) -> list[Signal]:
    """Read a document of any format but SNS's, which needs verifying first.

    Raises UnknownShapeError, or pydantic's ValidationError for one that breaks its own format.
    """
    if isinstance(document, dict):
        for recognises, read in _SHAPES:
            if recognises(document):
                return read(document)
    raise UnknownShapeError
