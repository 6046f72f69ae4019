"""Objects as trees of fields: which there are, how two differ, and merging them, by schema.

These are the operations that server-side apply is made of. Their rules are those of
structured-merge-diff, which the API server uses: maps and keyed lists are taken apart, sets by
their values, and all that a schema calls atomic (lists, where it says nothing) is one field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.sandbox.kubernetes.field_paths import (
    Fields,
    Path,
    below,
    field_step,
    key_step,
    text,
    value_step,
)
from bridge.sandbox.kubernetes.merge_rules import LIST_KEYS, LIST_TYPE, MAP_TYPE
from bridge.sandbox.kubernetes.objects import copy_json
from bridge.sandbox.kubernetes.schema import Schema, child_schema, is_open

MISSING: Any = object()
"""Stands for a value that is not there; None is JSON's null."""


class UntypedError(ValueError):
    """A value does not have the shape that its schema describes."""


@dataclass
class Comparison:
    """What is different in the second of two objects."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)


def relation(value: object, schema: Schema) -> Literal["scalar", "atomic", "fields", "items"]:
    """Tell how a value is owned: in one piece, by its fields, or by its items."""
    if isinstance(value, dict):
        return "atomic" if schema.get(MAP_TYPE) == "atomic" else "fields"
    if isinstance(value, list):
        return "items" if schema.get(LIST_TYPE) in ("set", "map") else "atomic"
    return "scalar"


def check(value: object, schema: Schema, path: Path = ()) -> None:
    """Raise UntypedError for a wrong type, a field that is not declared, an item without keys."""
    _check_type(value, schema, path)
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        for name, item in value.items():
            place = (*path, field_step(name))
            if name not in properties and not is_open(schema):
                raise UntypedError(f"{text(place)}: field not declared in schema")
            check(item, child_schema(schema, name), place)
    elif isinstance(value, list):
        inner = schema.get("items") or {}
        seen: set[str] = set()
        for index, item in enumerate(value):
            if relation(value, schema) == "items":
                step = _step(item, schema, path, index)
                if step in seen:
                    raise UntypedError(f"{text(path)}: duplicate entries for key {text((step,))}")
                seen.add(step)
                check(item, inner, (*path, step))
            else:
                check(item, inner, (*path, f"i:{index}"))


_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "string": ("string", (str,)),
    "integer": ("numeric (int or float)", (int, float)),
    "number": ("numeric (int or float)", (int, float)),
    "boolean": ("boolean", (bool,)),
    "array": ("list", (list,)),
    "object": ("map", (dict,)),
}


def _check_type(value: object, schema: Schema, path: Path) -> None:
    word, types = _TYPES.get(schema.get("type", ""), ("", (object,)))
    # A boolean is a number to Python.
    is_wrong = not isinstance(value, types) or (isinstance(value, bool) and int in types)
    if value is not None and is_wrong:
        got = f"&value.valueUnstructured{{Value:{json.dumps(value)}}}"
        raise UntypedError(f"{text(path)}: expected {word}, got {got}")


def _step(item: object, schema: Schema, path: Path = (), index: int = 0) -> str:
    """Name the item of an associative list."""
    if schema.get(LIST_TYPE) == "set":
        return value_step(item)
    properties = (schema.get("items") or {}).get("properties") or {}
    keys: dict[str, Any] = {}
    for key in schema.get(LIST_KEYS) or ():
        if isinstance(item, Mapping) and item.get(key) is not None:
            keys[key] = item[key]
        elif "default" in properties.get(key, {}):
            keys[key] = properties[key]["default"]
    if not keys:
        # A key that is given in part is taken as it is.
        listed = ", ".join(f'"{key}"' for key in schema.get(LIST_KEYS) or ())
        raise UntypedError(
            f"{text(path)}: element {index}: associative list with keys has an element that omits "
            f"key field {listed} (and doesn't have default value)"
        )
    return key_step(keys)


def _items(value: object, schema: Schema) -> dict[str, Any]:
    """Name the items of an associative list; of doubles the first counts."""
    found: dict[str, Any] = {}
    for index, item in enumerate(value if isinstance(value, list) else ()):
        found.setdefault(_step(item, schema, (), index), item)
    return found


def fields_of(value: object, schema: Schema) -> Fields:
    """Name every field that is given in a value, as who applies it owns them."""
    return frozenset(_given(value, schema, ()))


def _given(value: Any, schema: Schema, path: Path) -> Iterator[Path]:
    match relation(value, schema):
        case "fields":
            declared = schema.get("properties") or {}
            for name, item in value.items():
                place = (*path, field_step(name))
                yield from _given(item, child_schema(schema, name), place)
                if item is None or item == {} or name not in declared:
                    yield place
        case "items":
            for step, item in _items(value, schema).items():
                yield from _given(item, schema.get("items") or {}, (*path, step))
                yield (*path, step)
        case _ if path:
            yield path


def compare(old: object, new: object, schema: Schema) -> Comparison:
    """Name the fields in which `new` differs from `old`."""
    found = Comparison()
    _compare(old, new, schema, (), found)
    for paths in (found.added, found.modified, found.removed):
        paths.discard(())
    return found


def _compare(old: Any, new: Any, schema: Schema, path: Path, found: Comparison) -> None:
    kinds = {relation(value, schema) for value in (old, new) if value not in (MISSING, None)}
    kind = kinds.pop() if len(kinds) == 1 else "scalar"
    empty = not any(isinstance(value, dict | list) and value for value in (old, new))
    if kind in ("scalar", "atomic") or empty:
        if old is MISSING:
            found.added.add(path)
        elif new is MISSING:
            found.removed.add(path)
        elif not same(old, new):
            found.modified.add(path)
        return
    for step, before, after, inner in _pairs(old, new, schema, kind):
        _compare(before, after, inner, (*path, step), found)
    if old is MISSING:
        found.added.add(path)
    elif new is MISSING:
        found.removed.add(path)


def _pairs(old: Any, new: Any, schema: Schema, kind: str) -> Iterator[tuple[str, Any, Any, Schema]]:
    if kind == "items":
        left, right = _items(old, schema), _items(new, schema)
        for step in left | right:
            yield step, left.get(step, MISSING), right.get(step, MISSING), schema.get("items") or {}
        return
    left = old if isinstance(old, dict) else {}
    right = new if isinstance(new, dict) else {}
    for name in left | right:
        inner = child_schema(schema, name)
        yield field_step(name), left.get(name, MISSING), right.get(name, MISSING), inner


def same(old: object, new: object) -> bool:
    """Tell whether two values are equal; true is not 1."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[name], new[name]) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and old == new


