"""JSON Schema (draft 2020-12) of whole resources, for editors: what may be written, and what it is.

It says what the CRD says, closed as strict field validation closes it, and the words of the few
fields that only the webhook judges. What depends on more than one field is told by `check`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from providers.kubernetes.specs.checking import SPECS
from providers.kubernetes.specs.crd import annotated_schema
from providers.kubernetes.specs.describing import summary
from providers.kubernetes.specs.kinds import CHAOS_MESH, KINDS, LITMUS, VERSION

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
PATH: Final = "/v1/schemas"
"""Where a bridge serves them."""
ANY: Final = "any"
"""In place of a kind: the schema of a manifest of whatever kind."""

_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_NAME: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_PREFIX: Final = "x-kubernetes-"
_WORTH_SHARING: Final = 400  # characters


def json_schema(kind: str) -> dict[str, Any]:
    """The schema of a resource of a kind in `SPECS`, the caller's own.

    Raises KeyError for any other kind.
    """
    known = KINDS[kind]
    written = {
        "$schema": DRAFT,
        "$id": f"{PATH}/{known.group}/{VERSION}/{kind}",
        "title": kind,
        **_resource(kind),
    }
    return _with_definitions(written)


def manifest_schema() -> dict[str, Any]:
    """The schema of one document that may be of any kind; kinds of other groups pass.

    One for all callers: to be read, not changed.
    """
    return _manifest()


@cache
def _manifest() -> dict[str, Any]:
    groups = f"^({CHAOS_MESH}|{LITMUS})/".replace(".", r"\.")
    ours: dict[str, Any] = {
        "if": {
            "properties": {"apiVersion": {"type": "string", "pattern": groups}},
            "required": ["apiVersion"],
        },
        "then": {
            "properties": {"kind": {"enum": [kind.name for kind in KINDS.values()]}},
            "required": ["kind"],
        },
    }
    each = [
        {
            "if": {
                "properties": {
                    "apiVersion": {"pattern": f"^{KINDS[kind].group}/".replace(".", r"\.")},
                    "kind": {"const": kind},
                },
                "required": ["apiVersion", "kind"],
            },
            "then": {"$ref": f"#/$defs/{kind}"},
        }
        for kind in sorted(SPECS)
    ]
    written = {
        "$schema": DRAFT,
        "$id": f"{PATH}/{ANY}",
        "title": "A manifest of Chaos Mesh or Litmus",
        "type": "object",
        "allOf": [ours, *each],
        "$defs": {kind: _resource(kind) for kind in sorted(SPECS)},
    }
    return _with_definitions(written)


@cache
def _resource(kind: str) -> dict[str, Any]:
    known = KINDS[kind]
    return {
        "description": summary(kind),
        "type": "object",
        "properties": {
            "apiVersion": {"const": known.api_version},
            "kind": {"const": kind},
            "metadata": _metadata(namespaced=known.namespaced),
            "spec": _closed(annotated_schema(SPECS[kind])),
            "status": {"type": "object", "description": "Written by the cluster."},
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
    }


def _metadata(*, namespaced: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "name": {"type": "string", "pattern": _NAME, "description": "Its name."},
        "generateName": {"type": "string", "description": "How a name that is made begins."},
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
    }
    if namespaced:
        properties["namespace"] = {
            "type": "string",
            "description": "The namespace it is in, and the one it selects in if it names none.",
        }
    for written in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink"):
        properties[written] = {"type": "string", "description": "Written by the cluster."}
    properties["generation"] = {"type": "integer"}
    properties["deletionGracePeriodSeconds"] = {"type": "integer"}
    properties["managedFields"] = {"type": "array"}
    return {
        "type": "object",
        "properties": properties,
        "anyOf": [{"required": ["name"]}, {"required": ["generateName"]}],
        "additionalProperties": False,
    }


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A structural schema in the words of JSON Schema."""
    result = {key: value for key, value in schema.items() if not key.startswith(_PREFIX)}
    if "example" in result:
        result["examples"] = [result.pop("example")]
    if "choices" in result:
        result["enum"] = result.pop("choices")
    if "webhookDefault" in result:
        result["default"] = result.pop("webhookDefault")
    if "properties" in result:
        result["properties"] = {
            name: _closed(member) for name, member in result["properties"].items()
        }
        result["additionalProperties"] = _OPEN in schema
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _closed(result["additionalProperties"])
    if "items" in result:
        result["items"] = _closed(result["items"])
    return result


def _with_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy in which each object that is described more than once stands in `$defs`.

    A Schedule holds every chaos, and a Workflow that holds every chaos again.
    """
    counts = Counter(_texts(schema))
    names: dict[str, str] = {}
    definitions: dict[str, Any] = {}

    def written(value: Any, name: str) -> Any:
        if isinstance(value, list):
            return [written(item, name) for item in value]
        if not isinstance(value, dict):
            return value
        text = json.dumps(value, sort_keys=True) if "properties" in value else ""
        if counts[text] > 1 and len(text) > _WORTH_SHARING:
            if text not in names:
                names[text] = _free(name, definitions)
                definitions[names[text]] = {}  # keeps the name while what is in it is written
                definitions[names[text]] = {key: written(each, key) for key, each in value.items()}
            return {"$ref": f"#/$defs/{names[text]}"}
        return {key: written(each, key) for key, each in value.items()}

    result: dict[str, Any] = written(schema, "")
    return {**result, "$defs": {**result.get("$defs", {}), **definitions}}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "properties" in value:
            yield json.dumps(value, sort_keys=True)
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    names = (name, *(f"{name}{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)
