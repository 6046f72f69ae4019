"""Time as the emulated cloud sees it, so that tests need not wait for an instance to stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Answers the present moment as an aware UTC time."""


def system_clock() -> datetime:
    """Answer the machine's time."""
    return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is told to move on.

    It starts at the machine's present time: the SDKs compare the expiry of assumed
    credentials with that, and would renew them at once in another century.
    """

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Answer the clock's present time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._now += timedelta(seconds=seconds)
