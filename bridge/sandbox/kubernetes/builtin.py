"""Built-in kinds: the defaults that readers rely on, and rules on their fields.

Semantic rules are only those named here; a real server has many more.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.objects import Object, copy_json
from bridge.sandbox.kubernetes.status import (
    FieldError,
    forbidden_field,
    invalid_value,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.sandbox.kubernetes.resources import Resource

def complete(resource: Resource, obj: Object) -> None:
    """Fill in, in place, what a real server fills into a new object."""
    fill = _COMPLETIONS.get((resource.group, resource.plural))
    if fill is not None:
        fill(obj)
    if resource.has_status and resource.plural not in _STATUS_ON_CREATION:
        obj["status"] = copy_json(_FIRST_STATUS.get(resource.plural, {}))


_STATUS_ON_CREATION = frozenset({"nodes", "customresourcedefinitions"})
_FIRST_STATUS: dict[str, dict[str, Any]] = {
    "pods": {"phase": "Pending", "qosClass": "BestEffort"},
    "namespaces": {"phase": "Active"},
    "services": {"loadBalancer": {}},
}


def _complete_namespace(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    metadata = obj["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]


def _complete_pod(obj: Object) -> None:
    _complete_pod_spec(obj.get("spec") or {})


def _complete_pod_spec(spec: dict[str, Any]) -> None:
    for field, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("securityContext", {}),
        ("schedulerName", "default-scheduler"),
        ("enableServiceLinks", True),
    ):
        spec.setdefault(field, value)
    for container in spec.get("containers") or ():
        image = container.get("image", "")
        latest = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")


def _complete_workload(obj: Object) -> None:
    spec = obj.get("spec") or {}
    spec.setdefault("replicas", 1)
    _complete_pod_spec((spec.get("template") or {}).get("spec") or {})


def _complete_secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    for name, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def _complete_service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _complete_role_reference(obj: Object) -> None:
    (obj.get("roleRef") or {}).setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


_RBAC = "rbac.authorization.k8s.io"
_COMPLETIONS = {
    ("", "namespaces"): _complete_namespace,
    ("", "pods"): _complete_pod,
    ("", "secrets"): _complete_secret,
    ("", "services"): _complete_service,
    ("apps", "deployments"): _complete_workload,
    ("apps", "replicasets"): _complete_workload,
    (_RBAC, "rolebindings"): _complete_role_reference,
    (_RBAC, "clusterrolebindings"): _complete_role_reference,
}


def validate(resource: Resource, obj: Object, old: Object | None = None) -> Iterator[FieldError]:
    """Check the rules of a built-in kind that its schema does not hold."""
    match resource.plural:
        case "pods":
            yield from _pod(obj, old)
        case "deployments" | "replicasets":
            yield from _workload(obj, old)
        case "rolebindings" | "clusterrolebindings":
            if old is not None and old.get("roleRef") != obj.get("roleRef"):
                yield invalid_value("roleRef", obj.get("roleRef"), "cannot change roleRef")
        case "secrets" | "configmaps":
            yield from _data(obj, old)
        case _:
            return


_POD_CHANGES = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def _pod(obj: Object, old: Object | None) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    yield from _containers(spec, "spec")
    if old is not None and _fixed_part(spec) != _fixed_part(old.get("spec") or {}):
        yield forbidden_field("spec", _POD_CHANGES)


def _fixed_part(spec: dict[str, Any]) -> dict[str, Any]:
    fixed = copy_json(spec)
    for field in ("activeDeadlineSeconds", "tolerations"):
        fixed.pop(field, None)
    for field in ("containers", "initContainers"):
        for container in fixed.get(field) or ():
            container.pop("image", None)
    return fixed


def _containers(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    containers = spec.get("containers")
    if not containers:
        yield required(f"{path}.containers")
    names: set[str] = set()
    for index, container in enumerate(containers or ()):
        place = f"{path}.containers[{index}]"
        name = container.get("name", "")
        if not name:
            yield required(f"{place}.name")
        elif name in names:
            message = f'Duplicate value: "{name}"'
            yield FieldError(f"{place}.name", "FieldValueDuplicate", message)
        names.add(name)
        if not container.get("image"):
            yield required(f"{place}.image")


def _workload(obj: Object, old: Object | None) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    selector, template = spec.get("selector"), spec.get("template") or {}
    if not selector:
        yield required("spec.selector")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        yield invalid_value(
            "spec.template.metadata.labels", labels, "`selector` does not match template `labels`"
        )
    yield from _containers(template.get("spec") or {}, "spec.template.spec")
    if old is not None and old["spec"].get("selector") != selector:
        yield invalid_value("spec.selector", selector, "field is immutable")


def _data(obj: Object, old: Object | None) -> Iterator[FieldError]:
    if old is None:
        return
    if old.get("type") != obj.get("type"):
        yield invalid_value("type", obj.get("type"), "field is immutable")
    if not old.get("immutable"):
        return
    if not obj.get("immutable"):
        yield forbidden_field("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if old.get(field) != obj.get(field):
            yield forbidden_field(field, "field is immutable when `immutable` is set")
