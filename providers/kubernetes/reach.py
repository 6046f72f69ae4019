"""What a chaos resource reaches in its cluster: namespaces by its spec, pods by asking.

The resource itself is harmless; what its selectors take is touched. Chaos Mesh's are read as
upstream does (a selector that names no namespace means the resource's own), Litmus' engines by
``appinfo`` and ``selectors``. Of other kinds nobody can tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from bridge.model.template import Selection, SelectionMode
from bridge.model.wording import child
from providers.contract import AccessDeniedError, Group, Reach, Resource
from providers.kubernetes.api import DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import CHAOS_MESH, LITMUS
from providers.kubernetes.specs import EMBEDDED_FIELDS

POD: Final = "k8s:core:pod"
"""Type of the resources that a group of pods is made of; no target has it."""

_SPEC: Final = "kubernetesSpec"
_NAMESPACE: Final = "kubernetesNamespace"
_NO_PODS: Final = frozenset({"AWSChaos", "AzureChaos", "GCPChaos", "PhysicalMachineChaos"})
"""Chaos Mesh's kinds that break something else than pods."""
_NO_PODS_INSIDE: Final = frozenset(EMBEDDED_FIELDS[kind] for kind in _NO_PODS)
"""The same, in a Schedule or in a template of a Workflow."""
_ENGINE: Final = "ChaosEngine"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_OPERATORS: Final[Mapping[str, str]] = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


@dataclass(frozen=True)
class Selector:
    """One selector of a spec."""

    path: str
    """In the action's parameters."""
    body: Mapping[str, Any]
    namespaces: tuple[tuple[str, str], ...]
    """Each with the path that names it."""
    mode: str = "all"
    """Empty where it cannot be told which pods it takes."""
    value: str = ""

    def size(self, found: int) -> int:
        """Return the most pods that it takes of so many; Chaos Mesh rounds percentages up."""
        if self.mode in {"one", "fixed"}:
            return min(self.selection.number, found)
        percent = self.mode.endswith("percent")
        return math.ceil(found * self.selection.number / 100) if percent else found

    @property
    def selection(self) -> Selection:
        """The mode in the words of targets."""
        number = int(self.value) if _NUMBER.fullmatch(self.value) else 0
        if self.mode in {"one", "fixed"}:
            count = 1 if self.mode == "one" else number
            return Selection(mode=SelectionMode.COUNT, number=count)
        if self.mode.endswith("percent"):
            return Selection(mode=SelectionMode.PERCENT, number=number)
        return Selection()


def reach_of(group: str, kind: str, namespace: str, spec: Mapping[str, Any]) -> Reach:
    """Return what a spec says of the namespaces and of how many pods; no I/O."""
    selectors = selectors_of(group, kind, namespace, spec)
    if selectors is None:
        if group == CHAOS_MESH:
            return Reach()
        return Reach(namespaces=((namespace, _NAMESPACE), *_named(spec, _SPEC)))
    return Reach(
        namespaces=tuple(pair for one in selectors for pair in one.namespaces),
        selections=tuple((one.selection, one.path) for one in selectors if one.mode),
    )


def selectors_of(
    group: str, kind: str, namespace: str, spec: Mapping[str, Any]
) -> list[Selector] | None:
    """Return the selectors of pods in a spec; None for a kind of which nobody can tell."""
    if group == CHAOS_MESH and kind not in _NO_PODS:
        return list(_chaos_mesh(spec, _SPEC, namespace))
    if group == LITMUS and kind == _ENGINE:
        return _litmus(spec)
    return None


async def reached_by(
    cluster: Cluster, group: str, kind: str, namespace: str, spec: Mapping[str, Any]
) -> list[Group]:
    """Ask a cluster for the pods that each selector may take. Raises ProviderError."""
    selectors = selectors_of(group, kind, namespace, spec)
    if selectors is None or not all(one.mode for one in selectors) or _elsewhere(spec):
        # Nothing stands for it whose tags could be told, so a guardrail on tags refuses it.
        unknown = Resource(POD, f"what the {kind} touches", {}, None)
        return [Group(f"resources of the {kind}", 1, [unknown])]
    groups = []
    for selector in selectors:
        pods = [
            pod
            for place in dict.fromkeys(name for name, _ in selector.namespaces)
            for pod in await _pods(cluster, selector, place)
        ]
        groups.append(Group(f"pods of {selector.path}", selector.size(len(pods)), pods))
    return groups


# --- reading specs ------------------------------------------------------------------------


def _chaos_mesh(value: object, path: str, own: str) -> Iterator[Selector]:
    if isinstance(value, dict):
        selector = value.get("selector")
        if isinstance(selector, dict):
            where = child(path, "selector")
            yield Selector(
                where,
                selector,
                tuple(_touched(selector, where, own)),
                str(value.get("mode") or "all"),
                str(value.get("value") or ""),
            )
        for key, inner in value.items():
            # The volumes of a Task have selectors too, of volumes.
            if key not in {"selector", "task"} | _NO_PODS_INSIDE:
                yield from _chaos_mesh(inner, child(path, str(key)), own)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _chaos_mesh(inner, child(path, index), own)


