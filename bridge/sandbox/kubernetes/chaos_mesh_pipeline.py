"""One round of Chaos Mesh's controllers over one chaos resource.

Upstream's pipeline: finalizer, desired phase, conditions, records, finalizer again. Each part
reads the object anew and writes it by itself, so everything that makes the real thing hard to
watch is here too: conditions are computed before the records and lag one round behind them, in
random order; `AllRecovered` is true before anything was injected; a selector without a match
leaves a resource without records for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from bridge.sandbox.kubernetes.chaos_mesh_events import FAILED, EventRecorder
from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_KINDS
from bridge.sandbox.kubernetes.chaos_mesh_phase import MESSAGES, desired_phase, is_paused
from bridge.sandbox.kubernetes.chaos_mesh_records import (
    INJECTED,
    NOT_INJECTED,
    RecordKeeper,
    new_record,
    operation_for,
)
from bridge.sandbox.kubernetes.chaos_mesh_selection import SelectionError, select_targets

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import Misbehaviour
    from bridge.sandbox.kubernetes.objects import Key, Object, ObjectStore

FINALIZER = "chaos-mesh/records"
CLEAN_FINALIZER_ANNOTATION = "chaos-mesh.chaos-mesh.org/cleanFinalizer"

_FIRST_RETRY = timedelta(milliseconds=5)
_LONGEST_RETRY = timedelta(seconds=1000)
"""controller-runtime's exponential backoff."""


@dataclass
class Progress:
    """What the controllers remember of one resource (by uid) between two rounds.

    `wake_at` is when the next round is due even if nothing changes.
    """

    uid: str
    failures: int = 0
    retry_at: datetime | None = None
    operation: str = ""
    operation_since: datetime | None = None
    wake_at: datetime | None = None

    def wake(self, at: datetime) -> None:
        """Ask for a round at this time, or earlier if one is due then."""
        self.wake_at = at if self.wake_at is None else min(at, self.wake_at)


