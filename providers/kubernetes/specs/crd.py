"""The structural OpenAPI v3 schema of a chaos spec, made from its model.

Structural schemas allow neither `$ref` nor a nullable `anyOf`, and forbid
`additionalProperties: false`: unknown fields are what no property names.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from providers.kubernetes.specs.base import ChaosModel

_KEPT: Final = (
    "type",
    "format",
    "pattern",
    "enum",
    "minimum",
    "maximum",
    "default",
    "example",
    "required",
    "minLength",
    "maxLength",
    "x-kubernetes-list-type",
)
# Pydantic leaves bounds on the inside of an optional field in its own words.
_BOUNDS: Final = {"ge": "minimum", "le": "maximum"}
_EITHER: Final = "x-kubernetes-int-or-string"
_ANYTHING: Final = "x-kubernetes-preserve-unknown-fields"


def structural_schema(model: type[ChaosModel]) -> dict[str, Any]:
    """The schema of one spec, inlined: only keywords that a CRD may hold."""
    return copy.deepcopy(shared_schema(model))


@cache
def shared_schema(model: type[ChaosModel]) -> dict[str, Any]:
    """The structural schema, one for all callers: to be read, not changed."""
    schema = _written(model)
    return _structural(schema, schema.get("$defs", {}), _KEPT)


def annotated_schema(model: type[ChaosModel]) -> dict[str, Any]:
    """The same with what editors are told beyond the CRD: `choices` and `webhookDefault`."""
    schema = _written(model)
    return _structural(schema, schema.get("$defs", {}), (*_KEPT, "choices", "webhookDefault"))


@cache
def holders(model: type[ChaosModel]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Every field name of a spec, folded, with the paths of the objects that have such a field.

    A step `[]` stands for the items of a list. What is nearer to the top comes first.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    waiting: list[tuple[dict[str, Any], tuple[str, ...]]] = [(shared_schema(model), ())]
    for schema, path in waiting:
        for name, member in schema.get("properties", {}).items():
            found.setdefault(folded(name), []).append(path)
            waiting.append((member, (*path, name)))
        if "items" in schema:
            waiting.append((schema["items"], (*path, "[]")))
    return {name: tuple(paths) for name, paths in found.items()}


def folded(name: str) -> str:
    """A field name without capitals, hyphens and underscores: what is meant, however spelt."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _written(model: type[ChaosModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    # Docstrings of models describe the code.
    schema.pop("description", None)
    return schema


def _merged(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to, and without "or null"."""
    merged = dict(schema)
    if _EITHER in schema:
        return merged
    for option in schema.get("anyOf", ()):
        # Null is pruned before it is validated, so "or null" says nothing.
        if option.get("type") != "null":
            merged = {**option, **{key: merged[key] for key in merged if key != "anyOf"}}
    if "$ref" in merged:
        target = definitions[merged["$ref"].rpartition("/")[2]]
        merged = {**target, **{key: merged[key] for key in merged if key != "$ref"}}
    return merged


def _structural(
    schema: dict[str, Any], definitions: dict[str, Any], kept: tuple[str, ...]
) -> dict[str, Any]:
    merged = _merged(schema, definitions)
    if _EITHER in merged:
        # The one anyOf that is structural: a whole number or text.
        return {key: merged[key] for key in ("anyOf", _EITHER, "description") if key in merged}
    result = {key: merged[key] for key in kept if merged.get(key) is not None}
    if "const" in merged:
        result["enum"] = [merged["const"]]
    result |= {word: merged[bound] for bound, word in _BOUNDS.items() if bound in merged}
    # A field's own description is for its readers, that of what it refers to is not.
    if "description" in schema:
        result["description"] = schema["description"]
    if "properties" in merged:
        result["properties"] = {
            name: _structural(member, definitions, kept)
            for name, member in merged["properties"].items()
        }
    elif isinstance(merged.get("additionalProperties"), dict):
        result["additionalProperties"] = _structural(
            merged["additionalProperties"], definitions, kept
        )
    if merged.get("additionalProperties") is True:
        # A model that allows extra fields, or a dictionary of anything.
        result[_ANYTHING] = True
    if "items" in merged:
        result["items"] = _structural(merged["items"], definitions, kept)
    return result
