"""What the rules of all emulated services share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import RLock

from bridge.sandbox.clock import Clock
from bridge.sandbox.transitions import Transitions

ACCOUNT_ID = "123456789012"
CALLER_NAME = "sandbox"
CALLER_ARN = f"arn:aws:iam::{ACCOUNT_ID}:user/{CALLER_NAME}"
CALLER_KEY_ID = "FAULTBRIDGESANDBOX00"
CALLER_SECRET = "sandbox-only-not-a-real-secret"  # noqa: S105 - opens the emulator, nothing else


@dataclass(slots=True)
class Cloud:
    """Clock, speed and unfinished changes of one emulated account.

    ``transition_seconds`` is how long each change of state takes; on EC2 it is tens of
    seconds. ``terminated_visible_seconds`` is how long a terminated instance is still
    described ("approximately one hour", EC2 API reference, TerminateInstances).
    """

    clock: Clock
    transition_seconds: float
    terminated_visible_seconds: float
    lock: RLock = field(default_factory=RLock)
    transitions: Transitions = field(init=False)
    never_ran: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.transitions = Transitions(self.clock)

    def complete_transitions(self) -> None:
        """Finish every change under way now; terminated instances stay visible."""
        with self.lock:
            horizon = self.clock() + timedelta(seconds=self.transition_seconds)
            self.transitions.settle_at(horizon)
