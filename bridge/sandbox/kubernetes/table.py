"""Tables: what `kubectl get` prints, with the columns of a real API server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.printer_columns import AGE, COLUMNS
from bridge.sandbox.kubernetes.resources import Column, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.sandbox.kubernetes.objects import Object

_NAME_HELP = "Name must be unique within a namespace."


def table(
    resource: Resource,
    objects: Iterable[Object],
    now: datetime,
    *,
    include: str,
    metadata: dict[str, Any] | None = None,
    headers: bool = True,
) -> dict[str, Any]:
    """Build a Table. `include` is the request's `includeObject`: None, Metadata or Object."""
    columns = (Column("Name", "string", _NAME_HELP, _name, "name"), *columns_of(resource))
    definitions = [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata or {},
        "columnDefinitions": definitions if headers else None,
        "rows": [
            {
                "cells": [_cell(column, obj, now) for column in columns],
                **({} if include == "None" else {"object": included(obj, include)}),
            }
            for obj in objects
        ],
    }


def included(obj: Object, include: str) -> Object:
    """Return what a row carries of its object."""
    return obj if include == "Object" else partial_metadata(obj)


def partial_metadata(obj: Object) -> Object:
    """Reduce an object to its metadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def columns_of(resource: Resource) -> tuple[Column, ...]:
    """Return the columns of a resource beside its name."""
    if resource.columns is not None:
        return resource.columns
    return COLUMNS.get((resource.group, resource.plural), (AGE,))


def _cell(column: Column, obj: Object, now: datetime) -> Any:
    value = column.read(obj)
    if column.is_age:
        if value:
            return age(value, now)
        return "<unknown>" if column.type == "string" else None
    if column.type == "string" and isinstance(value, dict | list):
        return str(value)
    return value


def age(since: str, now: datetime) -> str:
    """Write how long ago a moment was, as kubectl does (`5s`, `3m20s`, `2h`, `4d`)."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return "<invalid>"
    seconds = int((now.astimezone(UTC) - moment).total_seconds())
    if seconds < -1:
        return "<invalid>"
    for limit, unit, smaller, smaller_limit in _SPANS:
        if seconds < limit:
            whole, rest = divmod(max(seconds, 0), unit[0])
            part = rest // smaller[0] if smaller and whole < smaller_limit else 0
            return f"{whole}{unit[1]}{f'{part}{smaller[1]}' if part and smaller else ''}"
    return f"{seconds // _YEAR[0]}y"


_SECOND, _MINUTE, _HOUR = (1, "s"), (60, "m"), (3600, "h")
_DAY, _YEAR = (86400, "d"), (86400 * 365, "y")
# (below how many seconds, unit, smaller unit, up to how many units the smaller one is shown):
# the steps of k8s.io/apimachinery's HumanDuration.
_SPANS: tuple[tuple[int, tuple[int, str], tuple[int, str] | None, int], ...] = (
    (120, _SECOND, None, 0),
    (3 * 3600, _MINUTE, _SECOND, 10),
    (48 * 3600, _HOUR, _MINUTE, 8),
    (86400 * 365 * 2, _DAY, _HOUR, 8),
    (86400 * 365 * 8, _YEAR, _DAY, 8),
)


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])
