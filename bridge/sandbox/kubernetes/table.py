"""Tables: what `kubectl get` prints, with the columns of a real API server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.resources import Column, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bridge.sandbox.kubernetes.objects import Object

_NAME_HELP = "Name must be unique within a namespace."
_AGE_HELP = "CreationTimestamp is a timestamp representing the server time when it was created."


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
    return _BUILT_IN.get((resource.group, resource.plural), (_AGE,))


def _cell(column: Column, obj: Object, now: datetime) -> Any:
    value = column.read(obj)
    if column.type == "date":
        return age(value, now) if value else None
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


def _at(*path: str) -> Callable[[Object], Any]:
    def read(obj: Object) -> Any:
        value: Any = obj
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return read


def _count(*path: str) -> Callable[[Object], Any]:
    return lambda obj: len(_at(*path)(obj) or ())


def _ready(obj: Object) -> str:
    statuses = _at("status", "containerStatuses")(obj) or []
    containers = _at("spec", "containers")(obj) or []
    return f"{sum(bool(item.get('ready')) for item in statuses)}/{len(containers)}"


def _pod_status(obj: Object) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    for item in _at("status", "containerStatuses")(obj) or []:
        for state in ("waiting", "terminated"):
            reason = item.get("state", {}).get(state, {}).get("reason")
            if reason:
                return str(reason)
    return str(_at("status", "reason")(obj) or _at("status", "phase")(obj) or "Unknown")


def _restarts(obj: Object) -> str:
    statuses = _at("status", "containerStatuses")(obj) or []
    return str(sum(item.get("restartCount", 0) for item in statuses))


def _node_status(obj: Object) -> str:
    conditions = _at("status", "conditions")(obj) or []
    ready = next((item["status"] for item in conditions if item.get("type") == "Ready"), None)
    word = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return word + (",SchedulingDisabled" if _at("spec", "unschedulable")(obj) else "")


def _replicas(obj: Object) -> str:
    wanted = _at("spec", "replicas")(obj)
    return f"{_at('status', 'readyReplicas')(obj) or 0}/{1 if wanted is None else wanted}"


def _involved(obj: Object) -> str:
    involved = obj.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _role(obj: Object) -> str:
    return f"{_at('roleRef', 'kind')(obj)}/{_at('roleRef', 'name')(obj)}"


def _ports(obj: Object) -> str:
    ports = _at("spec", "ports")(obj) or []
    return (
        ",".join(f"{item.get('port')}/{item.get('protocol', 'TCP')}" for item in ports) or "<none>"
    )


def _or_none(*path: str) -> Callable[[Object], Any]:
    return lambda obj: _at(*path)(obj) or "<none>"


def _text(name: str, read: Callable[[Object], Any], *, priority: int = 0) -> Column:
    return Column(name, "string", "", read, priority=priority)


def _number(name: str, read: Callable[[Object], Any]) -> Column:
    return Column(name, "integer", "", read)


_AGE = Column("Age", "date", _AGE_HELP, _at("metadata", "creationTimestamp"))

_BUILT_IN: dict[tuple[str, str], tuple[Column, ...]] = {
    ("", "namespaces"): (_text("Status", _at("status", "phase")), _AGE),
    ("", "pods"): (
        _text("Ready", _ready),
        _text("Status", _pod_status),
        _text("Restarts", _restarts),
        _AGE,
        _text("IP", _or_none("status", "podIP"), priority=1),
        _text("Node", _or_none("spec", "nodeName"), priority=1),
    ),
    ("", "nodes"): (
        _text("Status", _node_status),
        _AGE,
        _text("Version", _at("status", "nodeInfo", "kubeletVersion")),
    ),
    ("", "events"): (
        Column("Last Seen", "date", "", _at("lastTimestamp")),
        _text("Type", _at("type")),
        _text("Reason", _at("reason")),
        _text("Object", _involved),
        _text("Message", _at("message")),
    ),
    ("", "configmaps"): (_number("Data", _count("data")), _AGE),
    ("", "secrets"): (_text("Type", _at("type")), _number("Data", _count("data")), _AGE),
    ("", "serviceaccounts"): (_number("Secrets", _count("secrets")), _AGE),
    ("", "services"): (
        _text("Type", _at("spec", "type")),
        _text("Cluster-IP", _or_none("spec", "clusterIP")),
        _text("External-IP", lambda _obj: "<none>"),
        _text("Port(s)", _ports),
        _AGE,
    ),
    ("apps", "deployments"): (
        _text("Ready", _replicas),
        _number("Up-to-date", lambda obj: _at("status", "updatedReplicas")(obj) or 0),
        _number("Available", lambda obj: _at("status", "availableReplicas")(obj) or 0),
        _AGE,
    ),
    ("apps", "replicasets"): (
        _number("Desired", lambda obj: _at("spec", "replicas")(obj) or 0),
        _number("Current", lambda obj: _at("status", "replicas")(obj) or 0),
        _number("Ready", lambda obj: _at("status", "readyReplicas")(obj) or 0),
        _AGE,
    ),
    ("rbac.authorization.k8s.io", "roles"): (
        _text("Created At", _at("metadata", "creationTimestamp")),
    ),
    ("rbac.authorization.k8s.io", "clusterroles"): (
        _text("Created At", _at("metadata", "creationTimestamp")),
    ),
    ("rbac.authorization.k8s.io", "rolebindings"): (_text("Role", _role), _AGE),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): (_text("Role", _role), _AGE),
    ("apiextensions.k8s.io", "customresourcedefinitions"): (
        _text("Created At", _at("metadata", "creationTimestamp")),
    ),
}
