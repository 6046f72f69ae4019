"""Sets of fields, as `managedFields` writes them (`FieldsV1`), and paths as conflicts name them.

A path is a tuple of steps. A step is `f:NAME` for a field, `k:{"KEY":VALUE}` for an item of a
list that is a map, `v:VALUE` for an item of a list that is a set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
Fields: TypeAlias = frozenset[Path]

NOTHING: Fields = frozenset()
_ITSELF = "."
_KINDS = ("f:", "k:", "v:", "i:")


def field_step(name: str) -> str:
    """Write the step to a field."""
    return f"f:{name}"


def key_step(keys: Mapping[str, Any]) -> str:
    """Write the step to the list item that has these keys."""
    return f"k:{_json(keys)}"


def value_step(value: Any) -> str:
    """Write the step to an item of a set."""
    return f"v:{_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def encode(fields: AbstractSet[Path]) -> dict[str, Any]:
    """Write a set as `fieldsV1`."""
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[_ITSELF] = {}
    return {step: _without_lone_marks(node) for step, node in tree.items()}


def _without_lone_marks(node: dict[str, Any]) -> dict[str, Any]:
    if node.keys() == {_ITSELF}:
        return {}
    return {
        step: inner if step == _ITSELF else _without_lone_marks(inner)
        for step, inner in node.items()
    }


def decode(raw: object) -> Fields:
    """Read `fieldsV1`. Raises ValueError for anything else."""
    found: set[Path] = set()
    _decode(raw, (), found)
    return frozenset(found)


def _decode(node: object, path: Path, found: set[Path]) -> None:
    if not isinstance(node, dict):
        raise ValueError(f"fieldsV1 holds a {type(node).__name__} where an object belongs")  # noqa: TRY004 - a malformed document
    if path and (not node or _ITSELF in node):
        found.add(path)
    for step, inner in node.items():
        if step == _ITSELF:
            continue
        if step[:2] not in _KINDS:
            raise ValueError(f"fieldsV1 has a key {step!r} that begins with none of {_KINDS}")
        if step[:2] in ("k:", "v:"):
            # Other writers may order and space the keys differently.
            step = step[:2] + _json(json.loads(step[2:]))  # noqa: PLW2901 - the same step, normalised
        _decode(inner, (*path, step), found)


def below(fields: Iterable[Path]) -> dict[str, Fields]:
    """Sort paths by their first step; each group is without it, and () means the step itself."""
    groups: dict[str, set[Path]] = {}
    for path in fields:
        groups.setdefault(path[0], set()).add(path[1:])
    return {step: frozenset(group) for step, group in groups.items()}


def text(path: Path) -> str:
    """Write a path as refusals do: `.spec.containers[name="a"].image`."""
    return "".join(map(_step_text, path))


def _step_text(step: str) -> str:
    kind, rest = step[:2], step[2:]
    if kind == "f:":
        return f".{rest}"
    if kind == "k:":
        pairs = json.loads(rest).items()
        return f"[{','.join(f'{name}={_json(value)}' for name, value in pairs)}]"
    return f"[={rest}]" if kind == "v:" else f"[{rest}]"
