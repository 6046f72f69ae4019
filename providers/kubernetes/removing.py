"""Removing a run's resource: stopped in order where its kind knows how, then deleted.

What was asked for is read from the resource itself, so a bridge that dies in between asks for the
same, or for what comes next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from providers.contract import DONE, PENDING, Outcome, OutcomeKind, ProviderError, TransientError
from providers.kubernetes import around
from providers.kubernetes.api import Answer, ApiError
from providers.kubernetes.calls import not_ours
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.installation import failed_webhook
from providers.kubernetes.lifecycle import RECORDS_FINALIZER, keeps_records, removal
from providers.kubernetes.refusals import refusal, rejected
from providers.kubernetes.resource import (
    CHAOS_MESH,
    LITMUS,
    CustomResource,
    annotation,
    metadata,
    moment,
)
from providers.kubernetes.verdicts import records, workflow
from providers.kubernetes.verdicts.status import annotation_is_true, object_of

FINALIZER_WAIT: Final = timedelta(seconds=10)
"""How long a new chaos is given to show its finalizer before it is removed without it."""
STOP_WAIT: Final = timedelta(seconds=30)
"""How long an orderly stop may take before the resource is deleted all the same."""

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_STOPPED_AT: Final = "stopped-at"
"""Our annotation with the server's time of the stop."""


async def remove(
    cluster: Cluster,
    resource: CustomResource,
    there: Answer | None,
    diagnose: Callable[[Answer], Awaitable[str]],
) -> Outcome:
    """Take the next step of removing a resource that was read as ``there``, only if it is ours.

    Raises TransientError when it may or may not have been taken.
    """
    if there is None:
        return await _gone(cluster, resource)
    if not resource.owns(there.body):
        return rejected(f"Unable to delete custom resource: {not_ours(resource)}")
    if metadata(there.body).get("deletionTimestamp"):
        return Outcome(
            OutcomeKind.PENDING, removal(resource, there.body, there.now, await diagnose(there))
        )
    return await _begin(cluster, resource, there)


async def _begin(cluster: Cluster, resource: CustomResource, there: Answer) -> Outcome:
    """Stop and delete what nobody has deleted yet."""
    if _too_new(resource, there):
        # Chaos Mesh may be injecting right now: deleted without its finalizer, the resource
        # would go and the fault would stay. The engine asks again.
        return Outcome(
            OutcomeKind.PENDING, "waiting until Chaos Mesh has put its finalizer on the resource"
        )
    waiting = await _stop(cluster, resource, there)
    if waiting:
        return Outcome(OutcomeKind.PENDING, waiting)
    return await _delete(cluster, resource, there.body)


async def _gone(cluster: Cluster, resource: CustomResource) -> Outcome:
    """A parent that is gone may have left a run that it made in its last moment."""
    if (resource.group, resource.kind) != (CHAOS_MESH, "Schedule"):
        return DONE
    try:
        left = await around.runs(cluster, resource)
    except ProviderError:
        return DONE  # not allowed to look; the garbage collector removes what has lost its owner
    if not left:
        return DONE
    return Outcome(OutcomeKind.PENDING, f"{len(left)} of its runs are still being removed")


def propagation(resource: CustomResource) -> str:
    """Return how it is deleted: in the foreground a parent stays until its children are gone."""
    return "Foreground" if (resource.group, resource.kind) in PARENTS else "Background"


async def _delete(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any]
) -> Outcome:
    try:
        await cluster.delete(
            resource.path,
            uid=str(metadata(manifest).get("uid", "")),
            propagation=propagation(resource),
        )
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return await _gone(cluster, resource)
        if error.status == _CONFLICT:
            return Outcome(OutcomeKind.UNKNOWN, "it was replaced while it was being deleted")
        return rejected(refusal(cluster, "delete", error))
    return PENDING


def _too_new(resource: CustomResource, there: Answer) -> bool:
    if not keeps_records(resource.group, resource.kind):
        return False
    about = metadata(there.body)
    finalizers = about.get("finalizers") or ()
    # Of a copy in a remote cluster it is another finalizer that holds the resource.
    if RECORDS_FINALIZER in finalizers or (resource.remote and finalizers):
        return False
    created = moment(about.get("creationTimestamp"))
    return created is not None and there.now - created < FINALIZER_WAIT


# --- the orderly stop -------------------------------------------------------------------------


async def _stop(cluster: Cluster, resource: CustomResource, there: Answer) -> str:
    """Ask a resource to end what it does. Says what to wait for; empty when it may be deleted.

    Where it cannot be changed (no right to, an object that its schema no longer takes, a webhook
    that nobody serves), it is deleted at once: that ends its chaos as well. So it is when the stop
    has had its time, though somebody took it back.
    """
    stop = _STOPS.get((resource.group, resource.kind))
    if stop is None:
        return ""
    asked = moment(annotation(there.body, _STOPPED_AT))
    if asked is not None and there.now - asked >= STOP_WAIT:
        return ""
    change, waiting = stop(there.body)
    if not change:
        return waiting if asked is not None else ""
    try:
        await cluster.merge(resource.path, _marked(change, there))
    except ApiError:
        return ""
    except TransientError as error:
        if not failed_webhook(error):
            raise
        return ""  # nobody judges changes any more; a deletion is not judged
    return waiting


def _marked(change: Mapping[str, Any], there: Answer) -> dict[str, Any]:
    about = object_of(change.get("metadata"))
    annotations = {
        **object_of(about.get("annotations")),
        f"faultbridge/{_STOPPED_AT}": there.now.isoformat(),
    }
    return {**change, "metadata": {**about, "annotations": annotations}}


def _stop_workflow(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Abort it, with which its nodes end, and each removes its chaos."""
    if not workflow.started(manifest):
        return {}, ""
    waiting = "waiting until the aborted workflow has ended its nodes"
    if annotation_is_true(manifest, workflow.ABORT):
        return {}, waiting
    return {"metadata": {"annotations": {workflow.ABORT: "true"}}}, waiting


def _stop_schedule(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Pause it, so that no run begins while those that it has are removed with it."""
    if annotation_is_true(manifest, records.PAUSE):
        return {}, ""
    return {"metadata": {"annotations": {records.PAUSE: "true"}}}, ""


def _stop_engine(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Have Litmus abort, so that its verdict says so; deleting alone ends the chaos too."""
    state = object_of(manifest.get("status")).get("engineStatus")
    if state in {None, "", "completed", "stopped"}:
        return {}, ""
    waiting = "waiting until Litmus has stopped the engine"
    if object_of(manifest.get("spec")).get("engineState") == "stop":
        return {}, waiting
    return {"spec": {"engineState": "stop"}}, waiting


PARENTS: Final = frozenset({(CHAOS_MESH, "Workflow"), (CHAOS_MESH, "Schedule")})
"""Kinds whose faults are other resources, which they own."""
_STOPS: Final = {
    (CHAOS_MESH, "Workflow"): _stop_workflow,
    (CHAOS_MESH, "Schedule"): _stop_schedule,
    (LITMUS, "ChaosEngine"): _stop_engine,
}
