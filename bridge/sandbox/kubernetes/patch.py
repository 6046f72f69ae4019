"""The three kinds of patch: JSON merge patch, JSON patch, and strategic merge of built-in kinds."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import status
from bridge.sandbox.kubernetes.objects import Object, copy_json

if TYPE_CHECKING:
    from collections.abc import Container

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "conditions": "type",
    "addresses": "type",
    "taints": "key",
    "ownerReferences": "uid",
}
"""The lists of built-in kinds that are merged, and by which field (`patchMergeKey`)."""

_SETS = frozenset({"finalizers"})
"""The lists of plain values that are united (`patchStrategy: merge` without a key)."""


def check_media_type(kind: str, *, custom: bool) -> None:
    """Refuse (415) a kind of patch that the resource does not take; 501 for server-side apply."""
    accepted = [JSON_PATCH, MERGE_PATCH] if custom else [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH]
    if kind == APPLY_PATCH:
        raise status.not_implemented(
            "server-side apply; use kubectl apply without --server-side, or a merge patch"
        )
    if kind not in accepted:
        raise status.unsupported_media_type(kind, accepted)


def apply(kind: str, obj: Object, patch: Any) -> Object:
    """Return the object as the patch changes it; `kind` is a media type that was checked.

    Raises ApiError: 400 for a malformed patch, 422 for a JSON patch that does not fit the
    object, 501 for a directive that only a real server knows.
    """
    if kind == JSON_PATCH:
        return _json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise status.bad_request("the patch must be a JSON object")
    patched = merge(obj, patch) if kind == MERGE_PATCH else _strategic(obj, patch)
    return dict(patched)


def merge(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy_json(patch)
    merged = copy_json(value) if isinstance(value, dict) else {}
    for name, item in patch.items():
        if item is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), item)
    return merged


def _strategic(value: object, patch: dict[str, Any]) -> dict[str, Any]:
    """Apply a strategic merge patch: maps merged, known lists merged by key, others replaced."""
    plain = {name: item for name, item in patch.items() if not name.startswith("$")}
    directive = patch.get("$patch", "merge")
    if directive == "replace":
        return copy_json(plain)
    if directive != "merge":
        raise status.bad_request(f'strategic merge patch: unknown $patch directive "{directive}"')
    merged: dict[str, Any] = copy_json(value) if isinstance(value, dict) else {}
    _direct(merged, patch)
    for name, item in plain.items():
        if item is None:
            merged.pop(name, None)
        elif isinstance(item, dict):
            merged[name] = _strategic(merged.get(name), item)
        elif isinstance(item, list):
            merged[name] = _strategic_list(name, merged.get(name), item)
        else:
            merged[name] = item
    return merged


def _direct(merged: dict[str, Any], patch: dict[str, Any]) -> None:
    """Follow the directives of one level of a strategic merge patch."""
    for directive, item in patch.items():
        name, _, field = directive.partition("/")
        match name:
            case "$retainKeys":
                for other in merged.keys() - set(item):
                    del merged[other]
            case "$deleteFromPrimitiveList":
                merged[field] = [entry for entry in merged.get(field, []) if entry not in item]
            case "$patch" | "$setElementOrder":
                pass  # merged lists keep the order that they have
            case _ if name.startswith("$"):
                raise status.not_implemented(f"the strategic merge directive {directive}")


def _strategic_list(name: str, value: object, patch: list[Any]) -> list[Any]:
    old = value if isinstance(value, list) else []
    if name in _SETS:
        return old + [item for item in patch if item not in old]
    key = _merge_key(name, patch)
    if key is None or any(item.get("$patch") == "replace" for item in patch):
        return [copy_json(item) for item in patch if not _is_directive(item)]
    merged = [copy_json(item) for item in old]
    for item in patch:
        if key not in item:
            raise status.bad_request(f"map: {item} does not contain declared merge key: {key}")
        places = [at for at, entry in enumerate(merged) if entry.get(key) == item[key]]
        if item.get("$patch") == "delete":
            merged = [entry for entry in merged if entry.get(key) != item[key]]
        elif places:
            merged[places[0]] = _strategic(merged[places[0]], item)
        else:
            merged.append(_strategic({}, item))
    return merged


def _merge_key(name: str, patch: list[Any]) -> str | None:
    if not all(isinstance(item, dict) for item in patch):
        return None
    return merged_by(name, {field for item in patch for field in item})


def merged_by(name: str, fields: Container[str]) -> str | None:
    """Name the field by which a list is merged; None for a list that is replaced.

    `fields` are those of its items: a container's ports are merged by containerPort, a
    service's by port.
    """
    if name == "ports":
        return "containerPort" if "containerPort" in fields else "port"
    return MERGE_KEYS.get(name)


def _is_directive(item: object) -> bool:
    return isinstance(item, dict) and item.keys() == {"$patch"}


def _json_patch(obj: Object, patch: object) -> Object:
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise status.bad_request(
            "a JSON patch is a list of operations: "
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        )
    value: Any = copy_json(obj)
    for step in patch:
        try:
            value = _operate(value, step)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise status.ApiError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "Invalid",
                "the server rejected our request due to an error in our request",
                details={},
            ) from error
    return dict(value)


def _operate(value: Any, step: dict[str, Any]) -> Any:
    operation, path = step["op"], _pointer(step["path"])
    match operation:
        case "test":
            if _read(value, path) != step["value"]:
                raise ValueError(path)
            return value
        case "add":
            return _write(value, path, step["value"], insert=True)
        case "replace":
            _read(value, path)
            return _write(value, path, step["value"], insert=False)
        case "remove":
            return _remove(value, path)
        case "copy":
            return _write(value, path, copy_json(_read(value, _pointer(step["from"]))), insert=True)
        case "move":
            source = _pointer(step["from"])
            moved = _read(value, source)
            return _write(_remove(value, source), path, moved, insert=True)
        case _:
            raise ValueError(operation)


def _pointer(text: str) -> list[str]:
    if text == "":
        return []
    if not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _index(part: str, length: int) -> int:
    index = int(part)
    if not 0 <= index < length:
        raise IndexError(part)
    return index


def _read(value: Any, path: list[str]) -> Any:
    for part in path:
        value = value[_index(part, len(value))] if isinstance(value, list) else value[part]
    return value


def _write(value: Any, path: list[str], item: Any, *, insert: bool) -> Any:
    if not path:
        return item
    holder, last = _read(value, path[:-1]), path[-1]
    if isinstance(holder, list):
        if not insert:
            holder[_index(last, len(holder))] = item
        else:
            holder.insert(len(holder) if last == "-" else _index(last, len(holder) + 1), item)
    elif isinstance(holder, dict):
        holder[last] = item
    else:
        raise TypeError(last)
    return value


def _remove(value: Any, path: list[str]) -> Any:
    holder, last = _read(value, path[:-1]), path[-1]
    if isinstance(holder, list):
        del holder[_index(last, len(holder))]
    else:
        del holder[last]
    return value
