"""What a chaos resource's status says: the fault is in effect, over, or was never there.

Which family of kinds judges how stands in ``providers.kubernetes.verdicts``. A kind of which
nothing is known is in effect as long as it exists, unless its author says where its state stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from providers.contract import Effect, Observation
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource, metadata, moment
from providers.kubernetes.specs import KINDS
from providers.kubernetes.status_path import StatusPath
from providers.kubernetes.verdicts import (
    chosen,
    litmus,
    records,
    schedule,
    status_check,
    workflow,
)
from providers.kubernetes.verdicts.status import NOTHING_AROUND, Around, line

RECORDS_FINALIZER: Final = "chaos-mesh/records"
"""Set by Chaos Mesh before it injects; a resource deleted earlier leaves its fault behind."""
STUCK_AFTER: Final = timedelta(seconds=60)
"""A removal that takes longer gets the way out in its reason."""

Judge = Callable[[CustomResource, Mapping[str, Any], datetime, Around], Observation]

_FAMILIES: Final[Mapping[tuple[str, str], Judge]] = {
    (CHAOS_MESH, "Workflow"): workflow.judge,
    (CHAOS_MESH, "Schedule"): schedule.judge,
    (CHAOS_MESH, "StatusCheck"): status_check.judge,
    (LITMUS, "ChaosEngine"): litmus.judge,
}


def keeps_records(group: str, kind: str) -> bool:
    """Whether the kind tells per target what happened to it (``containerRecords``)."""
    known = KINDS.get(kind)
    return group == CHAOS_MESH and known is not None and known.chaos


def end_is_known(group: str, kind: str) -> bool:
    """Whether ``verdict`` can tell that a resource of this kind has ended by itself."""
    return keeps_records(group, kind) or (group, kind) in _FAMILIES


def verdict(
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,
    around: Around = NOTHING_AROUND,
) -> Observation:
    """Judge a resource that exists. ``now`` is the API server's time."""
    if metadata(manifest).get("deletionTimestamp"):
        return Observation(Effect.LIFTING, removal(resource, manifest, now))
    if keeps_records(resource.group, resource.kind):
        return records.judge(resource, manifest, now, around)
    family = _FAMILIES.get((resource.group, resource.kind))
    if family is not None:
        return family(resource, manifest, now, around)
    if resource.status is not None:
        return chosen.judge(StatusPath.model_validate(resource.status), manifest)
    return Observation(Effect.PRESENT)


def is_stuck(manifest: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a removal takes unusually long, or is known to fail."""
    since = moment(metadata(manifest).get("deletionTimestamp"))
    if since is None:
        return False
    return bool(records.failure(records.records_of(manifest), "Recover")) or (
        now - since >= STUCK_AFTER
    )


def removal(
    resource: CustomResource, manifest: Mapping[str, Any], now: datetime, diagnosis: str = ""
) -> str:
    """Return why a resource that is being deleted is still there, and the way out.

    Empty as long as that is nothing unusual. ``diagnosis`` is what the cluster shows besides.
    """
    if not is_stuck(manifest, now):
        return ""
    since = moment(metadata(manifest).get("deletionTimestamp"))
    cause = records.failure(records.records_of(manifest), "Recover") or (
        "it still has the finalizers "
        + ", ".join(map(line, metadata(manifest).get("finalizers") or ["none"]))
    )
    seconds = int((now - since).total_seconds()) if since else 0
    words = f"stuck: its removal has waited {seconds} s, {cause}."
    return f"{words} {diagnosis or way_out(resource)}"


def way_out(resource: CustomResource) -> str:
    """Return what an operator can do about a removal that does not end."""
    where = f"{resource.kind.lower()} {resource.name} -n {resource.namespace}"
    release = (
        f"faultbridge release {resource.experiment} --action {resource.action} --reason WHY --yes"
    )
    if keeps_records(resource.group, resource.kind):
        return (
            f"Mend the cause and it goes on; or give up with: {release}, or by hand: kubectl "
            f"annotate {where} chaos-mesh.chaos-mesh.org/cleanFinalizer=forced --overwrite (this "
            "removes the resource but does not undo the fault: check the targets)"
        )
    return (
        f"See why its controller does not finish (kubectl describe {where}), or give up with: "
        f"{release}; a finalizer that is removed leaves the fault as it is"
    )
