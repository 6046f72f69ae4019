"""Which pods the selectors of a chaos resource would take in a cluster now, and in which zones.

Unlike `reach`, which must not miss a pod that may be taken, this tells what Chaos Mesh takes: node
and field selectors count, so that "no pod" is no guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.contract import ProviderError, Reach
from providers.kubernetes.api import DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.reach import Selector, pods_of

ZONE: Final = "topology.kubernetes.io/zone"
"""Label of a node; the older one is still written beside it."""

_RUNNING: Final = "Running"
_SPEC: Final = "kubernetesSpec"


@dataclass(frozen=True)
class Pod:
    """A pod that a selector takes."""

    namespace: str
    name: str
    node: str
    phase: str
    zone: str | None
    """None where its node says nothing, or nodes may not be listed."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of a cluster, as far as they may be listed."""

    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Node → its labels."""
    unknown: str = ""
    """Why the nodes are not known; empty where they are."""

    def zone(self, node: str) -> str | None:
        """Return the zone of a node."""
        return self.labels.get(node, {}).get(ZONE)

    def matching(self, wanted: Mapping[str, Any]) -> set[str]:
        """Return the nodes that have these labels."""
        return {
            name
            for name, labels in self.labels.items()
            if all(labels.get(key) == str(value) for key, value in wanted.items())
        }


@dataclass(frozen=True)
class Preview:
    """What one selector takes."""

    path: str
    """Of the selector, from the resource: ``spec.selector``."""
    mode: str
    value: str
    pods: tuple[Pod, ...]
    """All that match; the mode takes ``taken`` of them."""
    taken: int
    namespaces: tuple[str, ...]
    nodes_unknown: str = ""

    @property
    def zones(self) -> dict[str, int]:
        """Zone → number of matching pods in it, those of unknown zones left out."""
        found: dict[str, int] = {}
        for pod in self.pods:
            if pod.zone is not None:
                found[pod.zone] = found.get(pod.zone, 0) + 1
        return dict(sorted(found.items()))

    @property
    def wording(self) -> str:
        """The mode in words."""
        return f"{self.mode} {self.value}" if self.value else self.mode

    def problems(self, cluster: str) -> list[Problem]:
        """Return what the preview shows to be wrong."""
        where = " and ".join(self.namespaces)
        if not self.pods:
            message = (
                f"no pod of {where} in cluster {cluster} matches now, so nothing would be "
                "injected; see `kubectl get pods --show-labels`"
            )
            return [Problem(self.path, message)]
        found = []
        idle = [pod for pod in self.pods if pod.phase != _RUNNING]
        if idle:
            first = idle[0]
            message = (
                f"{len(idle)} of {len(self.pods)} matching pods are not running ({first.name}: "
                f"{first.phase}): nothing can be injected into them; add podPhaseSelectors: "
                '["Running"]'
            )
            found.append(Problem(self.path, message, Severity.WARNING))
        if self.mode == "fixed" and self.value.isdigit() and int(self.value) > len(self.pods):
            message = f"asks for {self.value} pods, and {len(self.pods)} match: all are taken"
            path = child(self.path.rpartition(".")[0], "value")
            found.append(Problem(path, message, Severity.WARNING))
        return found


async def nodes_of(cluster: Cluster) -> Nodes:
    """List the nodes of a cluster. Raises ProviderError but where it is not allowed."""
    try:
        answer = await cluster.select("/api/v1/nodes", pages=None)
    except DeniedError as error:
        return Nodes(unknown=f"nodes may not be listed ({error})")
    abouts = [node.get("metadata") or {} for node in answer.body["items"]]
    return Nodes({str(about.get("name")): about.get("labels") or {} for about in abouts})


async def preview(
    cluster: Cluster, nodes: Nodes, selectors: Sequence[Selector] | None
) -> list[Preview] | None:
    """Ask which pods each selector takes; None where there is none, or nobody can tell.

    Raises ProviderError; AccessDeniedError where pods may not be listed.
    """
    if not selectors or not all(one.mode for one in selectors):
        return None
    return list(await asyncio.gather(*(_taken(cluster, nodes, one) for one in selectors)))


async def _taken(cluster: Cluster, nodes: Nodes, selector: Selector) -> Preview:
    fields = selector.body.get("fieldSelectors")
    query = {}
    if isinstance(fields, dict) and fields and not selector.body.get("pods"):
        query["fieldSelector"] = ",".join(f"{key}={value}" for key, value in fields.items())
    names = tuple(dict.fromkeys(name for name, _ in selector.namespaces))
    listed = [pod for name in names for pod in await pods_of(cluster, selector, name, **query)]
    pods = tuple(_pod(pod, nodes) for pod in listed)
    kept = _on_nodes(pods, selector.body, nodes)
    shown = tuple(
        "any namespace" if name == Reach.EVERY_NAMESPACE else f"namespace {name}" for name in names
    )
    return Preview(
        path=selector.path.replace(_SPEC, "spec", 1),
        mode=selector.mode,
        value=selector.value,
        pods=kept,
        taken=selector.size(len(kept)),
        namespaces=shown,
        nodes_unknown=nodes.unknown,
    )


def _on_nodes(pods: Sequence[Pod], body: Mapping[str, Any], nodes: Nodes) -> tuple[Pod, ...]:
    """Keep the pods of the nodes that are named, or that have the labels: upstream takes both."""
    names, labels = body.get("nodes"), body.get("nodeSelectors")
    if body.get("pods") or not (names or labels):
        return tuple(pods)
    if labels and nodes.unknown:
        raise ProviderError(
            f"nodeSelectors name labels of nodes, and {nodes.unknown}; list nodes as somebody who "
            "may, or name the nodes",
            code="Nodes",
        )
    wanted = {str(name) for name in names or ()}
    if isinstance(labels, dict) and labels:
        wanted |= nodes.matching(labels)
    return tuple(pod for pod in pods if pod.node in wanted)


def _pod(pod: Mapping[str, Any], nodes: Nodes) -> Pod:
    about, spec, status = (pod.get(part) or {} for part in ("metadata", "spec", "status"))
    node = str(spec.get("nodeName", ""))
    return Pod(
        namespace=str(about.get("namespace", "")),
        name=str(about.get("name", "")),
        node=node,
        phase=str(status.get("phase", "Unknown")),
        zone=nodes.zone(node),
    )
