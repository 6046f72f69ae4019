"""The log of requests: who called what, when, and how long the cloud itself took."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """One answered request.

    ``service`` and ``operation`` are the API's own names: ``ec2`` and ``StopInstances``,
    ``compute`` and ``instances.stop``, ``Microsoft.Compute`` and ``VirtualMachines_PowerOff``,
    ``chaos-mesh.org`` and ``create networkchaos``. ``rights`` are those that the real cloud
    asks of the caller for it, in that cloud's words.

    ``at`` is its arrival in seconds since the epoch on the machine's clock. ``handling`` is
    the time in seconds that the emulated service took, ``total`` the time within the emulator
    as a whole; a benchmark takes one of them off what the client measured. ``caller`` is who
    signed, ``status`` the HTTP status (0: no answer was sent).
    """

    service: str
    operation: str
    at: float
    handling: float
    total: float
    status: int
    caller: str
    rights: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Answer the call as a JSON object."""
        return asdict(self)


class CallLog:
    """The latest hundred thousand calls, oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: deque[Call] = deque(maxlen=_KEPT)

    def add(self, call: Call) -> None:
        """Append one call."""
        with self._lock:
            self._calls.append(call)

    def snapshot(self) -> list[Call]:
        """Answer a copy of the log."""
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()
