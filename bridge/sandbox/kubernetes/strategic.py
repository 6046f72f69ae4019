"""Strategic merge patch of built-in kinds: maps are merged, and lists by the key of their schema.

The rules are those of the API server's strategicpatch: which lists are merged and by what is in
the schema (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`), and a patch may hold
directives: `$patch`, `$retainKeys`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import status
from bridge.sandbox.kubernetes.merge_rules import PATCH_KEY, PATCH_STRATEGY
from bridge.sandbox.kubernetes.objects import copy_json
from bridge.sandbox.kubernetes.schema import child_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.schema import Schema

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def merge(value: Any, patch: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Apply a strategic merge patch.

    Raises ApiError for one that is malformed: 400, or 500 where the real server gives no reason.
    """
    change = dict(patch)
    match _own_directive(change):
        case "replace":
            return copy_json(change)
        case "delete":
            return {}
    merged: dict[str, Any] = copy_json(value) if isinstance(value, dict) else {}
    if _RETAIN in change:
        _retain(merged, change)
    for directive in [name for name in change if name.startswith(_ORDER)]:
        _reorder(merged, change, directive, schema)
    for name, item in change.items():
        if name.startswith(_DELETE):
            _delete(merged, name, item)
        elif item is None:
            merged.pop(name, None)
        elif name.startswith("$"):
            raise status.bad_request(f"unknown directive in a strategic merge patch: {name}")
        else:
            merged[name] = _field(merged.get(name), item, child_schema(schema, name))
    return merged


def _own_directive(change: dict[str, Any]) -> str:
    """Take out of a patch what it says of itself: `merge`, `replace` or `delete`."""
    directive = change.get(_PATCH, "merge")
    if directive not in ("merge", "replace", "delete"):
        raise _bad_type(change)
    change.pop(_PATCH, None)
    return str(directive)


def _delete(merged: dict[str, Any], directive: str, item: Any) -> None:
    """Take plain values out of a list."""
    field, unwanted = directive.removeprefix(_DELETE), _listed(directive, item)
    if isinstance(merged.get(field), list):
        merged[field] = [entry for entry in merged[field] if entry not in unwanted]


def _field(value: Any, item: Any, schema: Schema) -> Any:
    if isinstance(item, dict):
        if _strategy(schema, "replace"):
            return copy_json(item)
        return merge(value if isinstance(value, dict) else None, item, schema)
    if isinstance(item, list):
        return _list(value if isinstance(value, list) else [], item, schema)
    return item


def _strategy(schema: Schema, name: str) -> bool:
    return name in str(schema.get(PATCH_STRATEGY, "")).split(",")


def _bad_type(patch: dict[str, Any]) -> status.ApiError:
    return status.unclassified(f"unknown patch type: {patch[_PATCH]} in map: {go_text(patch)}")


def go_text(value: Any) -> str:
    """Write a value as Go prints it, as these refusals do."""
    if isinstance(value, dict):
        pairs = (f"{name}:{go_text(item)}" for name, item in sorted(value.items()))
        return f"map[{' '.join(pairs)}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_text, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "<nil>"}[value]
    return str(value)


def _listed(directive: str, item: Any) -> list[Any]:
    if not isinstance(item, list):
        raise status.bad_request(f"invalid patch format of {directive}: it must be a list")
    return item


def _retain(merged: dict[str, Any], change: dict[str, Any]) -> None:
    """Keep the listed fields only; a patch may not set a field that it does not keep."""
    kept = _listed(_RETAIN, change.pop(_RETAIN))
    if not {name for name in change if not name.startswith("$")} <= set(kept):
        raise status.bad_request("invalid patch format of retainKeys")
    for name in merged.keys() - set(kept):
        del merged[name]


