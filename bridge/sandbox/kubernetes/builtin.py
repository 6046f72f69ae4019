"""Built-in kinds: the defaults that readers rely on, and what the server adds to new objects."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.objects import Object, copy_json

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.resources import Resource


def default(resource: Resource, obj: Object) -> None:
    """Fill in, in place, the defaults of a kind: whoever writes the object owns them."""
    fill = _DEFAULTS.get((resource.group, resource.plural))
    if fill is not None:
        fill(obj)


def complete(resource: Resource, obj: Object) -> None:
    """Fill in, in place, what a real server itself puts into a new object: nobody owns it."""
    fill = _COMPLETIONS.get((resource.group, resource.plural))
    if fill is not None:
        fill(obj)
    if resource.has_status and resource.plural not in _STATUS_ON_CREATION:
        obj["status"] = copy_json(_FIRST_STATUS.get(resource.plural, {}))
    if resource.plural == "pods":
        obj["status"]["qosClass"] = _quality_of_service(obj.get("spec") or {})


_STATUS_ON_CREATION = frozenset({"nodes", "customresourcedefinitions"})
_FIRST_STATUS: dict[str, dict[str, Any]] = {
    "pods": {"phase": "Pending"},
    "namespaces": {"phase": "Active"},
    "replicasets": {"replicas": 0},
    "services": {"loadBalancer": {}},
}


def _default_namespace(obj: Object) -> None:
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]


def _complete_namespace(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])


def _default_pod(obj: Object) -> None:
    spec = obj.get("spec") or {}
    _default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)


def _quality_of_service(spec: dict[str, Any]) -> str:
    """Class a pod: Guaranteed where each container has equal requests and limits of both."""
    claims = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if not any(claim.get("requests") or claim.get("limits") for claim in claims):
        return "BestEffort"
    full = {"cpu", "memory"}
    for claim in claims:
        limits = claim.get("limits") or {}
        if not full <= limits.keys() or claim.get("requests", limits) != limits:
            return "Burstable"
    return "Guaranteed"


def _complete_pod(obj: Object) -> None:
    """Do what the admission plugins Priority and DefaultTolerationSeconds do."""
    spec = obj.get("spec") or {}
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    tolerations = spec.setdefault("tolerations", [])
    for trouble in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{trouble}"
        if not any(item.get("key") in (key, None, "") for item in tolerations):
            tolerations.append(
                {
                    "key": key,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": _TOLERATED,
                }
            )


_TOLERATED = 300
"""Seconds that a pod stays on a node in trouble."""


def _default_pod_spec(spec: dict[str, Any]) -> None:
    for field, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("securityContext", {}),
        ("schedulerName", "default-scheduler"),
    ):
        spec.setdefault(field, value)
    for volume in spec.get("volumes") or ():
        for source, field, value in _VOLUME_DEFAULTS:
            if isinstance(volume.get(source), dict):
                volume[source].setdefault(field, value)
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        _default_container(container)


def _default_container(container: dict[str, Any]) -> None:
    image = container.get("image", "")
    latest = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        if isinstance(place := (variable.get("valueFrom") or {}).get("fieldRef"), dict):
            place.setdefault("apiVersion", "v1")
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(kind), dict):
            _default_probe(container[kind])
    if limits := container["resources"].get("limits"):
        requests = container["resources"].setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)


_READABLE = 0o644
_VOLUME_DEFAULTS: tuple[tuple[str, str, Any], ...] = (
    ("configMap", "defaultMode", _READABLE),
    ("downwardAPI", "defaultMode", _READABLE),
    ("hostPath", "type", ""),
    ("projected", "defaultMode", _READABLE),
    ("secret", "defaultMode", _READABLE),
)
_PROBE_DEFAULTS: tuple[tuple[str, Any], ...] = (
    ("timeoutSeconds", 1),
    ("periodSeconds", 10),
    ("successThreshold", 1),
    ("failureThreshold", 3),
)


def _default_probe(probe: dict[str, Any]) -> None:
    for field, value in _PROBE_DEFAULTS:
        probe.setdefault(field, value)
    if isinstance(request := probe.get("httpGet"), dict):
        request.setdefault("path", "/")
        request.setdefault("scheme", "HTTP")


def _default_replica_set(obj: Object) -> None:
    spec = obj.get("spec") or {}
    spec.setdefault("replicas", 1)
    template = spec.get("template") or {}
    template.setdefault("metadata", {}).setdefault("creationTimestamp", None)
    _default_pod_spec(template.get("spec") or {})


def _default_deployment(obj: Object) -> None:
    _default_replica_set(obj)
    spec = obj.get("spec") or {}
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")


def _default_secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    for name, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def _default_service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _complete_service(obj: Object) -> None:
    """Choose an address: made of the name, so that it is the same in every run."""
    spec, metadata = obj["spec"], obj["metadata"]
    if spec["type"] == "ExternalName":
        return
    name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
    chosen = zlib.crc32(name.encode()) % _ADDRESSES
    address = f"10.{96 + chosen // 65536}.{chosen // 256 % 256}.{chosen % 256}"
    spec["clusterIPs"] = [spec.setdefault("clusterIP", address)]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


_ADDRESSES = 16 * 65536
"""How many there are in 10.96.0.0/12, the usual range of services."""


def _default_role_reference(obj: Object) -> None:
    (obj.get("roleRef") or {}).setdefault("apiGroup", _RBAC)
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", _RBAC)


_RBAC = "rbac.authorization.k8s.io"
_DEFAULTS = {
    ("", "namespaces"): _default_namespace,
    ("", "pods"): _default_pod,
    ("", "secrets"): _default_secret,
    ("", "services"): _default_service,
    ("apps", "deployments"): _default_deployment,
    ("apps", "replicasets"): _default_replica_set,
    (_RBAC, "rolebindings"): _default_role_reference,
    (_RBAC, "clusterrolebindings"): _default_role_reference,
}
_COMPLETIONS = {
    ("", "namespaces"): _complete_namespace,
    ("", "pods"): _complete_pod,
    ("", "services"): _complete_service,
}
