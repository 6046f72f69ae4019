"""The Kubernetes events that Chaos Mesh's controllers write about a chaos resource."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.objects import ObjectNotFoundError, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

_KEPT_FOR = timedelta(hours=1)
"""The API server's own default (`--event-ttl`)."""

FAILED = "Failed"


class EventRecorder:
    """Writes events into the store, and removes its own when they are an hour old."""

    def __init__(self, store: ObjectStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._written: deque[tuple[datetime, tuple[str, str, str, str]]] = deque()

    def record(self, chaos: Object, component: str, reason: str, message: str) -> None:
        """Write one event; `component` is the controller's step. Only `Failed` is a Warning."""
        self._forget_old()
        now, metadata = self._now(), chaos["metadata"]
        key = self._free_key(metadata, now)
        self._store.create(
            key,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {},
                "involvedObject": {
                    "apiVersion": chaos["apiVersion"],
                    "kind": chaos["kind"],
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "resourceVersion": metadata["resourceVersion"],
                },
                "type": "Warning" if reason == FAILED else "Normal",
                "reason": reason,
                "message": message,
                "source": {"component": component},
                "firstTimestamp": timestamp(now),
                "lastTimestamp": timestamp(now),
                "count": 1,
                "reportingComponent": "",
                "reportingInstance": "",
            },
            generation=None,
        )
        self._written.append((now, key))

    def _free_key(self, metadata: dict[str, Any], now: datetime) -> tuple[str, str, str, str]:
        """Name an event by its time, as upstream; two of the same moment a nanosecond apart."""
        nanoseconds = int(now.timestamp() * 1e6) * 1000
        while True:
            name = f"{metadata['name']}.{nanoseconds:x}"
            key = ("", "events", metadata["namespace"], name)
            if self._store.get(key) is None:
                return key
            nanoseconds += 1

    def updated(self, chaos: Object, component: str, field: str) -> None:
        """Write the event that follows each change of a field."""
        message = f"Successfully update {field} of resource"
        self.record(chaos, component, "Updated", message)

    def _forget_old(self) -> None:
        while self._written and self._now() - self._written[0][0] > _KEPT_FOR:
            try:
                self._store.delete(self._written.popleft()[1])
            except ObjectNotFoundError:
                continue