def merge(live: Any, config: Any, schema: Schema) -> Any:
    """Lay what is applied over what is there."""
    kind = relation(config, schema)
    if live in (MISSING, None) or kind in ("scalar", "atomic") or relation(live, schema) != kind:
        return copy_json(config)
    if kind == "items":
        return _merge_lists(live, config, schema)
    merged: dict[str, Any] = copy_json(live)
    for name, item in config.items():
        merged[name] = merge(live.get(name, MISSING), item, child_schema(schema, name))
    return merged


def _merge_lists(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    """Merge by key: the order of what is applied holds, others keep their place around it."""
    left, right = _items(live, schema), _items(config, schema)
    inner = schema.get("items") or {}
    shared = [step for step in right if step in left]
    waiting, pending = list(left), list(right)
    out: list[Any] = []
    done: set[str] = set()

    def take(step: str) -> None:
        pending.remove(step)
        done.add(step)
        if shared and shared[0] == step:
            shared.pop(0)
        out.append(merge(left.get(step, MISSING), right[step], inner))

    while waiting or pending:
        if waiting and pending:
            if waiting[0] == pending[0]:
                take(waiting.pop(0))
                continue
            if waiting[0] in right and shared and shared[0] != waiting[0]:
                waiting.pop(0)  # it is taken in the order of what is applied
                continue
        if waiting and waiting[0] not in right:
            out.append(copy_json(left[waiting.pop(0)]))
            continue
        if waiting and waiting[0] in done:
            waiting.pop(0)
        if pending:
            take(pending[0])
    return out


def without(value: Any, fields: Fields, schema: Schema) -> Any:
    """Take fields out of a value; what has nothing left becomes null."""
    if not fields or relation(value, schema) in ("scalar", "atomic"):
        return copy_json(value)
    groups = below(path for path in fields if path)
    if isinstance(value, list):
        items = schema.get("items") or {}
        kept = [
            without(item, groups.get(step, frozenset()) - {()}, items)
            for item, step in ((item, _step(item, schema)) for item in value)
            if () not in groups.get(step, frozenset())
        ]
        return kept or None
    left = {
        name: without(item, groups.get(field_step(name), frozenset()), child_schema(schema, name))
        for name, item in value.items()
        if () not in groups.get(field_step(name), frozenset())
    }
    return left or None


def with_named(fields: Fields, schema: Schema) -> Fields:
    """Add each declared field that a path of the set leads through."""
    found = set(fields)
    for path in fields:
        inner = schema
        for index, step in enumerate(path[:-1]):
            name = step[2:]
            if step.startswith("f:"):
                if name in (inner.get("properties") or {}):
                    found.add(path[: index + 1])
                inner = child_schema(inner, name)
            else:
                inner = inner.get("items") or {}
    return frozenset(found)
