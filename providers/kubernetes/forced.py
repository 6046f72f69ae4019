"""Giving a resource up on an operator's word: its finalizers go, the fault stays as it is.

Chaos Mesh's own way is asked for first (an annotation, and the deletion); where its controllers do
not answer, the finalizers are taken off.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bridge.model.event import EventType
from providers.contract import News, Outcome, OutcomeKind, ProviderError, TransientError
from providers.kubernetes import around
from providers.kubernetes.api import Answer, ApiError
from providers.kubernetes.calls import not_ours, read_one
from providers.kubernetes.cluster import PAGE, Cluster
from providers.kubernetes.installation import (
    failed_call,
    failed_webhook,
    judges_others,
    webhook_configurations,
)
from providers.kubernetes.lifecycle import keeps_records
from providers.kubernetes.refusals import refusal, rejected
from providers.kubernetes.removing import PARENTS, propagation
from providers.kubernetes.resource import CustomResource, annotation, metadata, moment
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


_One = tuple[CustomResource, Mapping[str, Any]]
"""How to address a resource, and the resource as it was read."""


@dataclass(frozen=True)
class _Held:
    """What finalizers hold."""

    chaos: Sequence[_One]
    """What a parent has made. It goes first: the holders lead to it."""
    holders: Sequence[_One]
    """Nodes, inner Workflows, and last the resource itself."""
    unread: str = ""
    """Why not all of it could be read."""


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
    if told := _left_over(resource, there.body, held):
        # Whoever comes after a death could not read it any more: stored before anything is done.
        return told
    try:
        await _step(cluster, resource, there, held)
    except TransientError as error:
        if not failed_webhook(error):
            raise
        return await _without_webhooks(cluster, error, allowed=webhooks)
    except ApiError as error:
        return rejected(refusal(cluster, "release", error))
    return Outcome(OutcomeKind.PENDING, _WAITING)


async def _held(cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any]) -> _Held:
    """Return what is to go: the resource, and what it has made."""
    # As many as a list has: chaos that is left out keeps its finalizer when its parent is gone.
    seen = await around.around(cluster, resource, manifest, most=PAGE)
    itself = (resource, manifest)
    if resource.kind == "Workflow":
        nodes = [{"kind": "WorkflowNode", **node} for node in seen.parts or ()]
        chaos = around.beside(resource, (seen.chaos or {}).values())
        return _Held(chaos, [*around.beside(resource, nodes), itself], seen.unread)
    if resource.kind != "Schedule":
        return _Held([], [itself])
    runs = around.beside(resource, seen.parts or ())
    if resource.child != "Workflow":
        return _Held(runs, [itself], seen.unread)
    inner = [await _held(cluster, run, body) for run, body in runs]
    return _Held(
        [pair for one in inner for pair in one.chaos],
        [*(pair for one in inner for pair in one.holders), itself],
        next(filter(None, (seen.unread, *(one.unread for one in inner))), ""),
    )


async def _step(cluster: Cluster, resource: CustomResource, there: Answer, held: _Held) -> None:
    """Let go of what a parent has made; when that is gone, of the rest."""
    if not held.chaos:
        for one, body in held.holders:
            await _clean(cluster, one, body, there)
        return
    # From here on what was said to be left stays said, though it is gone.
    await _mark(cluster, resource, there.body, there)
    for one, body in held.chaos:
        await _clean(cluster, one, body, there)
    for one, body in held.holders:
        if (one.group, one.kind) in PARENTS:
            # So that it makes no more; gone, it would no longer lead to its chaos.
            await _delete(cluster, one, body, there)


async def _clean(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any], there: Answer
) -> None:
    """Ask for one resource to be let go of, or take its finalizers off where nobody answers."""
    asked = moment(annotation(manifest, _RELEASED_AT))
    waited = asked is not None and there.now - asked >= CLEAN_WAIT
    if waited and metadata(manifest).get("deletionTimestamp"):
        await _there(cluster.merge(resource.path, {"metadata": {"finalizers": []}}))
    else:
        await _delete(cluster, resource, manifest, there)


async def _delete(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any], there: Answer
) -> None:
    """Delete one resource, noting when it was asked for; what was done of it is not repeated."""
    await _mark(cluster, resource, manifest, there)
    about = metadata(manifest)
    if not about.get("deletionTimestamp"):
        await _there(
            cluster.delete(resource.path, str(about.get("uid", "")), propagation(resource))
        )


async def _mark(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any], there: Answer
) -> None:
    """Note on a resource when its release began, and ask Chaos Mesh to let go of it."""
    if moment(annotation(manifest, _RELEASED_AT)) is not None:
        return
    annotations = {f"faultbridge/{_RELEASED_AT}": there.now.isoformat()}
    if keeps_records(resource.group, resource.kind):
        annotations[CLEAN] = "forced"
    await _there(cluster.merge(resource.path, {"metadata": {"annotations": annotations}}))


async def _there(request: Awaitable[Answer]) -> None:
    """Await a request about a resource that may have gone, or been replaced."""
    try:
        await request
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
        configurations = [
            (path, one)
            for path, one in await webhook_configurations(cluster)
            if not judges_others(one)  # somebody's policies, which name Chaos Mesh among others
        ]
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
    resource: CustomResource, manifest: Mapping[str, Any], held: _Held
) -> Outcome | None:
    """Say what is left of the fault, while it can still be read; None where it was said.

    It is said anew where it has changed since a release that was refused before its first step.
    """
    if resource.notes.left and annotation(manifest, _RELEASED_AT):
        return None
    targets = [
        line(record.get("id"))
        for _, manifest in (*held.chaos, *held.holders)
        for record in records.records_of(manifest)
        if record.get("phase") != "Not Injected"
    ]
    more = f" and {len(targets) - _NAMED} more" if len(targets) > _NAMED else ""
    left = (
        f"it is still on {', '.join(targets[:_NAMED])}{more}: check them, and restart what has it"
        if targets
        else "no target had it when it was last looked at; check them all the same"
    )
    if held.unread:
        left = (
            f"what it has made cannot be read ({line(held.unread)}), so it may stay behind with "
            "its fault: look for it and for its targets"
        )
    if left == resource.notes.left:
        return None
    notes = resource.notes.model_copy(update={"left": left})
    told = News(EventType.RESOURCE_STATE, {"reason": f"{NOT_UNDONE}: {left}"})
    return Outcome(OutcomeKind.PENDING, _WAITING, (told,), {"notes": notes.model_dump(mode="json")})


def _left(resource: CustomResource) -> str:
    left = resource.notes.left
    return f"{NOT_UNDONE}: {left}" if left else "the resource had gone already"
