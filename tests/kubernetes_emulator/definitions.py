"""A custom resource that has one field for each rule of a schema."""

from __future__ import annotations

from typing import Any

GROUP = "testing.faultbridge.dev"

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["mode", "selector"],
    "properties": {
        "mode": {"type": "string", "enum": ["one", "all"]},
        "value": {"type": "string"},
        "selector": {"type": "object", "properties": {"a": {"type": "string"}}},
        "n": {"type": "integer", "minimum": 1, "maximum": 5},
        "over": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "s": {"type": "string", "pattern": "^a+$", "maxLength": 4},
        "l": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}},
        },
        "d": {"type": "string", "default": "hey"},
        "nothing": {"type": "string", "nullable": True},
        "either": {"x-kubernetes-int-or-string": True},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "flag": {"type": "boolean"},
        "when": {"type": "string", "format": "date-time"},
        "choice": {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
    },
}


def definition(plural: str, kind: str, **version: Any) -> dict[str, Any]:
    """Write the definition of a namespaced kind; `version` adds to its only version."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, "shortNames": [plural[:4]]},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "required": ["spec"],
                            "properties": {
                                "spec": SPEC,
                                "status": {
                                    "type": "object",
                                    "properties": {"phase": {"type": "string"}},
                                },
                            },
                        }
                    },
                    **version,
                }
            ],
        },
    }


PROBES = definition(
    "probes",
    "Probe",
    additionalPrinterColumns=[
        {"name": "mode", "type": "string", "jsonPath": ".spec.mode"},
        {"name": "count", "type": "integer", "jsonPath": ".spec.n"},
        {"name": "age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ],
)
SPLITS = definition("splits", "Split", subresources={"status": {}})
"""The same with a status subresource."""


def probe(name: str, kind: str = "Probe", /, **spec: Any) -> dict[str, Any]:
    """Write a valid object, with the given fields of its spec on top."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"mode": "one", "selector": {}, **spec},
    }


TYPEDS = definition("typeds", "Typed")
"""A kind with lists of each type, which server-side apply tells apart."""
TYPEDS["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {
    "type": "object",
    "description": "Typed has lists of each type.",
    "properties": {
        "spec": {
            "type": "object",
            "description": "What is wanted.",
            "properties": {
                "n": {"type": "integer", "description": "A number."},
                "items": {
                    "type": "array",
                    "description": "Merged by name.",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "v": {"type": "string"}},
                    },
                },
                "words": {
                    "type": "array",
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string"},
                },
                "whole": {
                    "type": "object",
                    "x-kubernetes-map-type": "atomic",
                    "properties": {"x": {"type": "string"}, "y": {"type": "string"}},
                },
            },
        }
    },
}
