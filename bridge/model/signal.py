"""A signal: what another system says, by itself, of a condition that may stop runs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from bridge.model.moment import Micros


class SignalState(StrEnum):
    """What a signal says of its condition."""

    TRIGGERED = "triggered"
    CLEAR = "clear"


class Signal(BaseModel):
    """One signal, whatever its sender's format was."""

    model_config = ConfigDict(frozen=True)

    source: str
    """The source of the stop conditions that it is for (``aws:cloudwatch:alarm``)."""
    value: str
    """The condition, as its system names it: an ARN, a resource id, an alert's labels."""
    instance: str = ""
    """Which of several alerts of one condition this is; empty where there is only one."""
    state: SignalState
    reason: str = ""
    event: str = ""
    """The sender's id of the event, to tell a redelivery by."""
    at: Micros | None = None
    """When the state began; None where the signal says what is so now, not what happened."""

    @property
    def key(self) -> str:
        """What is said of it is kept under this name."""
        # No value has a line break: their writers escape or refuse it.
        return f"{self.value}\n{self.instance}" if self.instance else self.value

    @staticmethod
    def value_of(key: str) -> str:
        """Return the condition that a key stands for."""
        return key.partition("\n")[0]
