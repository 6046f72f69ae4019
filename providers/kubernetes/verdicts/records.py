"""The verdict of the chaos kinds of Chaos Mesh: the records of each target.

Judged by the records, never by the conditions: those come in random order, lag one reconcile, and
say AllRecovered before anything was injected.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from providers.contract import Effect, Observation
from providers.kubernetes.resource import CustomResource, metadata, moment
from providers.kubernetes.verdicts.status import (
    Around,
    annotation_is_true,
    line,
    object_of,
    objects_of,
)

PAUSE: Final = "experiment.chaos-mesh.org/pause"


def judge(
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,
    around: Around,  # noqa: ARG001 - the records say all
) -> Observation:
    """Judge a chaos resource that is not being deleted."""
    experiment = experiment_of(manifest)
    records = objects_of(experiment.get("containerRecords"))
    if resource.remote and not records:
        return _of_a_copy(resource, manifest, now)
    inside = [record for record in records if record.get("phase") == "Injected"]
    if not resource.one_shot and experiment.get("desiredPhase") == "Stop":
        return _stopped(resource, manifest, records, now)
    if records and len(inside) == len(records):
        return Observation(Effect.ENDED if resource.one_shot else Effect.PRESENT)
    return Observation(Effect.APPLYING, _applying(records, inside, experiment))


def experiment_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return `status.experiment`."""
    return object_of(object_of(manifest.get("status")).get("experiment"))


def records_of(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the records of the targets."""
    return objects_of(experiment_of(manifest).get("containerRecords"))


def ever_injected(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records whose target had the fault at some time."""
    return [
        record
        for record in records
        if record.get("injectedCount") or str(record.get("phase", "")) == "Injected"
    ]


def counted(manifest: Mapping[str, Any]) -> str:
    """Say how many targets have the fault now; empty before there are any."""
    records = records_of(manifest)
    inside = sum(record.get("phase") == "Injected" for record in records)
    return f"{inside} of {len(records)} targets injected" if records else ""


def failure(records: list[dict[str, Any]], operation: str) -> str:
    """Return the first target whose last event of this operation is a failure, in words."""
    for record in records:
        message = failed_message(record, operation)
        if message is not None:
            verb = "injected into" if operation == "Apply" else "recovered from"
            words = message or "no reason was given"
            return f"{line(record.get('id'))} cannot be {verb}: {words}"
    return ""


def failed_message(record: Mapping[str, Any], operation: str) -> str | None:
    """Return the message of a target's last event of an operation if that is a failure."""
    events = [e for e in objects_of(record.get("events")) if e.get("operation") == operation]
    return (
        line(events[-1].get("message")) if events and events[-1].get("type") == "Failed" else None
    )


def why_not(records: list[dict[str, Any]]) -> str:
    """Say why nothing was injected."""
    if not records:
        return "the selector matches no target"
    return failure(records, "Apply") or "no target was reached"


def expired(resource: CustomResource, manifest: Mapping[str, Any], now: datetime) -> bool:
    """Say whether its duration is over, which Chaos Mesh counts from the creation."""
    created = moment(metadata(manifest).get("creationTimestamp"))
    if resource.lasts is None or created is None:
        return False
    return now - created >= timedelta(seconds=resource.lasts)


def _of_a_copy(resource: CustomResource, manifest: Mapping[str, Any], now: datetime) -> Observation:
    """Judge by nothing: the copy in the other cluster may do its work, or may not exist.

    The status is not always brought back, so no records here mean nothing.
    """
    words = (
        f"Chaos Mesh has it carried out in the remote cluster {line(resource.remote)}, and its "
        "status there is not shown here"
    )
    if not resource.one_shot and expired(resource, manifest, now):
        return Observation(
            Effect.FAILED,
            f"its duration is over, but whether it was injected cannot be told: {words}. Look "
            f"there: kubectl get {resource.plural or resource.kind.lower()} {resource.name} -n "
            f"{resource.namespace} -o yaml",
        )
    return Observation(Effect.APPLYING, words)


def _stopped(
    resource: CustomResource,
    manifest: Mapping[str, Any],
    records: list[dict[str, Any]],
    now: datetime,
) -> Observation:
    worked = ever_injected(records)
    if any(record.get("phase") != "Not Injected" for record in records):
        return Observation(Effect.LIFTING, failure(records, "Recover"))
    if not expired(resource, manifest, now):
        paused = annotation_is_true(manifest, PAUSE)
        reason = f"paused by the annotation {PAUSE}; its duration goes on" if paused else ""
        return Observation(Effect.PRESENT if worked else Effect.APPLYING, reason)
    if not worked:
        return Observation(
            Effect.FAILED, f"never injected: {why_not(records)}; its duration is over"
        )
    missed = [record for record in records if record not in worked]
    if not missed:
        return Observation(Effect.ENDED)
    words = f"{len(missed)} of {len(records)} targets were never reached"
    because = failure(missed, "Apply")
    return Observation(Effect.ENDED, f"{words}: {because}" if because else words)


def _applying(
    records: list[dict[str, Any]], inside: list[dict[str, Any]], experiment: dict[str, Any]
) -> str:
    if not experiment:
        return "Chaos Mesh has not taken it up yet; if it stays so, its controllers do not run"
    if not records:
        return why_not(records)
    because = failure(records, "Apply")
    count = f"{len(inside)} of {len(records)} targets injected"
    return f"{count}; {because}" if because else count
