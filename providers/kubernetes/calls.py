"""The calls that create and read a run's custom resource."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.contract import PENDING, Denial, Outcome, OutcomeKind
from providers.kubernetes.access import denial
from providers.kubernetes.api import Answer, ApiError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.refusals import no_kind, not_served, refusal, rejected
from providers.kubernetes.resource import (
    CustomResource,
    group_path,
    metadata,
)

_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409


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
        f"Unable to inject custom resource: {not_ours(resource)} Remove or rename that one."
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


def not_ours(resource: CustomResource) -> str:
    """Say that a resource of the run's name is another's."""
    return (
        f"{resource.kind.lower()} {resource.name} in namespace {resource.namespace} exists and "
        "does not carry the mark of this run, so it is left alone."
    )
