"""What wakes a run. May touch the engine and the store's list of due runs.

Safety is the store's; a dispatcher only brings liveness.
"""

from __future__ import annotations

from typing import Protocol

from bridge.dispatch.timer import TimerDispatcher


class Dispatcher(Protocol):
    """What those who ask something of a run need: to have it looked at soon."""

    def wake(self, experiment_id: str) -> None:
        """Have a run advanced now."""


__all__ = ["Dispatcher", "TimerDispatcher"]
