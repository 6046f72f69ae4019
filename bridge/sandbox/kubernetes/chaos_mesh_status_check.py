"""Chaos Mesh's StatusCheck, simulated: no request is sent, the outcome is told.

A probe succeeds, unless the annotation ``sandbox.faultbridge/probe`` of the resource (or of its
namespace) says ``failure``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.chaos_mesh_children import has
from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.control_loop import Reconciler
from bridge.sandbox.kubernetes.go_duration import parse_go_duration
from bridge.sandbox.kubernetes.objects import Key, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

PROBE_ANNOTATION = "sandbox.faultbridge/probe"


class StatusChecks(Reconciler):
    """The controller of StatusChecks over one object store."""

    def __init__(self, store: ObjectStore, *, now: Callable[[], datetime]) -> None:
        super().__init__(store, now, lambda key: key[:2] == (GROUP, "statuschecks"))

    def _reconcile(self, key: Key) -> None:
        check = self._store.get(key)
        if check is None or "deletionTimestamp" in check["metadata"]:
            return
        spec, status, now = check["spec"], check.setdefault("status", {}), self._now()
        if has(check, "Completed"):
            return
        started = status.setdefault("startTime", timestamp(now))
        records: list[dict[str, Any]] = status.setdefault("records", [])
        interval = timedelta(seconds=spec.get("intervalSeconds", 10))
        due = _moment(records[-1]["startTime"]) + interval if records else now
        if now >= due:
            outcome = "Failure" if self._fails(check) else "Success"
            records.append({"startTime": timestamp(now), "outcome": outcome})
            del records[: -spec.get("recordsHistoryLimit", 100)]
            due = now + interval
        failed = _run_of(records, "Failure") >= spec.get("failureThreshold", 3)
        succeeded = _run_of(records, "Success") >= spec.get("successThreshold", 1)
        length = _length(spec.get("duration"))
        over = length is not None and now >= _moment(started) + length
        completed = failed or over or (succeeded and spec.get("mode") != "Continuous")
        states = {
            "Completed": completed,
            "DurationExceed": over,
            "FailureThresholdExceed": failed,
            "SuccessThresholdExceed": succeeded,
        }
        status["conditions"] = [
            {"type": name, "status": "True" if state else "False"} for name, state in states.items()
        ]
        if completed:
            status["completionTime"] = timestamp(now)
        else:
            end = None if length is None else _moment(started) + length
            self._due[key] = due if end is None else min(due, end)
        self._store.update(key, check)

    def _fails(self, check: Object) -> bool:
        namespace = self._store.get(("", "namespaces", "", check["metadata"]["namespace"])) or {}
        return any(
            (one.get("metadata", {}).get("annotations") or {}).get(PROBE_ANNOTATION) == "failure"
            for one in (check, namespace)
        )


def _run_of(records: list[dict[str, Any]], outcome: str) -> int:
    """Count the records of one outcome at the end."""
    count = 0
    for record in reversed(records):
        if record["outcome"] != outcome:
            break
        count += 1
    return count


def _length(text: str | None) -> timedelta | None:
    try:
        return parse_go_duration(text) if text else None
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