def _touched(selector: Mapping[str, Any], path: str, own: str) -> Iterator[tuple[str, str]]:
    pods, names = selector.get("pods"), selector.get("namespaces")
    if isinstance(pods, dict) and pods:
        for name in pods:
            yield str(name), child(child(path, "pods"), str(name))
    elif isinstance(names, list) and names:
        for index, name in enumerate(names):
            # Chaos Mesh hands an empty name on to the API server, which then lists them all.
            yield str(name) or Reach.EVERY_NAMESPACE, child(child(path, "namespaces"), index)
    else:
        yield own, _NAMESPACE


def _litmus(spec: Mapping[str, Any]) -> list[Selector]:
    info = spec.get("appinfo")
    found: list[Selector] = []
    if isinstance(info, dict) and info.get("appns"):
        path = f"{_SPEC}.appinfo"
        named = ((str(info["appns"]), f"{path}.appns"),)
        found.append(Selector(path, info, named, mode="all" if info.get("applabel") else ""))
    selectors = spec.get("selectors")
    if isinstance(selectors, dict):
        path = f"{_SPEC}.selectors"
        found.append(Selector(path, {}, tuple(_named(selectors, path)), mode=""))
    if not any(one.namespaces for one in found):
        # Node experiments say nothing of namespaces, and hit pods of all of them.
        return [Selector(_SPEC, {}, ((Reach.EVERY_NAMESPACE, _SPEC),), mode="")]
    return found


def _elsewhere(value: object) -> bool:
    """Whether a spec, or one within it, acts in another cluster, or on something else than pods."""
    if isinstance(value, dict):
        others = any(value.get(field) is not None for field in _NO_PODS_INSIDE)
        return others or bool(value.get("remoteCluster")) or any(map(_elsewhere, value.values()))
    return isinstance(value, list) and any(map(_elsewhere, value))


def _named(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield every namespace that is named anywhere in a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            where = child(path, str(key))
            if key in {"namespace", "namespaces"}:
                names = inner if isinstance(inner, list) else [inner]
                yield from ((name, where) for name in names if isinstance(name, str) and name)
            else:
                yield from _named(inner, where)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _named(inner, child(path, index))


# --- asking the cluster -------------------------------------------------------------------


async def _pods(cluster: Cluster, selector: Selector, namespace: str) -> list[Resource]:
    try:
        pods = await pods_of(cluster, selector, namespace)
    except DeniedError as error:
        every = namespace == Reach.EVERY_NAMESPACE
        where = "all namespaces" if every else f"namespace {namespace}"
        raise AccessDeniedError(
            f"a guardrail asks which pods of {where} would be touched, and "
            f"{cluster.principal or 'the user of the context'} may not list them in cluster "
            f"{cluster.name} ({error}); grant it list on pods there",
            code=error.code,
        ) from None
    return [
        Resource(POD, _name(cluster, pod), {}, dict(_metadata(pod).get("labels") or {}))
        for pod in pods
    ]


async def pods_of(
    cluster: Cluster, selector: Selector, namespace: str, **narrowed: str
) -> list[Mapping[str, Any]]:
    """List the pods of a namespace that a selector may take, as the cluster shows them.

    ``narrowed`` is further query. Raises as ``Cluster.select``.
    """
    every = namespace == Reach.EVERY_NAMESPACE
    place = "" if every else f"/namespaces/{quote(namespace, safe='')}"
    if labels := _label_selector(selector.body):
        narrowed["labelSelector"] = labels
    answer = await cluster.select(f"/api/v1{place}/pods", pages=None, **narrowed)
    return [pod for pod in answer.body["items"] if _fits(pod, selector.body)]


def _label_selector(body: Mapping[str, Any]) -> str:
    """Return what the API server can narrow by; pods that are named are not narrowed."""
    if body.get("pods"):
        return ""
    if "applabel" in body:
        return str(body["applabel"])
    labels = body.get("labelSelectors")
    parts = [f"{k}={v}" for k, v in labels.items()] if isinstance(labels, dict) else []
    expressions = body.get("expressionSelectors")
    for one in expressions if isinstance(expressions, list) else ():
        form = _OPERATORS.get(str(one.get("operator")))
        if form:
            values = ",".join(str(value) for value in one.get("values") or ())
            parts.append(form.format(key=one.get("key"), values=values))
    return ",".join(parts)


def _fits(pod: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a pod passes what the API server does not narrow by.

    Node labels and field selectors are left out: more pods are looked at than may be taken.
    """
    metadata = _metadata(pod)
    named = body.get("pods")
    if isinstance(named, dict) and named:
        names: Sequence[Any] = named.get(str(metadata.get("namespace"))) or ()
        return metadata.get("name") in names
    annotations = body.get("annotationSelectors")
    phases, nodes = body.get("podPhaseSelectors"), body.get("nodes")
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    present = metadata.get("annotations") or {}
    return (
        (not isinstance(annotations, dict) or annotations.items() <= present.items())
        and (not phases or status.get("phase") in phases)
        and (not nodes or bool(body.get("nodeSelectors")) or spec.get("nodeName") in nodes)
    )


def _metadata(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = pod.get("metadata") or {}
    return found


def _name(cluster: Cluster, pod: Mapping[str, Any]) -> str:
    metadata = _metadata(pod)
    return f"{cluster.id}/{metadata.get('namespace')}/pod/{metadata.get('name')}"
