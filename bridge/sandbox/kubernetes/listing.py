"""Lists: selections of one moment, page by page."""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import selectors, status
from bridge.sandbox.kubernetes.objects import HistoryExpiredError, Object, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.sandbox.kubernetes.resources import Resource


def list_objects(
    store: ObjectStore, resource: Resource, namespace: str, query: Mapping[str, str]
) -> tuple[list[Object], dict[str, Any]]:
    """Return the objects that a list request asks for, and the metadata of the list.

    `namespace=""` means everywhere. Raises ApiError: 400 for a malformed query, 410 for a page
    of a moment that is forgotten, 504 for a version that is yet to come.
    """
    limit = _integer(query.get("limit") or "0")
    version, after = _moment(store, query)
    match = selectors.selector(query, resource.group, resource.plural)
    try:
        objects = store.list(resource.group, resource.plural, namespace or None, at=version)
    except HistoryExpiredError as error:
        raise status.expired(
            "The provided continue parameter is too old to display a consistent list result. "
            "Start a new list without it."
            if after
            else str(error)
        ) from error
    objects = [obj for obj in objects if match(obj)]
    if after is not None:
        objects = [obj for obj in objects if _place_of(obj) > after]
    at = store.version if version is None else version
    metadata: dict[str, Any] = {"resourceVersion": str(at)}
    if limit and len(objects) > limit:
        rest = len(objects) - limit
        objects = objects[:limit]
        metadata["continue"] = _token(at, _place_of(objects[-1]))
        if not (query.get("labelSelector") or query.get("fieldSelector")):
            metadata["remainingItemCount"] = rest
    return objects, metadata


def _moment(store: ObjectStore, query: Mapping[str, str]) -> tuple[int | None, list[str] | None]:
    """Read which version of the world a list is about, and after which object it goes on."""
    if query.get("sendInitialEvents"):
        raise status.bad_request("sendInitialEvents is for watch requests only")
    if token := query.get("continue"):
        if query.get("resourceVersion") not in (None, "", "0"):
            raise status.bad_request(
                "specifying resource version is not allowed when using continue"
            )
        return _read_token(token)
    version = resource_version(query)
    if version > store.version:
        raise status.ApiError(
            HTTPStatus.GATEWAY_TIMEOUT,
            "Timeout",
            f"Timeout: Too large resource version: {version}, current: {store.version}",
            details={
                "causes": [
                    {
                        "reason": "ResourceVersionTooLarge",
                        "message": "Too large resource version",
                    }
                ],
                "retryAfterSeconds": 1,
            },
        )
    exact = query.get("resourceVersionMatch") == "Exact"
    return (version if exact else None), None


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def resource_version(query: Mapping[str, str]) -> int:
    """Read the version that a list or watch asks for; 0 means any."""
    text = query.get("resourceVersion") or "0"
    if not text.isascii() or not text.isdigit():
        raise status.unclassified(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": '
            "invalid syntax"
        )
    return int(text)


def _place_of(obj: Object) -> list[str]:
    return [obj["metadata"].get("namespace", ""), obj["metadata"]["name"]]


def _token(version: int, place: list[str]) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": place})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, list[str]]:
    try:
        read = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = read["start"]
        return int(read["rv"]), [str(namespace), str(name)]
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise status.bad_request(
            "invalid continue token: continue key is not valid: it must be the `continue` value "
            "of an earlier list"
        ) from error
