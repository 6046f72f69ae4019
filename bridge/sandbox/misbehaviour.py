"""What an emulated cloud can be told to do wrong, for the next calls of one operation.

The same words hold for every cloud and for the cluster, in a test of the same process by the
methods of `Misbehaving`, and over HTTP by ``POST /_faultbridge/faults``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Literal, get_args

Kind = Literal["fail", "throttle", "delay", "hang", "lose_reply", "fail_late", "vanish"]
ANY = "*"
_TOLD = "The sandbox was told to fail here."


@dataclass(slots=True)
class Misbehaviour:
    """One thing to do wrong ``times`` times (for ever by ``math.inf``).

    * ``fail`` answers ``error`` with ``status``, without effect.
    * ``throttle`` answers as that cloud does to who asks too often, without effect.
    * ``delay`` waits ``seconds`` of real time first.
    * ``hang`` waits until the misbehaviours are cleared or the emulator stops, and then drops
      the connection without effect.
    * ``lose_reply`` has its effect, then drops the connection.
    * ``fail_late`` is accepted, and what it began fails with ``error`` when it should be done.
    * ``vanish`` first deletes the resources that the call names, as somebody else might.

    ``service`` and ``operation`` are the API's own names, as in the call log; ``*`` is any.
    """

    kind: Kind
    service: str = ANY
    operation: str = ANY
    times: float = 1
    error: str = "InternalError"
    message: str = _TOLD
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


class Misbehaving(ABC):
    """An emulator that can be told to go wrong; the same methods for every cloud."""

    @abstractmethod
    def misbehave(self, misbehaviour: Misbehaviour) -> None:
        """Ask for one misbehaviour more."""

    @abstractmethod
    def behave(self) -> None:
        """Take back every misbehaviour, and let go of the calls that hang."""

    def fail(
        self,
        *,
        service: str = ANY,
        operation: str = ANY,
        error: str,
        message: str = _TOLD,
        status: int = 400,
        times: float = 1,
    ) -> None:
        """Answer the next ``times`` calls with ``error`` and HTTP ``status``, without effect."""
        self.misbehave(
            Misbehaviour("fail", service, operation, times, error, message=message, status=status)
        )

    def throttle(self, *, service: str = ANY, operation: str = ANY, times: float = 1) -> None:
        """Answer the next ``times`` calls as the cloud does to who asks too often."""
        self.misbehave(Misbehaviour("throttle", service, operation, times))

    def delay(
        self, *, seconds: float, service: str = ANY, operation: str = ANY, times: float = 1
    ) -> None:
        """Wait ``seconds`` of real time before handling the next ``times`` calls."""
        self.misbehave(Misbehaviour("delay", service, operation, times, seconds=seconds))

    def hang(self, *, service: str = ANY, operation: str = ANY, times: float = 1) -> None:
        """Leave the next ``times`` calls without answer and effect until ``behave``."""
        self.misbehave(Misbehaviour("hang", service, operation, times))

    def lose_reply(self, *, service: str = ANY, operation: str = ANY, times: float = 1) -> None:
        """Carry out the next ``times`` calls, and drop the connection instead of answering."""
        self.misbehave(Misbehaviour("lose_reply", service, operation, times))

    def fail_late(
        self,
        *,
        service: str = ANY,
        operation: str = ANY,
        error: str = "InternalError",
        message: str = _TOLD,
        times: float = 1,
    ) -> None:
        """Accept the next ``times`` calls, and let what they began fail in the end."""
        self.misbehave(Misbehaviour("fail_late", service, operation, times, error, message=message))

    def vanish(self, *, service: str = ANY, operation: str = ANY, times: float = 1) -> None:
        """Delete the resources that the next ``times`` calls name, before handling them."""
        self.misbehave(Misbehaviour("vanish", service, operation, times))
