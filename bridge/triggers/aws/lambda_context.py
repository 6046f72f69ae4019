"""What Lambda tells a handler of its invocation, as far as handlers use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Payload = dict[str, Any]
"""An event as Lambda hands it over."""


class LambdaContext(Protocol):
    """The second argument of a handler."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""


def seconds_left(context: LambdaContext) -> Callable[[], float]:
    """Return a function that says how many seconds an invocation has left."""
    return lambda: context.get_remaining_time_in_millis() / 1000
