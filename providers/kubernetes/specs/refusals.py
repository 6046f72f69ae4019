"""Pydantic's validation errors in the words of this project: path, reason and mend."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import ErrorDetails

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel
from providers.kubernetes.specs.crd import folded, holders, shared_schema
from providers.kubernetes.specs.problems import json_type, meant, shown

_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "array": "a list",
    "object": "an object",
    "boolean": "true or false",
}
_BOUNDS: Final = {
    "greater_than_equal": ("ge", "or more"),
    "less_than_equal": ("le", "or less"),
}


_GONE: Final = {
    "scheduler": "Chaos Mesh 2 has none in a spec; write a Schedule that creates this resource",
}
_MOST_PLACES: Final = 3
_SHORT: Final = 80  # characters of an example that fits into a message


def problem_of(error: ErrorDetails, model: type[ChaosModel], spec: dict[str, Any]) -> Problem:
    """The problem that a validation error of `model` states, as an error at its JSON path.

    Field names, types and choices for the mend are read from the schema of the whole `spec`.
    """
    location = error["loc"]
    path = "spec"
    for key in location:
        path = child(path, key)
    if error["type"] == "extra_forbidden":
        return Problem(path, _unknown_field(str(location[-1]), location[:-1], model, spec))
    value = _value_at(spec, location)
    expected = _schema_at(shared_schema(model), location)
    return Problem(path, _message(error, expected, value))


def schema_of(error: ErrorDetails, model: type[ChaosModel]) -> dict[str, Any]:
    """Return what the schema of a spec says of the place of an error; empty where it is silent."""
    return _schema_at(shared_schema(model), error["loc"])


def _message(error: ErrorDetails, expected: dict[str, Any], value: Any) -> str:
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "missing":
        what = expected.get("description", "").rstrip(".")
        note = f" ({what[:1].lower()}{what[1:]})" if what and "example" in expected else ""
        return f"is required, write {_wanted(expected)}{note}"
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
    elif expected.get("type") == "boolean" and value in ("true", "false"):
        mend = f"{value} without quotes"
    elif expected.get("type") == "array" and isinstance(value, str):
        mend = f"[{shown(value)}]"
    what = _TYPES.get(expected.get("type", ""), "something else")
    return f"must be {what}, is {json_type(value)}, write {mend}"


def _unknown_field(
    name: str, location: Sequence[str | int], model: type[ChaosModel], spec: dict[str, Any]
) -> str:
    known = list(_schema_at(shared_schema(model), location).get("properties", ()))
    unknown = f"unknown field {shown(name)}"
    wanted = folded(name)
    same = next((field for field in known if folded(field) == wanted), None)
    if same is not None:
        return f'{unknown}, did you mean "{same}"?'
    if name in _GONE:
        return f"{unknown}, {_GONE[name]}"
    if places := _places(wanted, model, spec):
        return f"{unknown}, it belongs in {places}"
    hint = meant(name, known) or f"the fields here are {', '.join(sorted(known))}"
    return f"{unknown}, {hint}"


def _places(wanted: str, model: type[ChaosModel], spec: dict[str, Any]) -> str:
    """The objects that have such a field, those of the document before all others."""
    ranked: dict[int, list[str]] = {}
    for path in holders(model).get(wanted, ()):
        rank = 2
        if _is_in(spec, path):
            rank = 0
        elif path and path[-1] == spec.get("action"):
            rank = 1
        items = "the items of " if path and path[-1] == "[]" else ""
        steps = ".".join(("spec", *path)).removesuffix(".[]").replace(".[]", "[]")
        ranked.setdefault(rank, []).append(items + steps)
    best = ranked[min(ranked)][:_MOST_PLACES] if ranked else []
    return " or ".join(filter(None, (", ".join(best[:-1]), *best[-1:])))


def _is_in(value: Any, path: Sequence[str]) -> bool:
    for step in path:
        if step == "[]" and isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, dict) and value.get(step) is not None:
            value = value[step]
        else:
            return False
    return True


def _wanted(expected: dict[str, Any]) -> str:
    if "enum" in expected:
        return f"one of {', '.join(expected['enum'])}"
    example = expected.get("example")
    if isinstance(example, list | dict):
        written = json.dumps(example, ensure_ascii=False)
        if len(written) <= _SHORT:
            return f"it like {written}"
    elif example is not None:
        return f"it like {shown(example)}"
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
