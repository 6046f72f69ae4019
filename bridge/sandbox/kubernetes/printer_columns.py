"""The columns that `kubectl get` prints of built-in kinds, as a real API server defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.resources import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.objects import Object

_AGE_HELP = "CreationTimestamp is a timestamp representing the server time when it was created."


def _at(*path: str) -> Callable[[Object], Any]:
    def read(obj: Object) -> Any:
        value: Any = obj
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return read


def _count(*path: str) -> Callable[[Object], int]:
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


def _containers(field: str) -> Callable[[Object], str]:
    """List one field of the containers of a workload's pods."""

    def read(obj: Object) -> str:
        containers = _at("spec", "template", "spec", "containers")(obj) or []
        return ",".join(str(item.get(field, "")) for item in containers)

    return read


def _selector(obj: Object) -> str:
    selector = _at("spec", "selector")(obj) or {}
    labels = selector.get("matchLabels", {}) if obj.get("kind") != "Service" else selector
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items())) or "<none>"


def _subjects(kind: str) -> Callable[[Object], str]:
    """List the subjects of one kind in a binding."""

    def read(obj: Object) -> str:
        return ", ".join(
            f"{item.get('namespace', '')}/{item['name']}"
            if kind == "ServiceAccount"
            else str(item["name"])
            for item in obj.get("subjects") or ()
            if item.get("kind") == kind
        )

    return read


def _node_roles(obj: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    roles = sorted(name.removeprefix(prefix) for name in labels if name.startswith(prefix))
    return ",".join(roles) or "<none>"


def _node_address(kind: str) -> Callable[[Object], str]:
    def read(obj: Object) -> str:
        addresses = _at("status", "addresses")(obj) or []
        found = (item.get("address") for item in addresses if item.get("type") == kind)
        return str(next(found, "<none>"))

    return read


def _node_info(field: str) -> Callable[[Object], str]:
    return lambda obj: str(_at("status", "nodeInfo", field)(obj) or "<unknown>")


def _readiness_gates(obj: Object) -> str:
    gates = _at("spec", "readinessGates")(obj) or []
    conditions = {
        item.get("type"): item.get("status") for item in _at("status", "conditions")(obj) or []
    }
    ready = sum(conditions.get(gate.get("conditionType")) == "True" for gate in gates)
    return f"{ready}/{len(gates)}" if gates else "<none>"


def _source(obj: Object) -> str:
    source = obj.get("source") or {}
    parts = (source.get("component"), source.get("host"))
    return ", ".join(part for part in parts if part) or str(obj.get("reportingComponent", ""))


def _text(name: str, read: Callable[[Object], Any], *, wide: bool = False) -> Column:
    return Column(name, "string", "", read, priority=int(wide))


def _number(name: str, read: Callable[[Object], Any]) -> Column:
    return Column(name, "integer", "", read)


def _age(name: str, *path: str, wide: bool = False) -> Column:
    return Column(name, "string", _AGE_HELP, _at(*path), priority=int(wide), is_age=True)


AGE = _age("Age", "metadata", "creationTimestamp")

_CREATED = (_text("Created At", _at("metadata", "creationTimestamp")),)
_WORKLOAD = (
    _text("Containers", _containers("name"), wide=True),
    _text("Images", _containers("image"), wide=True),
    _text("Selector", _selector, wide=True),
)
_BINDING = (
    _text("Role", _role),
    AGE,
    _text("Users", _subjects("User"), wide=True),
    _text("Groups", _subjects("Group"), wide=True),
    _text("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)
_RBAC = "rbac.authorization.k8s.io"

COLUMNS: dict[tuple[str, str], tuple[Column, ...]] = {
    ("", "namespaces"): (_text("Status", _at("status", "phase")), AGE),
    ("", "pods"): (
        _text("Ready", _ready),
        _text("Status", _pod_status),
        _text("Restarts", _restarts),
        AGE,
        _text("IP", _or_none("status", "podIP"), wide=True),
        _text("Node", _or_none("spec", "nodeName"), wide=True),
        _text("Nominated Node", _or_none("status", "nominatedNodeName"), wide=True),
        _text("Readiness Gates", _readiness_gates, wide=True),
    ),
    ("", "nodes"): (
        _text("Status", _node_status),
        _text("Roles", _node_roles),
        AGE,
        _text("Version", _node_info("kubeletVersion")),
        _text("Internal-IP", _node_address("InternalIP"), wide=True),
        _text("External-IP", _node_address("ExternalIP"), wide=True),
        _text("OS-Image", _node_info("osImage"), wide=True),
        _text("Kernel-Version", _node_info("kernelVersion"), wide=True),
        _text("Container-Runtime", _node_info("containerRuntimeVersion"), wide=True),
    ),
    ("", "events"): (
        _age("Last Seen", "lastTimestamp"),
        _text("Type", _at("type")),
        _text("Reason", _at("reason")),
        _text("Object", _involved),
        _text("Subobject", _at("involvedObject", "fieldPath"), wide=True),
        _text("Source", _source, wide=True),
        _text("Message", lambda obj: str(obj.get("message", "")).strip()),
        _age("First Seen", "firstTimestamp", wide=True),
        _text("Count", lambda obj: str(obj.get("count") or 1), wide=True),
        _text("Name", _at("metadata", "name"), wide=True),
    ),
    ("", "configmaps"): (
        _text("Data", lambda obj: str(_count("data")(obj) + _count("binaryData")(obj))),
        AGE,
    ),
    ("", "secrets"): (
        _text("Type", _at("type")),
        _text("Data", lambda obj: str(_count("data")(obj))),
        AGE,
    ),
    ("", "serviceaccounts"): (
        _text("Secrets", lambda obj: str(_count("secrets")(obj))),
        AGE,
    ),
    ("", "services"): (
        _text("Type", _at("spec", "type")),
        _text("Cluster-IP", _or_none("spec", "clusterIP")),
        _text("External-IP", lambda _obj: "<none>"),
        _text("Port(s)", _ports),
        AGE,
        _text("Selector", _selector, wide=True),
    ),
    ("apps", "deployments"): (
        _text("Ready", _replicas),
        _text("Up-to-date", lambda obj: str(_at("status", "updatedReplicas")(obj) or 0)),
        _text("Available", lambda obj: str(_at("status", "availableReplicas")(obj) or 0)),
        AGE,
        *_WORKLOAD,
    ),
    ("apps", "replicasets"): (
        _number("Desired", lambda obj: _at("spec", "replicas")(obj) or 0),
        _number("Current", lambda obj: _at("status", "replicas")(obj) or 0),
        _number("Ready", lambda obj: _at("status", "readyReplicas")(obj) or 0),
        AGE,
        *_WORKLOAD,
    ),
    (_RBAC, "roles"): _CREATED,
    (_RBAC, "clusterroles"): _CREATED,
    (_RBAC, "rolebindings"): _BINDING,
    (_RBAC, "clusterrolebindings"): _BINDING,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _CREATED,
}
