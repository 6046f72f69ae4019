"""Reading what stands around a resource: nodes of a Workflow, runs of a Schedule, results.

Every right for it is optional: what may not be read is missing in the verdict, and said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from providers.contract import ProviderError
from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import (
    CHAOS_MESH,
    LITMUS,
    CustomResource,
    group_path,
    metadata,
)
from providers.kubernetes.specs import KINDS
from providers.kubernetes.verdicts import litmus, schedule, workflow
from providers.kubernetes.verdicts.status import NOTHING_AROUND, Around, line, object_of

MOST_READ: Final = 20
"""Objects that are read one by one in a look."""
_NOT_FOUND: Final = 404


async def around(
    cluster: Cluster,
    resource: CustomResource,
    manifest: Mapping[str, Any],
    *,
    most: int = MOST_READ,
) -> Around:
    """Read what a resource's controller has made for it. Never raises for a failing read.

    ``most`` is how many objects are read one by one.
    """
    try:
        match (resource.group, resource.kind):
            case ("chaos-mesh.org", "Workflow"):
                return await _nodes(cluster, resource, most)
            case ("chaos-mesh.org", "Schedule"):
                return Around(parts=await runs(cluster, resource))
            case ("litmuschaos.io", "ChaosEngine"):
                names = litmus.results(resource, manifest)[:most]
                paths = [path_of(resource, LITMUS, "ChaosResult", name) for name in names]
                return Around(parts=await _each(cluster, paths))
    except ProviderError as error:
        return Around(unread=str(error))
    return NOTHING_AROUND


async def runs(cluster: Cluster, resource: CustomResource) -> list[dict[str, Any]]:
    """Read the runs of a Schedule; of a kind that is not known there are none to read."""
    if resource.child not in KINDS:
        return []
    collection = path_of(resource, CHAOS_MESH, resource.child, "")
    answer = await cluster.select(
        collection, labelSelector=f"{schedule.OF_SCHEDULE}={resource.name}"
    )
    return [{"kind": resource.child, **item} for item in answer.body["items"]]


async def nodes(cluster: Cluster, resource: CustomResource) -> list[dict[str, Any]]:
    """Read the nodes of a Workflow."""
    answer = await cluster.select(
        path_of(resource, CHAOS_MESH, "WorkflowNode", ""),
        labelSelector=f"{workflow.OF_WORKFLOW}={resource.name}",
    )
    return list(answer.body["items"])


def chaos_path(resource: CustomResource, node: Mapping[str, Any]) -> str | None:
    """Return the path of the chaos resource that a node has made; None where it has none."""
    made = object_of(object_of(node.get("status")).get("chaosResource"))
    kind, name = line(made.get("kind")), line(made.get("name"))
    if kind not in KINDS or not name:
        return None
    return path_of(resource, CHAOS_MESH, kind, name)


def beside(
    resource: CustomResource, made: Iterable[Mapping[str, Any]]
) -> list[tuple[CustomResource, Mapping[str, Any]]]:
    """Return how to address what a resource has made, with it; what is of no known kind is not."""
    return [
        (
            resource.model_copy(update={"kind": kind, "plural": KINDS[kind].plural, "name": name}),
            one,
        )
        for one in made
        if (kind := line(one.get("kind"))) in KINDS and (name := line(metadata(one).get("name")))
    ]


def path_of(resource: CustomResource, group: str, kind: str, name: str) -> str:
    """Return the path of a resource of another kind beside this one, or of its collection."""
    root = f"{group_path(group, resource.version)}/namespaces/{resource.namespace}"
    collection = f"{root}/{KINDS[kind].plural}"
    return f"{collection}/{name}" if name else collection


async def _nodes(cluster: Cluster, resource: CustomResource, most: int) -> Around:
    found = await nodes(cluster, resource)
    made = {
        workflow.name_of(node): path
        for node in found
        if (path := chaos_path(resource, node)) is not None
    }
    chosen = dict(list(made.items())[:most])
    try:
        chaos = await asyncio.gather(*(_one(cluster, path) for path in chosen.values()))
    except ProviderError as error:
        return Around(parts=found, unread=str(error))
    there = {name: one for name, one in zip(chosen, chaos, strict=True) if one is not None}
    return Around(parts=found, chaos=there)


async def _each(cluster: Cluster, paths: Sequence[str]) -> list[dict[str, Any]]:
    found = await asyncio.gather(*(_one(cluster, path) for path in paths))
    return [one for one in found if one is not None]


async def _one(cluster: Cluster, path: str) -> dict[str, Any] | None:
    try:
        return (await cluster.get(path)).body
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
