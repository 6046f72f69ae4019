"""Structural schemas: pruning, defaulting and validation of custom resources.

The rules and wordings are those of a real API server's `apiextensions` package; the shared test
set holds them against one. Not evaluated are CEL rules (`x-kubernetes-validations`; whoever
creates such a definition is warned) and some string formats (`formats.UNCHECKED`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from bridge.sandbox.kubernetes.formats import CHECKS
from bridge.sandbox.kubernetes.objects import copy_json
from bridge.sandbox.kubernetes.status import (
    FieldError,
    go_value,
    invalid_value,
    quoted,
    required,
    unsupported_value,
)

Schema: TypeAlias = Mapping[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
EMBEDDED = "x-kubernetes-embedded-resource"

_EVERY_OBJECT = frozenset({"apiVersion", "kind", "metadata"})


DEDUCED: Schema = {PRESERVE: True}
"""The schema of what no schema describes: maps of anything, lists that are taken as one."""


def child_schema(schema: Schema, name: str) -> Schema:
    """Return the schema of one field of an object."""
    properties = schema.get("properties") or {}
    if name in properties:
        found: Schema = properties[name]
        return found
    others = schema.get("additionalProperties")
    return others if isinstance(others, Mapping) else DEDUCED


def is_open(schema: Schema) -> bool:
    """Tell whether an object may have fields that its schema does not name."""
    if schema.get("additionalProperties") or schema.get(PRESERVE) or schema.get(EMBEDDED):
        return True
    return "type" not in schema and "properties" not in schema


def prune(value: object, schema: Schema, path: str = "", *, root: bool = True) -> list[str]:
    """Remove in place the fields that the schema does not know; returns their paths."""
    removed: list[str] = []
    if isinstance(value, list):
        for index, item in enumerate(value):
            removed += prune(item, schema.get("items") or {}, f"{path}[{index}]", root=False)
    if not isinstance(value, dict) or schema.get(INT_OR_STRING):
        return removed
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    for name in list(value):
        place = f"{path}.{name}" if path else name
        if name in _EVERY_OBJECT and (root or schema.get(EMBEDDED)):
            continue
        if name in properties:
            removed += prune(value[name], properties[name], place, root=False)
        elif isinstance(others, Mapping):
            removed += prune(value[name], others, place, root=False)
        elif not (others is True or schema.get(PRESERVE)):
            del value[name]
            removed.append(place)
    return removed


def default(value: object, schema: Schema) -> None:
    """Fill in defaults in place, and drop nulls where the schema allows none."""
    if isinstance(value, list):
        for item in value:
            default(item, schema.get("items") or {})
    if not isinstance(value, dict):
        return
    properties = schema.get("properties") or {}
    for name, inner in properties.items():
        if name in value and value[name] is None and not inner.get("nullable"):
            del value[name]
        if name not in value and "default" in inner:
            value[name] = copy_json(inner["default"])
        if name in value:
            default(value[name], inner)
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        for name in value.keys() - properties.keys():
            default(value[name], others)


def embedded_metadata(
    value: object, schema: Schema, path: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Find the metadata of the objects within an object, with the paths where they stand."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from embedded_metadata(item, schema.get("items") or {}, f"{path}[{index}]")
    elif isinstance(value, dict):
        if schema.get(EMBEDDED) and isinstance(value.get("metadata"), dict):
            yield f"{path}.metadata", value["metadata"]
        for name, item in value.items():
            inner = child_schema(schema, name)
            if inner is not DEDUCED:
                yield from embedded_metadata(item, inner, f"{path}.{name}".lstrip("."))


def validate(value: object, schema: Schema, path: str = "") -> list[FieldError]:
    """Name everything that is wrong with a value."""
    if value is None and schema.get("nullable"):
        return []
    errors: list[FieldError] = []
    allowed = ("integer", "string") if schema.get(INT_OR_STRING) else (schema.get("type"),)
    kind = type_name(value)
    fits = allowed == (None,) or kind in allowed or (allowed == ("number",) and kind == "integer")
    if not fits:
        errors.append(
            invalid_value(
                path,
                kind,
                f'{path} in body must be of type {",".join(map(str, allowed))}: "{kind}"',
            )
        )
    if "enum" in schema and not any(_same(value, item) for item in schema["enum"]):
        errors.append(unsupported_value(path, value, schema["enum"]))
    if fits:
        check = _CHECKS.get(kind)
        if check is not None:
            errors += check(value, schema, path)
    errors += _combined(value, schema, path)
    return errors


def type_name(value: object) -> str:
    """Name the JSON type of a value."""
    if isinstance(value, float) and value.is_integer():
        return "integer"
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return "number"
    return _TYPE_NAMES.get(type(value), "object")


_INT64 = 1 << 63
_TYPE_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
}


def _same(left: object, right: object) -> bool:
    return type_name(left) == type_name(right) and left == right


def _object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[FieldError]:
    def place(name: str) -> str:
        return f"{path}.{name}" if path else name

    for name in schema.get("required") or ():
        if name not in value:
            yield required(place(name))
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    for name, item in value.items():
        if name in properties:
            yield from validate(item, properties[name], place(name))
        elif isinstance(others, Mapping):
            yield from validate(item, others, place(name))
    low, high = schema.get("minProperties"), schema.get("maxProperties")
    if low is not None and len(value) < low:
        detail = f"{path} in body should have at least {low} properties"
        yield invalid_value(path, low, detail)
    if high is not None and len(value) > high:
        yield _too_many(path, len(value), high)
    yield from _embedded(value, schema, path)


def _embedded(value: dict[str, Any], schema: Schema, path: str) -> Iterator[FieldError]:
    """Check that an object within an object says what it is."""
    for name in ("apiVersion", "kind") if schema.get(EMBEDDED) else ():
        if not value.get(name):
            yield required(f"{path}.{name}" if path else name, "must not be empty")


def _array(value: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    low, high = schema.get("minItems"), schema.get("maxItems")
    if low is not None and len(value) < low:
        detail = f"{path} in body should have at least {low} items"
        yield invalid_value(path, len(value), detail)
    if high is not None and len(value) > high:
        yield _too_many(path, len(value), high)
    for index, item in enumerate(value):
        yield from validate(item, schema.get("items") or {}, f"{path}[{index}]")
    keys = schema.get("x-kubernetes-list-map-keys")
    kind = schema.get("x-kubernetes-list-type")
    if kind in ("set", "map"):
        seen: set[str] = set()
        for index, item in enumerate(value):
            part = {key: item.get(key) for key in keys or ()} if kind == "map" else item
            mark = json.dumps(part, sort_keys=True)
            if mark in seen:
                message = f"Duplicate value: {go_value(part)}"
                yield FieldError(f"{path}[{index}]", "FieldValueDuplicate", message)
            seen.add(mark)


def _too_many(path: str, has: int, limit: int) -> FieldError:
    message = f"Too many: {has}: must have at most {limit} items"
    return FieldError(path, "FieldValueTooMany", message)


def _number(value: float, schema: Schema, path: str) -> Iterator[FieldError]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and (value <= low if schema.get("exclusiveMinimum") else value < low):
        word = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        yield invalid_value(path, value, f"{path} in body should be {word} {low}")
    if high is not None and (value >= high if schema.get("exclusiveMaximum") else value > high):
        word = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        yield invalid_value(path, value, f"{path} in body should be {word} {high}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield invalid_value(path, value, f"{path} in body should be a multiple of {step}")


def _string(value: str, schema: Schema, path: str) -> Iterator[FieldError]:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if low is not None and len(value) < low:
        yield invalid_value(path, value, f"{path} in body should be at least {low} chars long")
    if high is not None and len(value) > high:
        message = f"Too long: may not be more than {high} bytes"
        yield FieldError(path, "FieldValueTooLong", message)
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        yield invalid_value(path, value, f"{path} in body should match '{pattern}'")
    form = schema.get("format", "")
    if form in CHECKS and not CHECKS[form](value):
        yield invalid_value(path, value, f"{path} in body must be of type {form}: {quoted(value)}")


_CHECKS: dict[str, Callable[[Any, Schema, str], Iterator[FieldError]]] = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "string": _string,
}


def _combined(value: object, schema: Schema, path: str) -> Iterator[FieldError]:
    """Check allOf, anyOf, oneOf and not, in the real server's words."""
    nowhere = "<nil>"
    if parts := schema.get("allOf"):
        tried = [validate(value, part, path) for part in parts]
        if any(tried):
            none = ". None validated" if all(tried) else ""
            yield invalid_value(
                nowhere, "", f'"{path}" must validate all the schemas (allOf){none}'
            )
            for errors in tried:
                yield from errors
    if alternatives := schema.get("anyOf"):
        tried = [validate(value, part, path) for part in alternatives]
        if all(tried):
            detail = f'"{path}" must validate at least one schema (anyOf)'
            yield invalid_value(nowhere, "", detail)
            yield from tried[0]
    if alternatives := schema.get("oneOf"):
        tried = [validate(value, part, path) for part in alternatives]
        valid = sum(not errors for errors in tried)
        detail = f'"{path}" must validate one and only one schema (oneOf). Found '
        if valid == 0:
            yield invalid_value(nowhere, "", detail + "none valid")
            yield from tried[0]
        elif valid > 1:
            yield invalid_value(nowhere, "", f"{detail}{valid} valid alternatives")
    refused = schema.get("not")
    if refused is not None and not validate(value, refused, path):
        yield invalid_value(nowhere, "", f'"{path}" must not validate the schema (not)')