def _reorder(
    merged: dict[str, Any], change: dict[str, Any], directive: str, schema: Schema
) -> None:
    """Merge one list, and put it into the order that the directive gives."""
    name = directive.removeprefix(_ORDER)
    order = _listed(directive, change.pop(directive))
    inner = child_schema(schema, name)
    live: Any = merged.get(name)
    patch = change.pop(name, None)
    removed = change.pop(_DELETE + name, None)
    if live is None and patch is None:
        return
    if isinstance(patch, list) and any(_replaces(item) for item in patch):
        merged[name] = _list([], patch, inner)
        return
    identity = _identity(inner)
    if isinstance(patch, list):
        _check_order(patch, order, identity)
    items: list[Any] = (
        _list(live or [], patch, inner) if isinstance(patch, list) else copy_json(live)
    )
    if removed is not None:
        items = [item for item in items if item not in _listed(_DELETE + name, removed)]
    merged[name] = _ordered(items, order, live or [], identity)


def _check_order(patch: list[Any], order: list[Any], identity: Callable[[Any], Any]) -> None:
    """Refuse a list whose items are not in the order that comes with it."""
    given = [identity(item) for item in patch if not _deletes(item)]
    wanted = [identity(item) for item in order]
    if given != [item for item in wanted if item in given]:
        raise status.unclassified(
            f"The order in patch list:\n{go_text(patch)}\n doesn't match {_ORDER[:-1]} list:\n"
            f"{go_text(order)}\n"
        )


def _deletes(item: object) -> bool:
    return isinstance(item, dict) and item.get(_PATCH) == "delete"


def _replaces(item: object) -> bool:
    return isinstance(item, dict) and item.get(_PATCH) == "replace"


def _identity(schema: Schema) -> Callable[[Any], Any]:
    """Return what tells the items of a list apart: their merge key, or themselves."""
    key = schema.get(PATCH_KEY)
    return lambda item: item.get(key) if key and isinstance(item, dict) else item


def _list(value: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    if not _strategy(schema, "merge"):
        return [_plain(item) for item in patch if not _is_directive(item)]
    key = schema.get(PATCH_KEY)
    if key is None:
        return _ordered(_united([*value, *patch]), patch, value, _identity(schema))
    if any(_replaces(item) for item in patch):
        return [_plain(item) for item in patch if not _is_directive(item)]
    merged = [copy_json(item) for item in value]
    changes = []
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise status.unclassified(
                f"map: {go_text(item)} does not contain declared merge key: {key}"
            )
        match item.get(_PATCH):
            case "delete":
                merged = [entry for entry in merged if entry.get(key) != item[key]]
            case None | "merge":
                changes.append(item)
            case _:
                raise _bad_type(item)
    inner = schema.get("items") or {}
    for item in changes:
        places = [at for at, entry in enumerate(merged) if entry.get(key) == item[key]]
        if places:
            merged[places[0]] = merge(merged[places[0]], item, inner)
        else:
            merged.append(merge(None, item, inner))
    return _ordered(merged, changes, value, _identity(schema))


def _united(items: list[Any]) -> list[Any]:
    """Keep each item once; what is wrong in a list of texts need not be hashable."""
    return [item for place, item in enumerate(items) if item not in items[:place]]


def _ordered(
    items: list[Any], order: list[Any], live: list[Any], identity: Callable[[Any], Any]
) -> list[Any]:
    """Sort items as in `order`; those not in it keep their place of the live list around them."""
    wanted = [identity(item) for item in order]
    places = [identity(item) for item in live]
    ours = [item for item in items if identity(item) in wanted]
    others = [item for item in items if identity(item) not in wanted]
    ours.sort(key=lambda item: wanted.index(identity(item)))
    others.sort(key=functools.partial(_place, places=places, identity=identity))
    out: list[Any] = []
    while ours and others:
        left, right = identity(others[0]), identity(ours[0])
        both = left in places and right in places
        first = both and places.index(left) < places.index(right)
        out.append((others if first else ours).pop(0))
    return out + ours + others


def _place(item: Any, *, places: list[Any], identity: Callable[[Any], Any]) -> int:
    known = identity(item)
    return places.index(known) if known in places else len(places)


def _plain(item: Any) -> Any:
    """Copy an item of a patch without its directives."""
    if isinstance(item, dict):
        return {name: _plain(inner) for name, inner in item.items() if not name.startswith("$")}
    return copy_json(item)


def _is_directive(item: object) -> bool:
    return isinstance(item, dict) and item.keys() == {_PATCH}