class Pipeline:
    """The parts of one round, over one object store."""

    def __init__(self, store: ObjectStore, *, now: Callable[[], datetime], random: Random) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._recorder = EventRecorder(store, now)
        self._records = RecordKeeper(store, now)

    def run(self, key: Key, progress: Progress, misbehaviour: Misbehaviour) -> None:
        """Take a resource, which must exist, through the pipeline once."""
        progress.wake_at = None
        self._init_finalizer(key)
        self._set_desired_phase(key, progress)
        self._set_conditions(key)
        self._reconcile_records(key, progress, misbehaviour)
        self._clean_finalizer(key, misbehaviour)

    def _init_finalizer(self, key: Key) -> None:
        chaos = self._read(key)
        metadata = chaos["metadata"]
        finalizers = metadata.setdefault("finalizers", [])
        if "deletionTimestamp" in metadata or FINALIZER in finalizers:
            return
        component = "initFinalizers"
        self._recorder.record(chaos, component, "FinalizerInited", "Finalizer has been inited")
        finalizers.append(FINALIZER)
        self._store.update(key, chaos)
        self._recorder.updated(chaos, component, "finalizer")

    def _set_desired_phase(self, key: Key, progress: Progress) -> None:
        chaos = self._read(key)
        desired = desired_phase(chaos, self._now())
        if desired.until is not None:
            progress.wake(desired.until)
        experiment = chaos.setdefault("status", {}).setdefault("experiment", {})
        if experiment.get("desiredPhase") == desired.phase:
            return
        component = "desiredphase"
        if desired.reason:
            message = MESSAGES[desired.reason]
            self._recorder.record(chaos, component, desired.reason, message)
        experiment["desiredPhase"] = desired.phase
        self._store.update(key, chaos)
        self._recorder.updated(chaos, component, "desiredPhase")

    def _set_conditions(self, key: Key) -> None:
        chaos = self._read(key)
        records = chaos["status"]["experiment"].get("containerRecords")
        phases = {record["phase"] for record in records or ()}
        states = {
            "Selected": records is not None,
            "AllInjected": phases == {INJECTED},
            "AllRecovered": phases == {NOT_INJECTED},
            "Paused": is_paused(chaos),
        }
        wanted = {name: "True" if state else "False" for name, state in states.items()}
        present = chaos["status"].get("conditions") or ()
        if {condition["type"]: condition["status"] for condition in present} == wanted:
            return
        conditions = [{"type": name, "status": status} for name, status in wanted.items()]
        self._random.shuffle(conditions)
        chaos["status"]["conditions"] = conditions
        self._store.update(key, chaos)

    def _reconcile_records(self, key: Key, progress: Progress, misbehaviour: Misbehaviour) -> None:
        chaos = self._read(key)
        kind = CHAOS_KINDS[chaos["kind"]]
        experiment = chaos["status"]["experiment"]
        if "containerRecords" not in experiment:
            try:
                targets = select_targets(self._store, kind, chaos["spec"], self._random)
            except SelectionError as error:
                message = f"Failed to select targets: {error}"
                self._recorder.record(chaos, "records", FAILED, message)
                return
            experiment["containerRecords"] = [new_record(*target) for target in targets]
        pending = [
            (record, operation)
            for record in experiment["containerRecords"]
            if (operation := operation_for(record, experiment["desiredPhase"])) is not None
        ]
        if self._is_time_for(pending, progress, misbehaviour):
            reasons = {
                self._attempt(chaos, record, operation, misbehaviour)
                for record, operation in pending
            }
            self._note_failure(progress, failed=FAILED in reasons)
        if chaos["status"] != self._read(key)["status"]:
            self._store.update(key, chaos)
            self._recorder.updated(chaos, "records", "records")

    def _attempt(
        self,
        chaos: Object,
        record: dict[str, Any],
        operation: Literal["Apply", "Recover"],
        misbehaviour: Misbehaviour,
    ) -> str:
        kind = CHAOS_KINDS[chaos["kind"]]
        outcome = self._records.attempt(chaos, kind, record, operation, misbehaviour)
        if outcome.reason:
            self._recorder.record(chaos, "records", outcome.reason, outcome.message)
        return outcome.reason

    def _is_time_for(
        self,
        pending: list[tuple[dict[str, Any], Literal["Apply", "Recover"]]],
        progress: Progress,
        misbehaviour: Misbehaviour,
    ) -> bool:
        if not pending:
            progress.operation = ""
            return False
        now, operation = self._now(), pending[0][1]
        if progress.operation != operation:
            progress.operation, progress.operation_since = operation, now
            progress.failures, progress.retry_at = 0, None
        since = progress.operation_since or now
        start = max(since + misbehaviour.delay, progress.retry_at or since)
        if start > now:
            progress.wake(start)
        return start <= now

    def _note_failure(self, progress: Progress, *, failed: bool) -> None:
        if not failed:
            progress.failures, progress.retry_at = 0, None
            return
        # 2 ** 18 * 5 ms is past the longest pause already.
        pause = min(_FIRST_RETRY * 2 ** min(progress.failures, 18), _LONGEST_RETRY)
        progress.failures += 1
        progress.retry_at = self._now() + pause
        progress.wake(progress.retry_at)

    def _clean_finalizer(self, key: Key, misbehaviour: Misbehaviour) -> None:
        chaos = self._read(key)
        metadata = chaos["metadata"]
        if "deletionTimestamp" not in metadata:
            return
        records = chaos["status"]["experiment"].get("containerRecords", [])
        forced = (metadata.get("annotations") or {}).get(CLEAN_FINALIZER_ANNOTATION) == "forced"
        recovered = all(record["phase"] == NOT_INJECTED for record in records)
        if not forced and (misbehaviour.stuck_finalizer or not recovered):
            return
        component = "cleanFinalizers"
        # The reason is upstream's slip: there is no FinalizerRemoved.
        self._recorder.record(chaos, component, "FinalizerInited", "Finalizer has been removed")
        # All of them, foreign ones too.
        metadata["finalizers"] = []
        self._store.update(key, chaos)
        self._recorder.updated(chaos, component, "finalizer")

    def _read(self, key: Key) -> Object:
        chaos = self._store.get(key)
        if chaos is None:
            raise LookupError(f"{key.resource} {key.name} vanished while it was reconciled")
        return chaos
