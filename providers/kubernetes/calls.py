"""The calls that create, read and remove a run's custom resource."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from providers.contract import DONE, PENDING, Denial, Outcome, OutcomeKind
from providers.kubernetes.access import denial
from providers.kubernetes.api import Answer, ApiError, DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.lifecycle import RECORDS_FINALIZER, keeps_records, removal
from providers.kubernetes.refusals import no_kind, not_served, refusal, rejected
from providers.kubernetes.resource import (
    CHAOS_MESH,
    LITMUS,
    CustomResource,
    group_path,
    metadata,
    moment,
)

FINALIZER_WAIT: Final = timedelta(seconds=10)
"""How long a new chaos is given to show its finalizer before it is removed without it."""

_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_OWNERS: Final = frozenset({(CHAOS_MESH, "Workflow"), (CHAOS_MESH, "Schedule")})
"""Kinds whose faults are other resources, which they own."""


class NotServedError(Exception):
    """The cluster serves no such kind; the message says what it does serve."""


async def served_kinds(cluster: Cluster, group: str, version: str) -> dict[str, str]:
    """Return kind → plural of the namespaced kinds of a group. Raises as ``Cluster.get``."""
    answer = await cluster.get(group_path(group, version))
    return {
        str(entry["kind"]): str(entry["name"])
        for entry in answer.body.get("resources") or ()
        if entry.get("namespaced") and "/" not in str(entry.get("name", "/"))
    }


async def located(cluster: Cluster, resource: CustomResource) -> CustomResource:
    """Return the resource with its plural. Raises NotServedError, and as ``Cluster.get``."""
    try:
        kinds = await served_kinds(cluster, resource.group, resource.version)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            raise NotServedError(not_served(cluster, resource)) from None
        raise
    if resource.kind not in kinds:
        raise NotServedError(no_kind(cluster, resource, list(kinds)))
    return resource.model_copy(update={"plural": kinds[resource.kind]})


async def rehearse(
    cluster: Cluster, resource: CustomResource, spec: Mapping[str, Any]
) -> list[Denial]:
    """Ask for the creation without carrying it out: schema, quota and webhooks have their say."""
    try:
        await cluster.ask(
            resource.collection,
            resource.manifest(spec),
            dryRun="All",
            fieldValidation="Strict",
        )
    except ApiError as error:
        if error.status == _BAD_REQUEST and "dry run" in str(error):
            return []  # a webhook with side effects: it cannot be asked before
        return [denial(refusal(cluster, "inject", error))]
    return []


async def create(cluster: Cluster, resource: CustomResource, spec: Mapping[str, Any]) -> Outcome:
    """Create the resource; one that is there already counts if it carries this run's mark.

    Raises TransientError when it may or may not have been created.
    """
    try:
        await cluster.create(resource.collection, resource.manifest(spec))
    except ApiError as error:
        if error.status != _CONFLICT:
            return rejected(refusal(cluster, "inject", error))
    else:
        return PENDING
    there = await read_one(cluster, resource)
    if there is None:
        return Outcome(OutcomeKind.UNKNOWN, "its name was taken and is free again")
    if resource.owns(there.body):
        return PENDING
    return rejected(
        f"Unable to inject custom resource: {_not_ours(resource)} Remove or rename that one."
    )


async def read(cluster: Cluster, resources: Sequence[CustomResource]) -> dict[str, Answer]:
    """Read resources of one collection, by name; those that do not exist are left out."""
    if len(resources) > 1:
        first = resources[0]
        try:
            answer = await cluster.list(first.collection, first.installation)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return {}
            if error.status != _FORBIDDEN:
                raise
        else:
            wanted = {resource.name for resource in resources}
            return {
                name: Answer(item, answer.now)
                for item in answer.body["items"]
                if (name := str(metadata(item).get("name"))) in wanted
            }
    answers = await asyncio.gather(*(read_one(cluster, resource) for resource in resources))
    return {
        resource.name: answer
        for resource, answer in zip(resources, answers, strict=True)
        if answer is not None
    }


async def read_one(cluster: Cluster, resource: CustomResource) -> Answer | None:
    """Read a resource; None when it does not exist. Raises as ``Cluster.get``."""
    try:
        return await cluster.get(resource.path)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise


async def remove(cluster: Cluster, resource: CustomResource) -> Outcome:
    """Delete the resource, once its controller has a hold on it, and only if it is ours.

    Raises TransientError when it may or may not have been deleted.
    """
    try:
        there = await read_one(cluster, resource)
    except ApiError as error:
        return rejected(refusal(cluster, "get", error))
    if there is None:
        return DONE
    if not resource.owns(there.body):
        return rejected(f"Unable to delete custom resource: {_not_ours(resource)}")
    if metadata(there.body).get("deletionTimestamp"):
        return Outcome(OutcomeKind.PENDING, removal(resource, there.body, there.now))
    if _too_new(resource, there):
        # Chaos Mesh may be injecting right now: deleted without its finalizer, the resource
        # would go and the fault would stay. The engine asks again.
        return Outcome(
            OutcomeKind.PENDING, "waiting until Chaos Mesh has put its finalizer on the resource"
        )
    return await _delete(cluster, resource, there.body)


async def _delete(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any]
) -> Outcome:
    kind = (resource.group, resource.kind)
    try:
        if kind == (LITMUS, "ChaosEngine"):
            await _stop_engine(cluster, resource, manifest)
        await cluster.delete(
            resource.path,
            uid=str(metadata(manifest).get("uid", "")),
            # In the foreground a parent stays until its children's faults are recovered.
            propagation="Foreground" if kind in _OWNERS else "Background",
        )
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return DONE
        if error.status == _CONFLICT:
            return Outcome(OutcomeKind.UNKNOWN, "it was replaced while it was being deleted")
        return rejected(refusal(cluster, "delete", error))
    return PENDING


def _too_new(resource: CustomResource, there: Answer) -> bool:
    if not keeps_records(resource.group, resource.kind):
        return False
    about = metadata(there.body)
    if RECORDS_FINALIZER in (about.get("finalizers") or ()):
        return False
    created = moment(about.get("creationTimestamp"))
    return created is not None and there.now - created < FINALIZER_WAIT


async def _stop_engine(
    cluster: Cluster, resource: CustomResource, manifest: Mapping[str, Any]
) -> None:
    """Ask Litmus to abort, so that its verdict says so; deleting alone ends the chaos too."""
    if (manifest.get("spec") or {}).get("engineState") == "stop":
        return
    try:
        await cluster.merge(resource.path, {"spec": {"engineState": "stop"}})
    except DeniedError:
        return


def _not_ours(resource: CustomResource) -> str:
    return (
        f"{resource.kind.lower()} {resource.name} in namespace {resource.namespace} exists and "
        "does not carry the mark of this run, so it is left alone."
    )
