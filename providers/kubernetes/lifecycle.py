"""What a chaos resource's status says: the fault is in effect, over, or was never there.

Judged by the records of each target, never by the conditions: those come in random order, lag
one reconcile, and say AllRecovered before anything was injected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from providers.contract import Effect, Observation
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource, metadata, moment
from providers.kubernetes.specs import KINDS

RECORDS_FINALIZER: Final = "chaos-mesh/records"
"""Set by Chaos Mesh before it injects; a resource deleted earlier leaves its fault behind."""
PAUSE: Final = "experiment.chaos-mesh.org/pause"
ABORT: Final = "workflow.chaos-mesh.org/abort"
STUCK_AFTER: Final = timedelta(seconds=60)
"""A removal that takes longer gets the way out in its reason."""


def keeps_records(group: str, kind: str) -> bool:
    """Whether the kind tells per target what happened to it (``containerRecords``)."""
    known = KINDS.get(kind)
    return group == CHAOS_MESH and known is not None and known.chaos


def end_is_known(group: str, kind: str) -> bool:
    """Whether ``verdict`` can tell that a resource of this kind has ended by itself."""
    return keeps_records(group, kind) or (group, kind) in _ENDINGS


def verdict(resource: CustomResource, manifest: Mapping[str, Any], now: datetime) -> Observation:
    """Judge a resource that exists. ``now`` is the API server's time.

    A kind of which nothing is known is in effect as long as it exists, and never ends itself.
    """
    if metadata(manifest).get("deletionTimestamp"):
        return Observation(Effect.LIFTING, removal(resource, manifest, now))
    status = _object(manifest.get("status"))
    if keeps_records(resource.group, resource.kind):
        return _records_verdict(resource, manifest, _object(status.get("experiment")), now)
    judge = _ENDINGS.get((resource.group, resource.kind))
    return judge(manifest, status) if judge else Observation(Effect.PRESENT)


def removal(resource: CustomResource, manifest: Mapping[str, Any], now: datetime) -> str:
    """Return why a resource that is being deleted is still there, and the way out.

    Empty as long as that is nothing unusual.
    """
    since = moment(metadata(manifest).get("deletionTimestamp"))
    records = _objects(
        _object(_object(manifest.get("status")).get("experiment")).get("containerRecords")
    )
    failure = _failure(records, "Recover")
    if not failure and (since is None or now - since < STUCK_AFTER):
        return ""
    cause = failure or "it still has the finalizers " + ", ".join(
        map(_line, metadata(manifest).get("finalizers") or ["none"])
    )
    seconds = int((now - since).total_seconds()) if since else 0
    return f"stuck: its removal has waited {seconds} s, {cause}. {_way_out(resource)}"


def _records_verdict(
    resource: CustomResource, manifest: Mapping[str, Any], experiment: dict[str, Any], now: datetime
) -> Observation:
    records = _objects(experiment.get("containerRecords"))
    inside = [record for record in records if record.get("phase") == "Injected"]
    if resource.one_shot:
        if records and len(inside) == len(records):
            return Observation(Effect.ENDED)
        return Observation(Effect.APPLYING, _applying(records, inside, experiment))
    if experiment.get("desiredPhase") == "Stop":
        return _stopped(resource, manifest, records, now)
    if records and len(inside) == len(records):
        return Observation(Effect.PRESENT)
    return Observation(Effect.APPLYING, _applying(records, inside, experiment))


def _stopped(
    resource: CustomResource,
    manifest: Mapping[str, Any],
    records: list[dict[str, Any]],
    now: datetime,
) -> Observation:
    worked = [record for record in records if record.get("injectedCount")]
    if any(record.get("phase") != "Not Injected" for record in records):
        return Observation(Effect.LIFTING, _failure(records, "Recover"))
    if not _expired(resource, manifest, now):
        paused = _object(metadata(manifest).get("annotations")).get(PAUSE) == "true"
        reason = f"paused by the annotation {PAUSE}" if paused else ""
        return Observation(Effect.PRESENT if worked else Effect.APPLYING, reason)
    if not worked:
        return Observation(
            Effect.FAILED, f"never injected: {_why_not(records)}; its duration is over"
        )
    missed = len(records) - len(worked)
    return Observation(
        Effect.ENDED, f"{missed} of {len(records)} targets were never reached" if missed else ""
    )


def _expired(resource: CustomResource, manifest: Mapping[str, Any], now: datetime) -> bool:
    """Chaos Mesh counts a duration from the creation, not from the injection."""
    created = moment(metadata(manifest).get("creationTimestamp"))
    if resource.lasts is None or created is None:
        return False
    return now - created >= timedelta(seconds=resource.lasts)


def _applying(
    records: list[dict[str, Any]], inside: list[dict[str, Any]], experiment: dict[str, Any]
) -> str:
    if not experiment:
        return "Chaos Mesh has not taken it up yet; if it stays so, its controllers do not run"
    if not records:
        return _why_not(records)
    failure = _failure(records, "Apply")
    count = f"{len(inside)} of {len(records)} targets injected"
    return f"{count}; {failure}" if failure else count


def _why_not(records: list[dict[str, Any]]) -> str:
    if not records:
        return "the selector matches no target"
    return _failure(records, "Apply") or "no target was reached"


def _failure(records: list[dict[str, Any]], operation: str) -> str:
    """The first target whose last event of this operation is a failure, in words."""
    for record in records:
        events = [e for e in _objects(record.get("events")) if e.get("operation") == operation]
        if events and events[-1].get("type") == "Failed":
            verb = "injected into" if operation == "Apply" else "recovered from"
            message = _line(events[-1].get("message")) or "no reason was given"
            return f"{_line(record.get('id'))} cannot be {verb}: {message}"
    return ""


def _way_out(resource: CustomResource) -> str:
    where = f"{resource.kind.lower()} {resource.name} -n {resource.namespace}"
    if keeps_records(resource.group, resource.kind):
        return (
            "Mend the cause and it goes on; or give up with: kubectl annotate "
            f"{where} chaos-mesh.chaos-mesh.org/cleanFinalizer=forced --overwrite (this removes "
            "the resource but does not undo the fault: check the targets)"
        )
    return (
        f"See why its controller does not finish (kubectl describe {where}); a finalizer that "
        "is removed by hand leaves the fault as it is"
    )


def _workflow(manifest: Mapping[str, Any], status: dict[str, Any]) -> Observation:
    done = any(
        condition.get("type") == "Accomplished" and condition.get("status") == "True"
        for condition in _objects(status.get("conditions"))
    )
    if done and _object(metadata(manifest).get("annotations")).get(ABORT) == "true":
        return Observation(Effect.FAILED, "the workflow was aborted, by a status check or by hand")
    if done:
        return Observation(Effect.ENDED)
    if status.get("entryNode") or status.get("startTime"):
        return Observation(Effect.PRESENT)
    return Observation(Effect.APPLYING, "Chaos Mesh has not started the workflow yet")


def _chaos_engine(_: Mapping[str, Any], status: dict[str, Any]) -> Observation:
    experiments = _objects(status.get("experiments"))
    for experiment in experiments:
        if experiment.get("status") == "ChaosExperiment Not Found":
            return Observation(
                Effect.FAILED,
                f"the ChaosExperiment {_line(experiment.get('name'))} is not installed in the "
                "namespace of the ChaosEngine",
            )
    match status.get("engineStatus"):
        case "completed":
            return _litmus_result(experiments)
        case "stopped":
            return Observation(Effect.FAILED, "the ChaosEngine was stopped before it completed")
        case "initialized":
            return Observation(Effect.PRESENT)
        case _:
            return Observation(
                Effect.APPLYING,
                "Litmus has not taken it up yet; if it stays so, its operator does not run",
            )


def _litmus_result(experiments: Sequence[Mapping[str, Any]]) -> Observation:
    """Completed is no success with Litmus; the verdict of each experiment is."""
    verdicts = {_line(e.get("name")): _line(e.get("verdict")) for e in experiments}
    bad = [f"{name}: {text}" for name, text in verdicts.items() if text in _BAD_VERDICTS]
    if bad:
        return Observation(Effect.FAILED, f"the verdict of Litmus is {', '.join(bad)}")
    if verdicts and all(text == "Pass" for text in verdicts.values()):
        return Observation(Effect.ENDED)
    return Observation(Effect.PRESENT, "completed, its verdict is awaited")


_BAD_VERDICTS: Final = frozenset({"Fail", "Stopped", "Error"})
_ENDINGS: Final = {
    (CHAOS_MESH, "Workflow"): _workflow,
    (LITMUS, "ChaosEngine"): _chaos_engine,
}


def _line(value: object) -> str:
    return " ".join(str(value or "").split())[:200]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
