"""The CustomResourceDefinitions of Chaos Mesh and Litmus, as far as the sandbox needs them.

Names, scope and status subresources are upstream's (Chaos Mesh 2.8.3, Litmus 3.31). The spec of
kinds with a typed model is its full structural schema; of the other chaos kinds only the required
fields and what they share (selector, mode, duration) are described, and everything else is
taken. `status` is not described anywhere: the controllers write it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from providers.kubernetes.specs import KINDS, SPECS, crd_schema

if TYPE_CHECKING:
    from providers.kubernetes.specs import Kind

CRD_GROUP = "apiextensions.k8s.io"

_ANY_OBJECT: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_WITH_ACTION = {
    "AWSChaos",
    "AzureChaos",
    "BlockChaos",
    "DNSChaos",
    "GCPChaos",
    "IOChaos",
    "JVMChaos",
    "NetworkChaos",
    "PhysicalMachineChaos",
}
# PodChaos has no columns at all: kubectl shows name and age.
_WITH_DURATION = _WITH_ACTION | {"HTTPChaos", "KernelChaos", "StressChaos", "TimeChaos"}
_SHORT_NAMES = {"Workflow": ["wf"], "WorkflowNode": ["wfn"]}


def definitions() -> list[dict[str, Any]]:
    """Return the definitions of all 23 kinds of Chaos Mesh and the 3 of Litmus."""
    return [_definition(kind) for kind in KINDS.values()]


def _definition(kind: Kind) -> dict[str, Any]:
    names: dict[str, Any] = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
    }
    if kind.name in _SHORT_NAMES:
        names["shortNames"] = _SHORT_NAMES[kind.name]
    version: dict[str, Any] = {
        "name": kind.api_version.rpartition("/")[2],
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _schema(kind)},
    }
    columns = _columns(kind.name)
    if columns:
        version["additionalPrinterColumns"] = columns
    if kind.status_subresource:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": f"{CRD_GROUP}/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
        },
    }


@cache
def spec_schema(kind: str) -> dict[str, Any]:
    """Return the structural schema of a kind's spec, shared by all callers."""
    return crd_schema(kind) if kind in SPECS else _ANY_OBJECT


def _schema(kind: Kind) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec_schema(kind.name),
            "status": dict(_ANY_OBJECT),
        },
        "required": ["spec"] if kind.chaos else [],
    }


def _columns(name: str) -> list[dict[str, str]]:
    fields = ("action", name in _WITH_ACTION), ("duration", name in _WITH_DURATION)
    return [
        {"name": field, "type": "string", "jsonPath": f".spec.{field}"}
        for field, shown in fields
        if shown
    ]
