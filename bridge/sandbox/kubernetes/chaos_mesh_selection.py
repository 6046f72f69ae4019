"""Which pods and containers a chaos resource means: Chaos Mesh's selectors and modes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

    from bridge.sandbox.kubernetes.chaos_mesh_kinds import ChaosKind
    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

_NOT_THE_TARGET = {"action", "duration", "secretName", "remoteCluster", "mode", "value"}


class SelectionError(Exception):
    """Nothing can be selected; the message is what Chaos Mesh puts into its event."""


def select_targets(
    store: ObjectStore, kind: ChaosKind, spec: Mapping[str, Any], random: Random
) -> list[tuple[str, str]]:
    """Return (selector key, record id) of everything that a spec means, now.

    The spec has passed the webhooks, so `selector.namespaces` is filled in. Raises
    SelectionError when a selector finds nothing.
    """
    if kind.targets == "cloud":
        identity = {name: spec[name] for name in spec if name not in _NOT_THE_TARGET}
        return [(".", json.dumps(identity, separators=(",", ":")))]
    if kind.targets == "machines":
        return [(".", name) for name in _machines(store, spec, random)]
    selected = [(".", name) for name in _select(store, kind, spec, spec, random)]
    if spec.get("target") and kind.name == "NetworkChaos":
        names = _select(store, kind, spec["target"], spec, random)
        selected += [(".Target", name) for name in names]
    return selected


def _select(
    store: ObjectStore,
    kind: ChaosKind,
    choice: Mapping[str, Any],
    spec: Mapping[str, Any],
    random: Random,
) -> list[str]:
    pods = matching_pods(store, choice.get("selector") or {})
    if not pods:
        raise SelectionError("no pod is selected")
    chosen = choose(pods, choice.get("mode", ""), choice.get("value", ""), random)
    names = [f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in chosen]
    if kind.of_containers(spec):
        names = [
            f"{name}/{container}"
            for name, pod in zip(names, chosen, strict=True)
            for container in _containers(pod, spec.get("containerNames"))
        ]
    if not names:
        raise SelectionError("no target has been selected")
    return names


def _machines(store: ObjectStore, spec: Mapping[str, Any], random: Random) -> list[str]:
    addresses = spec.get("address")
    if addresses:
        return [str(address) for address in addresses]
    selector = spec.get("selector") or {}
    found = [
        machine
        for namespace in selector.get("namespaces") or ()
        for machine in store.list("chaos-mesh.org", "physicalmachines", namespace)
        if _labels_match(machine["metadata"].get("labels") or {}, selector)
    ]
    if not found:
        raise SelectionError("no physical machine is selected")
    chosen = choose(found, spec.get("mode", ""), spec.get("value", ""), random)
    return [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in chosen]


def _containers(pod: Object, wanted: Iterable[str] | None) -> list[str]:
    names = [container["name"] for container in pod["spec"].get("containers") or ()]
    if not wanted:
        return names[:1]
    return [name for name in names if name in set(wanted)]


def matching_pods(store: ObjectStore, selector: Mapping[str, Any]) -> list[Object]:
    """Return the pods that a selector matches, before any mode is applied.

    With `pods` given, everything else is ignored, and pods that do not exist are skipped.
    """
    if selector.get("pods"):
        named = [
            store.get(("", "pods", namespace, name))
            for namespace, names in selector["pods"].items()
            for name in names
        ]
        return [pod for pod in named if pod is not None]
    nodes = _node_names(store, selector)
    return [
        pod
        for namespace in selector.get("namespaces") or ()
        for pod in store.list("", "pods", namespace)
        if _pod_matches(pod, selector) and (nodes is None or pod["spec"].get("nodeName") in nodes)
    ]


def _node_names(store: ObjectStore, selector: Mapping[str, Any]) -> set[str] | None:
    """Union of `nodes` and `nodeSelectors`; None when neither restricts anything."""
    names, labels = selector.get("nodes") or [], selector.get("nodeSelectors") or {}
    if not names and not labels:
        return None
    found = set()
    for name in names:
        if store.get(("", "nodes", "", name)) is None:
            raise SelectionError(f'Node "{name}" not found')
        found.add(name)
    if labels:
        found |= {
            node["metadata"]["name"]
            for node in store.list("", "nodes")
            if labels.items() <= (node["metadata"].get("labels") or {}).items()
        }
    return found


def _pod_matches(pod: Object, selector: Mapping[str, Any]) -> bool:
    metadata = pod["metadata"]
    annotations = selector.get("annotationSelectors") or {}
    phases = selector.get("podPhaseSelectors") or ()
    return (
        _labels_match(metadata.get("labels") or {}, selector)
        and annotations.items() <= (metadata.get("annotations") or {}).items()
        and all(
            _field(pod, path) == value
            for path, value in (selector.get("fieldSelectors") or {}).items()
        )
        and (not phases or _field(pod, "status.phase") in phases)
    )


def _labels_match(labels: Mapping[str, str], selector: Mapping[str, Any]) -> bool:
    wanted = selector.get("labelSelectors") or {}
    return wanted.items() <= labels.items() and all(
        _expression_matches(labels, expression)
        for expression in selector.get("expressionSelectors") or ()
    )


def _expression_matches(labels: Mapping[str, str], expression: Mapping[str, Any]) -> bool:
    key, values = expression.get("key", ""), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise SelectionError(f'"{other}" is not a valid label selector operator')


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def choose(found: list[Object], mode: str, value: str, random: Random) -> list[Object]:
    """Apply a mode: `fixed` never exceeds what there is, percentages round up.

    `random-max-percent` draws the percentage, so it may well choose nothing. Raises
    SelectionError for a mode or value that slipped past the webhook.
    """
    count = len(found)
    if mode == "one":
        return [random.choice(found)]
    if mode == "all":
        return found
    if mode not in ("fixed", "fixed-percent", "random-max-percent"):
        raise SelectionError(f"mode {mode} not supported")
    try:
        number = int(value)
    except ValueError:
        raise SelectionError(f'strconv.Atoi: parsing "{value}": invalid syntax') from None
    if number <= 0:
        raise SelectionError("cannot select any object as value below or equal 0")
    if mode == "random-max-percent":
        number = random.randint(0, number)
    if mode != "fixed":
        number = math.ceil(count * number / 100)
    return random.sample(found, min(number, count))
