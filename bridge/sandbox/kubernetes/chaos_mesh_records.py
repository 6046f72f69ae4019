"""Records: what a chaos resource does to each of its targets, one step at a time.

A record goes round in a circle: Not Injected, (Not Injected/Wait,) Injected, (Injected/Wait,)
Not Injected. It never turns back half-way: what is half injected is injected before it is
recovered. The steps in brackets exist for kinds that hand the work to another resource first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from bridge.sandbox.kubernetes import chaos_mesh_effects as effects
from bridge.sandbox.kubernetes.objects import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.chaos_mesh_kinds import ChaosKind
    from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import Misbehaviour
    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

NOT_INJECTED = "Not Injected"
INJECTED = "Injected"
_WAIT = "/Wait"

MAX_EVENTS = 100
"""Events kept per record, the oldest dropped first (Chaos Mesh's MAX_EVENTS default)."""


@dataclass(frozen=True)
class Attempt:
    """What one attempt at one record came to: an event's reason and message, "" for none."""

    reason: Literal["", "Applied", "Recovered", "Failed"] = ""
    message: str = ""


def new_record(selector_key: str, record_id: str) -> dict[str, Any]:
    """A record of a target that has just been selected."""
    return {
        "id": record_id,
        "selectorKey": selector_key,
        "phase": NOT_INJECTED,
        "injectedCount": 0,
        "recoveredCount": 0,
    }


def operation_for(record: dict[str, Any], desired: str) -> Literal["Apply", "Recover"] | None:
    """Decide what a record needs next for the desired phase; None when it is there."""
    phase: str = record["phase"]
    if phase == (INJECTED if desired == "Run" else NOT_INJECTED):
        return None
    return "Apply" if phase.startswith(NOT_INJECTED) else "Recover"


def _refuse(operation: str, misbehaviour: Misbehaviour) -> None:
    if operation == "Apply" and misbehaviour.never_inject:
        raise effects.EffectError("the sandbox was told never to inject this")
    if operation == "Recover" and misbehaviour.never_recover:
        raise effects.EffectError("the sandbox was told never to recover this")


class RecordKeeper:
    """Carries out operations on records and notes their outcome in them."""

    def __init__(self, store: ObjectStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def attempt(
        self,
        chaos: Object,
        kind: ChaosKind,
        record: dict[str, Any],
        operation: Literal["Apply", "Recover"],
        misbehaviour: Misbehaviour,
    ) -> Attempt:
        """Take a record one step on, in place, and put the fault into effect or off."""
        start, end = (NOT_INJECTED, INJECTED) if operation == "Apply" else (INJECTED, NOT_INJECTED)
        try:
            _refuse(operation, misbehaviour)
            if record["selectorKey"] == ".":
                effects.reach(self._store, chaos, record["id"], gone_fails=misbehaviour.target_gone)
            if kind.asks_daemon and record["phase"] == start:
                record["phase"] = start + _WAIT
                return Attempt()
            # A target record only says where traffic goes; its pods suffer nothing.
            if record["selectorKey"] == ".":
                act = effects.inject if operation == "Apply" else effects.recover
                act(self._store, chaos, record["id"])
        except effects.EffectError as error:
            self._note(record, "Failed", operation, str(error))
            return Attempt("Failed", f"Failed to {operation.lower()} chaos: {error}")
        record["phase"] = end
        record["injectedCount" if operation == "Apply" else "recoveredCount"] += 1
        self._note(record, "Succeeded", operation, "")
        self._keep_instance(chaos, kind, record)
        reason: Literal["Applied", "Recovered"] = "Applied" if operation == "Apply" else "Recovered"
        return Attempt(reason, f"Successfully {operation.lower()} chaos for {record['id']}")

    def _note(self, record: dict[str, Any], outcome: str, operation: str, message: str) -> None:
        event = {
            "type": outcome,
            "operation": operation,
            "timestamp": timestamp(self._now()),
        }
        if message:
            event["message"] = message
        record["events"] = [*record.get("events", ()), event][-MAX_EVENTS:]

    def _keep_instance(self, chaos: Object, kind: ChaosKind, record: dict[str, Any]) -> None:
        if not kind.instances:
            return
        instances = chaos["status"].setdefault("instances", {})
        if record["phase"] != INJECTED:
            instances.pop(record["id"], None)
        elif kind.name == "StressChaos":
            started = timestamp(self._now())
            instances[record["id"]] = {"uid": chaos["metadata"]["uid"], "startTime": started}
        else:
            instances[record["id"]] = 1
        if not instances:
            del chaos["status"]["instances"]
