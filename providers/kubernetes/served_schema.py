"""The schema that a cluster serves for a kind, and what of an object does not fit it.

A CRD's schema is structural: inlined, without alternatives. Of what JSON Schema has beyond, nothing
is judged here; the server's dry run does that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.model.problem import Problem
from bridge.model.wording import child, suggestion
from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.specs.problems import json_type, shown

_KIND: Final = "x-kubernetes-group-version-kind"
_KEPT: Final = "x-kubernetes-preserve-unknown-fields"
_EITHER: Final = "x-kubernetes-int-or-string"
_DEEPEST: Final = 64
_NOT_FOUND: Final = 404
_NOT_ACCEPTABLE: Final = 406
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
}
_WORDS: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


class Schemas:
    """The schemas of one cluster, each document asked for once."""

    def __init__(self, cluster: Cluster) -> None:
        """Ask nothing yet."""
        self._cluster = cluster
        self._documents: dict[str, Mapping[str, Any] | None] = {}

    async def of(self, api_version: str, kind: str) -> dict[str, Any] | None:
        """Return the schema of a kind, None where the cluster serves none.

        OpenAPI v3 (Kubernetes 1.24 and newer), else v2. Raises ProviderError.
        """
        group, _, version = api_version.rpartition("/")
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        document = await self._document(f"/openapi/v3/{path}")
        if document is not None:
            models = (document.get("components") or {}).get("schemas") or {}
        else:
            document = await self._document("/openapi/v2") or {}
            models = document.get("definitions") or {}
        wanted = {"group": group, "version": version, "kind": kind}
        for model in models.values():
            if wanted in (model.get(_KIND) or ()):
                return _inlined(model, models, 0)
        return None

    async def _document(self, path: str) -> Mapping[str, Any] | None:
        if path not in self._documents:
            try:
                answer = await self._cluster.get(path)
            except ApiError as error:
                if error.status not in (_NOT_FOUND, _NOT_ACCEPTABLE):
                    raise
                self._documents[path] = None
            else:
                self._documents[path] = answer.body or None
        return self._documents[path]


def _inlined(schema: Any, models: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Return a schema with what it refers to put in; one that goes round ends open."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {_KEPT: True}
    found = dict(schema)
    for part in (found, *(found.get("allOf") or ())):
        reference = part.get("$ref") if isinstance(part, dict) else None
        if isinstance(reference, str):
            found = {**models.get(reference.rpartition("/")[2], {}), **found}
    found.pop("$ref", None)
    found.pop("allOf", None)
    if isinstance(found.get("properties"), dict):
        found["properties"] = {
            name: _inlined(one, models, depth + 1) for name, one in found["properties"].items()
        }
    for part in ("items", "additionalProperties"):
        if isinstance(found.get(part), dict):
            found[part] = _inlined(found[part], models, depth + 1)
    return found


def schema_problems(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[Problem]:
    """Yield where a value does not fit a structural schema, as the API server would refuse it."""
    if value is None:
        return  # dropped by the server where it is not nullable
    misfit = _misfit(schema, value)
    if misfit:
        yield Problem(path, misfit)
    elif isinstance(value, dict):
        yield from _of_object(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from schema_problems(schema.get("items") or {}, item, child(path, index))


def _misfit(schema: Mapping[str, Any], value: Any) -> str:
    """Return what is wrong with a value itself, whatever is in it."""
    kind = schema.get("type")
    if schema.get(_EITHER):
        fits = isinstance(value, int | str) and not isinstance(value, bool)
        return "" if fits else f"must be a whole number or text, is {json_type(value)}"
    if kind in _TYPES and not _is(value, str(kind)):
        return f"must be {_WORDS[str(kind)]}, is {json_type(value)}"
    choices = schema.get("enum")
    if choices is not None and value not in choices:
        return f"{shown(value)} is not one of {', '.join(shown(choice) for choice in choices)}"
    if isinstance(value, str):
        return _text_misfit(schema, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_misfit(schema, value)
    return ""


def _number_misfit(schema: Mapping[str, Any], value: float) -> str:
    if value < schema.get("minimum", -math.inf):
        return f"{shown(value)} is less than {schema['minimum']}"
    if value > schema.get("maximum", math.inf):
        return f"{shown(value)} is more than {schema['maximum']}"
    return ""


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _text_misfit(schema: Mapping[str, Any], value: str) -> str:
    pattern = schema.get("pattern")
    if len(value) < schema.get("minLength", 0):
        return f"has fewer than {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", math.inf):
        return f"has more than {schema['maxLength']} characters"
    if isinstance(pattern, str) and not _matches(pattern, value):
        return f"{shown(value)} does not match {pattern}"
    return ""


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value[:1024]) is not None
    except re.error:
        return True  # RE2 knows what Python does not


def _of_object(schema: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in schema.get("required") or ():
        if value.get(name) is None:
            yield Problem(child(path, name), "is required")
    properties = schema.get("properties") or {}
    further = schema.get("additionalProperties")
    open_ended = bool(schema.get(_KEPT)) or not ("properties" in schema or "type" in schema)
    for name, member in value.items():
        where = child(path, str(name))
        if name in properties:
            yield from schema_problems(properties[name], member, where)
        elif isinstance(further, dict):
            yield from schema_problems(further, member, where)
        elif not further and not open_ended and properties:
            mend = suggestion(str(name), properties, "it has none like it")
            yield Problem(where, f"is a field that it does not have; {mend}")
