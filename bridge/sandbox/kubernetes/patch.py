"""The kinds of patch by media type, and those that know no schema: merge and JSON patch."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import status, strategic
from bridge.sandbox.kubernetes.objects import Object, copy_json

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.schema import Schema

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def check_media_type(kind: str, *, custom: bool) -> None:
    """Refuse (415) a kind of patch that the resource does not take."""
    accepted = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]
    if not custom:
        accepted.insert(2, STRATEGIC_PATCH)
    if kind not in accepted:
        raise status.unsupported_media_type(accepted)


def apply(kind: str, obj: Object, patch: Any, schema: Schema) -> Object:
    """Return the object as the patch changes it; `kind` is a media type that was checked.

    `schema` is that of the built-in kind, which a strategic merge goes by. Raises ApiError: 400
    for a malformed patch, 422 for a JSON patch that does not fit the object.
    """
    if kind == JSON_PATCH:
        return _json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise status.bad_request("the patch must be a JSON object")
    return dict(merge(obj, patch) if kind == MERGE_PATCH else strategic.merge(obj, patch, schema))


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
