"""Giving a resource up on an operator's word: its finalizers go, the fault stays as it is.

Chaos Mesh's own way is asked for first (an annotation, and the deletion); where its controllers do
not answer, the finalizers are taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bridge.model.event import EventType
from providers.contract import News, Outcome, OutcomeKind, ProviderError, TransientError
from providers.kubernetes import around
from providers.kubernetes.api import Answer, ApiError
from providers.kubernetes.calls import not_ours, read_one
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.installation import failed_call, failed_webhook, webhook_configurations
from providers.kubernetes.lifecycle import keeps_records
from providers.kubernetes.refusals import refusal, rejected
from providers.kubernetes.resource import CustomResource, annotation, metadata, moment
from providers.kubernetes.specs import KINDS
from providers.kubernetes.stuck import DELETE_WEBHOOKS
from providers.kubernetes.verdicts import records
from providers.kubernetes.verdicts.status import line

CLEAN: Final = "chaos-mesh.chaos-mesh.org/cleanFinalizer"
"""Annotation with which Chaos Mesh lets go of a resource that is being deleted."""
CLEAN_WAIT: Final = timedelta(seconds=10)
"""How long its controllers are given to do so."""
NOT_UNDONE: Final = "removed by force, which does not undo the fault"

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_RELEASED_AT: Final = "released-at"
_NAMED: Final = 10
_WAITING: Final = "waiting until its finalizers are gone"


async def give_up(cluster: Cluster, resource: CustomResource, *, webhooks: bool) -> Outcome:
    """Take the next step of a forced clean, only if the resource is ours.

    ``webhooks`` allows to delete Chaos Mesh's webhook configurations where nobody serves them.
    Raises TransientError when it may or may not have been taken.
    """
    there = await read_one(cluster, resource)
    if there is None:
        return Outcome(OutcomeKind.DONE, _left(resource))
    if not resource.owns(there.body):
        return rejected(f"Unable to release custom resource: {not_ours(resource)}")
    held = await _held(cluster, resource, there.body)
    if told := _left_over(resource, there.body, [body for _, body in held]):
        # Whoever comes after a death could not read it any more: stored before anything is done.
        return told
    try:
        for one, body in held:
            await _clean(cluster, one, body, there)
    except TransientError as error:
        if not failed_webhook(error):
            raise
        return await _without_webhooks(cluster, error, allowed=webhooks)
    except ApiError as error:
        return rejected(refusal(cluster, "release", error))
    return Outcome(OutcomeKind.PENDING, _WAITING)


async def _held(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any]
) -> list[tuple[CustomResource, Mapping[str, Any]]]:
    """Return what is to go: what the resource has made first, then itself."""
    seen = await around.around(cluster, resource, manifest)
    made: Sequence[Mapping[str, Any]] = ()
    if resource.kind == "Workflow":
        nodes = [{"kind": "WorkflowNode", **node} for node in seen.parts or ()]
        made = [*(seen.chaos or {}).values(), *nodes]
    elif resource.kind == "Schedule":
        made = seen.parts or ()
    children = [
        (
            resource.model_copy(update={"kind": kind, "plural": KINDS[kind].plural, "name": name}),
            one,
        )
        for one in made
        if (kind := line(one.get("kind"))) in KINDS and (name := line(metadata(one).get("name")))
    ]
    return [*children, (resource, manifest)]


async def _clean(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any], there: Answer
) -> None:
    """Ask for one resource to be let go of, or take its finalizers off where nobody answers."""
    about = metadata(manifest)
    asked = moment(annotation(manifest, _RELEASED_AT))
    try:
        if asked is None:
            annotations = {f"faultbridge/{_RELEASED_AT}": there.now.isoformat()}
            if keeps_records(resource.group, resource.kind):
                annotations[CLEAN] = "forced"
            await cluster.merge(resource.path, {"metadata": {"annotations": annotations}})
        if not about.get("deletionTimestamp"):
            await cluster.delete(resource.path, str(about.get("uid", "")), "Background")
        elif asked is not None and there.now - asked >= CLEAN_WAIT:
            await cluster.merge(resource.path, {"metadata": {"finalizers": []}})
    except ApiError as error:
        if error.status not in {_NOT_FOUND, _CONFLICT}:
            raise


async def _without_webhooks(cluster: Cluster, error: Exception, *, allowed: bool) -> Outcome:
    words = f"Chaos Mesh's admission webhook cannot be called ({failed_call(error)})"
    if not allowed:
        # Whole, unlike the reason of a run: it is what the operator has to do.
        return Outcome(
            OutcomeKind.REJECTED,
            f"{words}. Bring chaos-controller-manager back; or, if Chaos Mesh is not to come "
            f"back, delete its webhooks: {DELETE_WEBHOOKS}, and release again; or release with "
            "--remove-webhooks, which deletes them",
        )
    try:
        configurations = await webhook_configurations(cluster)
        for path, one in configurations:
            await cluster.delete(path, str(metadata(one).get("uid", "")), "Background")
    except ApiError as refused:
        return rejected(f"{words}, and it may not be removed: {refused}. Run: {DELETE_WEBHOOKS}")
    except ProviderError as failed:
        return Outcome(OutcomeKind.UNKNOWN, str(failed))
    names = ", ".join(path.rpartition("/")[2] for path, _ in configurations) or "none was found"
    told = News(EventType.RESOURCE_STATE, {"reason": f"admission webhooks deleted: {names}"})
    return Outcome(OutcomeKind.PENDING, f"{words}; deleted: {names}", (told,))


def _left_over(
    resource: CustomResource, manifest: Mapping[str, Any], held: Sequence[Mapping[str, Any]]
) -> Outcome | None:
    """Say what is left of the fault, while it can still be read; None where it was said.

    It is said anew where it has changed since a release that was refused before its first step.
    """
    if resource.notes.left and annotation(manifest, _RELEASED_AT):
        return None
    targets = [
        line(record.get("id"))
        for manifest in held
        for record in records.records_of(manifest)
        if record.get("phase") != "Not Injected"
    ]
    more = f" and {len(targets) - _NAMED} more" if len(targets) > _NAMED else ""
    left = (
        f"it is still on {', '.join(targets[:_NAMED])}{more}: check them, and restart what has it"
        if targets
        else "no target had it when it was last looked at; check them all the same"
    )
    if left == resource.notes.left:
        return None
    notes = resource.notes.model_copy(update={"left": left})
    told = News(EventType.RESOURCE_STATE, {"reason": f"{NOT_UNDONE}: {left}"})
    return Outcome(OutcomeKind.PENDING, _WAITING, (told,), {"notes": notes.model_dump(mode="json")})


def _left(resource: CustomResource) -> str:
    left = resource.notes.left
    return f"{NOT_UNDONE}: {left}" if left else "the resource had gone already"
