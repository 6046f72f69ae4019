"""Specs made from a schema: what it allows, and the same with one thing that it forbids."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

WRONG: dict[str, tuple[Any, ...]] = {
    "string": (12345, True, {"x": 1}, ["x"]),
    "integer": ("not-a-number", 1.5, True, {"x": 1}, [1]),
    "boolean": ("true", 1, {"x": 1}),
    "array": (12345, "text", {"x": 1}),
    "object": (12345, "text", ["x"]),
}
Step = str | int


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a structural schema allows; texts with a form are its example."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        return objects(schema)
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), max_size=2)
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum", -1), schema.get("maximum", 300))
    if "example" in schema or "pattern" in schema:
        return st.just(schema.get("example", "90ms"))
    plain = ["", "1", "text", "10ms", "\u00e9"]
    return st.booleans() if schema["type"] == "boolean" else st.sampled_from(plain)


def objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with named members, or with any names and members of one type."""
    if "properties" not in schema:
        names = st.sampled_from(["a", "b.c/d"])
        return st.dictionaries(names, values(schema["additionalProperties"]), max_size=2)
    required = schema.get("required", ())
    members = {name: values(member) for name, member in schema["properties"].items()}
    optional = {name: member for name, member in members.items() if name not in required}
    return st.fixed_dictionaries({name: members[name] for name in required}, optional=optional)


def places(schema: dict[str, Any], value: Any, path: tuple[Step, ...] = ()) -> Iterator[Any]:
    """Every path within a value, with its schema."""
    yield path, schema
    if isinstance(value, dict):
        for name, member in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            yield from places(inner, member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(schema["items"], member, (*path, index))


def mutants(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What may not stand where this schema does, with the word for it."""
    for wrong in WRONG[schema["type"]]:
        yield "wrong type", wrong
    if "enum" in schema:
        yield "unknown choice", "no-such-choice"
        yield "empty choice", ""
    if "minimum" in schema:
        yield "too small", schema["minimum"] - 1
    if "maximum" in schema:
        yield "too large", schema["maximum"] + 1
    if "pattern" in schema:
        yield "wrong form", "-1s"


@st.composite
def forbidden(draw: st.DrawFn, schema: dict[str, Any]) -> tuple[dict[str, Any], tuple[Step, ...]]:
    """A spec with one thing that its schema forbids, and the path of that thing."""
    spec = draw(values(schema))
    path, at = draw(st.sampled_from(list(places(schema, spec))))
    choices: list[tuple[str, Any, tuple[Step, ...]]] = []
    if path:
        choices += [(word, wrong, path) for word, wrong in mutants(at)]
    if "properties" in at:
        choices.append(("unknown field", 1, (*path, "bogusField")))
        choices += [("missing", None, (*path, name)) for name in at.get("required", ())]
    if not choices:
        choices.append(("unknown field", 1, ("bogusField",)))
    _, wrong, where = draw(st.sampled_from(choices))
    return placed(spec, where, wrong), where


def placed(spec: dict[str, Any], path: tuple[Step, ...], value: Any) -> dict[str, Any]:
    """A copy with another value at a path."""
    result = copy.deepcopy(spec)
    holder: Any = result
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return result
