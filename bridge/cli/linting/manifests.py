"""A Kubernetes manifest of a chaos kind: what is around its spec, and the spec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bridge.cli.injection import EXECUTOR
from bridge.model.problem import Problem, Severity
from bridge.model.wording import child, quote, suggestion
from providers.kubernetes import specs
from providers.kubernetes.resource import CHAOS_MESH, LITMUS

DEFAULT_NAMESPACE: Final = "default"
CLUSTERS_OWN: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""Metadata that the API server writes, as ``kubectl get -o yaml`` prints it."""

_TOP: Final = ("apiVersion", "kind", "metadata", "spec", "status")
_AUTHORS: Final = (
    "annotations",
    "finalizers",
    "generateName",
    "labels",
    "name",
    "namespace",
    "ownerReferences",
)
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def is_manifest(document: Any) -> bool:
    """Whether a document is meant as a Kubernetes object."""
    return isinstance(document, dict) and bool({"apiVersion", "kind"} & document.keys())


def is_chaos(document: Mapping[str, Any]) -> bool:
    """Whether a manifest is of a kind, or of a group, of Chaos Mesh or Litmus."""
    group = str(document.get("apiVersion", "")).rpartition("/")[0]
    kind = document.get("kind")
    return group in (CHAOS_MESH, LITMUS) or (isinstance(kind, str) and kind in specs.KINDS)


def items_of(document: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield each object of a manifest with its path: the one, or those of a ``kind: List``."""
    items = document.get("items")
    if document.get("kind") != "List" or not isinstance(items, list):
        yield document, ""
        return
    for index, item in enumerate(items):
        yield item, child("items", index)


def manifest_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with one manifest, paths from its root."""
    for name in document:
        if name not in _TOP:
            mend = suggestion(name, _TOP, "remove it")
            yield Problem(child("", name), f"unknown field {quote(name)}, {mend}")
    if "status" in document:
        message = "is the cluster's to write and ignored here, leave it out"
        yield Problem("status", message, Severity.WARNING)
    texts = {"apiVersion": f"{CHAOS_MESH}/v1alpha1", "kind": "NetworkChaos"}
    missing = [name for name in texts if not isinstance(document.get(name), str)]
    for name in missing:
        yield Problem(name, f"is required, write it like {quote(texts[name])}")
    yield from _metadata_problems(document)
    if missing:
        return
    if "spec" not in document:
        yield Problem("spec", "is required, write an object with the fields of the kind")
        return
    kind = document["kind"]
    for problem in specs.check(
        document["apiVersion"],
        kind,
        namespace_of(document),
        document["spec"],
        native=_is_ours(document),
    ):
        path = "metadata.namespace" if problem.path == "namespace" else problem.path
        yield replace(problem, path=path)


def namespace_of(document: Mapping[str, Any]) -> str:
    """Return the namespace that is written, or kubectl's default."""
    metadata = document.get("metadata")
    written = metadata.get("namespace") if isinstance(metadata, dict) else None
    return DEFAULT_NAMESPACE if written is None else str(written)


def _is_ours(document: Mapping[str, Any]) -> bool:
    """Whether the bridge itself is meant to carry it out: by annotation, or by a field of ours."""
    metadata, spec = document.get("metadata"), document["spec"]
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    executor = annotations.get(EXECUTOR) if isinstance(annotations, dict) else None
    if not specs.is_native(document["apiVersion"], document["kind"], executor):
        return False
    extended = isinstance(spec, dict) and bool(set(specs.EXTENSION) & spec.keys())
    return executor is not None or extended


def _metadata_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        yield Problem("metadata", "is required, write it like { name: slow-carts }")
        return
    kind = specs.KINDS.get(str(document.get("kind")))
    name = metadata.get("name")
    if name is None and not metadata.get("generateName"):
        yield Problem("metadata.name", 'is required, write it like "slow-carts"')
    elif name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        message = 'must be lower-case letters, digits and inner hyphens, like "slow-carts"'
        yield Problem("metadata.name", message)
    if kind is not None and not kind.namespaced and metadata.get("namespace") is not None:
        message = f"is ignored, a {kind.name} belongs to the whole cluster, leave it out"
        yield Problem("metadata.namespace", message, Severity.WARNING)
    for part in ("labels", "annotations"):
        yield from _texts_problems(metadata.get(part), f"metadata.{part}")
    yield from _unread_metadata(metadata)


def _texts_problems(entries: Any, path: str) -> Iterator[Problem]:
    if entries is not None and not isinstance(entries, dict):
        yield Problem(path, "must be an object of names and texts")
        return
    for key, value in (entries or {}).items():
        if not isinstance(value, str):
            yield Problem(child(path, key), "must be text, put it in double quotes")


def _unread_metadata(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    for field in metadata:
        where = child("metadata", field)
        if field in CLUSTERS_OWN:
            message = "is the cluster's to write, leave it out"
            severity = Severity.ERROR if field == "resourceVersion" else Severity.WARNING
            yield Problem(where, message, severity)
        elif field not in _AUTHORS:
            mend = suggestion(field, _AUTHORS, "remove it")
            yield Problem(where, f"unknown field {quote(field)}, {mend}")
