"""Pydantic's validation errors in the words of this project: path, reason and mend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import ErrorDetails

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.problems import json_type, meant, shown

_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "array": "a list",
    "object": "an object",
}
_BOUNDS: Final = {
    "greater_than_equal": ("ge", "or more"),
    "less_than_equal": ("le", "or less"),
}


def problem_of(error: ErrorDetails, schema: dict[str, Any], spec: dict[str, Any]) -> Problem:
    """The problem that a validation error states, as an error at its JSON path.

    `schema` is the structural schema of the whole `spec`, from which field names, types and choices
    are read for the mend.
    """
    location = error["loc"]
    path = "spec"
    for key in location:
        path = child(path, key)
    value = _value_at(spec, location)
    expected = _schema_at(schema, location)
    return Problem(path, _message(error, location, expected, schema, value))


def _message(
    error: ErrorDetails,
    location: Sequence[str | int],
    expected: dict[str, Any],
    schema: dict[str, Any],
    value: Any,
) -> str:
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_field(str(location[-1]), location[:-1], schema)
    if kind == "missing":
        return f"is required, write {_wanted(expected)}"
    if kind == "value_error":
        return str(context["error"])
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{shown(value)} is out of range, write {context[name]} {words}"
    return _mismatch(expected, value)


def _mismatch(expected: dict[str, Any], value: Any) -> str:
    choices = expected.get("enum")
    if choices and isinstance(value, str):
        hint = meant(value, choices)
        message = f"{shown(value)} is not one of {', '.join(choices)}"
        return f"{message}; {hint}" if hint else message
    mend = _wanted(expected)
    if not choices and expected.get("type") == "string" and isinstance(value, int | float):
        mend = f'"{shown(value)}" with quotes'
    what = _TYPES.get(expected.get("type", ""), "something else")
    return f"must be {what}, is {json_type(value)}, write {mend}"


def _unknown_field(name: str, location: Sequence[str | int], schema: dict[str, Any]) -> str:
    known = list(_schema_at(schema, location).get("properties", ()))
    hint = meant(name, known) or f"the fields here are {', '.join(sorted(known))}"
    return f"unknown field {shown(name)}, {hint}"


def _wanted(expected: dict[str, Any]) -> str:
    if "enum" in expected:
        return f"one of {', '.join(expected['enum'])}"
    if "example" in expected:
        return f"it like {shown(expected['example'])}"
    required = expected.get("required")
    if required:
        return f"an object with {', '.join(required)}"
    return _TYPES.get(expected.get("type", ""), "a value")


def _schema_at(schema: dict[str, Any], location: Sequence[str | int]) -> dict[str, Any]:
    found = schema
    for key in location:
        inner = found.get("items") if isinstance(key, int) else None
        if inner is None:
            inner = found.get("properties", {}).get(key) or found.get("additionalProperties")
        if not isinstance(inner, dict):
            return {}
        found = inner
    return found


def _value_at(spec: Any, location: Sequence[str | int]) -> Any:
    value = spec
    for key in location:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value
