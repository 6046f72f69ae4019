"""Specs made from a schema: what it allows, and the same with one thing that it forbids."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

WRONG: dict[str, tuple[Any, ...]] = {
    "string": (12345, True, {"x": 1}, ["x"]),
    "integer": ("not-a-number", 1.5, True, {"x": 1}, [1]),
    "boolean": ("true", 1, {"x": 1}),
    "array": (12345, "text", {"x": 1}),
    "object": (12345, "text", ["x"]),
}
Step = str | int
EITHER = "x-kubernetes-int-or-string"
ANYTHING = "x-kubernetes-preserve-unknown-fields"
_MOST_MEMBERS = 5


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a structural schema allows; texts with a form are its example."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if EITHER in schema:
        return st.just(1) | st.just("1")
    if schema["type"] == "object":
        return objects(schema)
    if schema["type"] == "array":
        return st.lists(st.deferred(lambda: values(schema["items"])), max_size=2)
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum", -1), schema.get("maximum", 300))
    return st.booleans() if schema["type"] == "boolean" else texts(schema)


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts of the form that is wanted."""
    if "example" in schema:
        return st.just(schema["example"])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return st.sampled_from(["", "1", "text", "\u00e9"])


@st.composite
def objects(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """What is required and a few members more, so that large schemas stay drawable."""
    if "properties" not in schema:
        inner = schema.get("additionalProperties")
        names = draw(st.lists(st.sampled_from(["a", "b.c/d"]), unique=True))
        return {name: draw(values(inner)) if inner else 1 for name in names}
    members = schema["properties"]
    required = list(schema.get("required", ()))
    optional = sorted(set(members) - set(required))
    if optional:
        chosen = st.lists(st.sampled_from(optional), unique=True, max_size=_MOST_MEMBERS)
        required += draw(chosen)
    return {name: draw(values(members[name])) for name in required}


def places(schema: dict[str, Any], value: Any, path: tuple[Step, ...] = ()) -> Iterator[Any]:
    """Every path within a value, with its schema; not within what may be anything."""
    yield path, schema
    if isinstance(value, dict):
        for name, member in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner:
                yield from places(inner, member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(schema["items"], member, (*path, index))


def mutants(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What may not stand where this schema does, with the word for it."""
    if EITHER in schema:
        yield "neither", ["x"]
        return
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
    choices: list[tuple[str, Any, tuple[Step, ...]]] = []
    for path, at in places(schema, spec):
        if path:
            choices += [(word, wrong, path) for word, wrong in mutants(at)]
        if "properties" in at:
            choices += [("missing", None, (*path, name)) for name in at.get("required", ())]
            if ANYTHING not in at:
                choices.append(("unknown field", 1, (*path, "bogusField")))
    assume(choices)
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
