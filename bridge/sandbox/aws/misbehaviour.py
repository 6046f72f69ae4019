"""What the emulated cloud can be told to do wrong, for the next calls of one operation."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Literal, get_args

Kind = Literal["fail", "delay", "hang", "lose_reply"]
ANY = "*"


@dataclass(slots=True)
class Misbehaviour:
    """One thing to do wrong ``times`` times (for ever by ``math.inf``).

    ``fail`` answers ``error`` with ``status`` without effect; ``delay`` waits ``seconds``
    first; ``hang`` waits until the misbehaviours are cleared or the emulator stops, and then
    drops the connection without effect; ``lose_reply`` has its effect, then drops the
    connection. ``service`` is the name that IAM actions begin with (``ec2``, ``cloudwatch``,
    ``sts``, ``eks``), ``operation`` the API's name; ``*`` is any.
    """

    kind: Kind
    service: str = ANY
    operation: str = ANY
    times: float = 1
    error: str = "InternalError"
    message: str = "The sandbox was told to fail here."
    status: int = 500
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            message = f"kind: {self.kind!r} is not one of {', '.join(get_args(Kind))}"
            raise ValueError(message)
        if not self.times > 0 or math.isnan(self.times):
            message = f"times: {self.times!r} is not a positive number"
            raise ValueError(message)

    def concerns(self, service: str, operation: str) -> bool:
        """Whether a call of that operation is meant."""
        return self.service in (ANY, service) and self.operation in (ANY, operation)


class Misbehaviours:
    """The misbehaviours still to come, taken in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[Misbehaviour] = []

    def add(self, misbehaviour: Misbehaviour) -> None:
        """Ask for one more."""
        with self._lock:
            self._waiting.append(misbehaviour)

    def take(self, service: str, operation: str) -> Misbehaviour | None:
        """Use up one time of the first that concerns the call."""
        with self._lock:
            for misbehaviour in self._waiting:
                if misbehaviour.concerns(service, operation):
                    misbehaviour.times -= 1
                    if misbehaviour.times <= 0:
                        self._waiting.remove(misbehaviour)
                    return misbehaviour
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """Answer those still to come as JSON objects."""
        with self._lock:
            return [asdict(each) for each in self._waiting]

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._waiting.clear()
