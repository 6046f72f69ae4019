"""The marked resources in a cluster: what ``rescue`` has when the store is lost.

Only the groups of Chaos Mesh and Litmus are searched. A resource of another kind carries the
same label and annotations, and is found by `kubectl get KIND -A -l faultbridge/installation`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.contract import FoundMark, ProviderError
from providers.kubernetes.api import ApiError
from providers.kubernetes.calls import served_kinds
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.described import described
from providers.kubernetes.resource import (
    CHAOS_MESH,
    LITMUS,
    CustomResource,
    annotation,
    found_mark,
    group_path,
    metadata,
)
from providers.kubernetes.timers import written_timer

GROUPS: Final = (CHAOS_MESH, LITMUS)
_NOT_FOUND: Final = 404


@dataclass
class Search:
    """How far a search for marks has come."""

    found: dict[str, FoundMark] = field(default_factory=dict)
    """By the resource's full name, since several identities may see the same."""
    searched: set[str] = field(default_factory=set)
    """What has been looked into, by whomever."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """What an identity could not look into, and why."""

    def fail(self, what: str, why: str) -> None:
        """Note what could not be looked into; another identity may still do it."""
        self.failures.append((what, why))

    def unsearched(self) -> list[str]:
        """Say what nobody could look into."""
        return [why for what, why in self.failures if what not in self.searched]

    async def look_into(self, cluster: Cluster) -> None:
        """List every marked resource that the identity can see.

        Raises ProviderError when the cluster cannot be spoken with; a kind that cannot be
        listed is a failure of its own.
        """
        for group in GROUPS:
            version = await _version(cluster, group)
            if version is None:
                continue
            kinds = await served_kinds(cluster, group, version)
            await asyncio.gather(
                *(
                    self._list(cluster, _any_of(cluster, group, version, *kind))
                    for kind in kinds.items()
                )
            )

    async def _list(self, cluster: Cluster, served: CustomResource) -> None:
        path = f"{group_path(served.group, served.version)}/{served.plural}"
        where = f"{served.plural}.{served.group} in {cluster.name}"
        try:
            answer = await cluster.list(path, None)
        except ProviderError as error:
            self.fail(f"{where} {cluster.id}", f"{where}: {error}")
            return
        self.searched.add(f"{where} {cluster.id}")
        for item in answer.body["items"]:
            mark = _mark(served, item)
            self.found[mark.record.resource] = mark


async def _version(cluster: Cluster, group: str) -> str | None:
    try:
        answer = await cluster.get(f"/apis/{group}")
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    return str((answer.body.get("preferredVersion") or {}).get("version") or "") or None


def _any_of(cluster: Cluster, group: str, version: str, kind: str, plural: str) -> CustomResource:
    """Return what is the same for every resource of a kind."""
    return CustomResource(
        cluster=cluster.id,
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        namespace="",
        name="",
        installation="",
        experiment="",
        action="",
    )


def _mark(served: CustomResource, item: Mapping[str, Any]) -> FoundMark:
    spec = item.get("spec") or {}
    timer = written_timer(served.group, served.kind, spec)
    resource = served.model_copy(
        update={
            "namespace": str(metadata(item).get("namespace", "")),
            "name": str(metadata(item).get("name", "")),
            **{
                key: annotation(item, key)
                for key in ("installation", "experiment", "action", "identity")
            },
            **described(served.group, served.kind, spec, timer[1] if timer else None),
        }
    )
    return found_mark(resource, item)
