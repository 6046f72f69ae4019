"""Built-in kinds: their schemas, the defaults that readers rely on, and rules on their fields.

The schemas are read from the official client's models, which carry the field names, types and
descriptions of the Kubernetes release that the client was generated from. Semantic rules are
only those named here; a real server has many more.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.objects import Object, copy_json
from bridge.sandbox.kubernetes.schema import PRESERVE
from bridge.sandbox.kubernetes.status import (
    FieldError,
    forbidden_field,
    invalid_value,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.sandbox.kubernetes.resources import Resource

_MODEL_NAMES = {"Event": "CoreV1Event"}
_QUANTITIES = re.compile(
    r"^(limits|requests|capacity|allocatable|overhead|hard|used|allocatedResources|sizeLimit"
    r"|divisor|default|defaultRequest|max|min)$"
)
_PLAIN: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "nullable": True},
    "bytes": {"type": "string"},
    "object": {PRESERVE: True},
}
_OPEN: dict[str, Any] = {PRESERVE: True}


def model_name(kind: str) -> str:
    """Name the client's model of a kind."""
    return _MODEL_NAMES.get(kind, f"V1{kind}")


@cache
def schema_of(model: str) -> dict[str, Any]:
    """Read a model's schema. Kinds within kinds are shared, and may contain themselves."""
    return _schema(model, {})


def _schema(model: str, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    # Loading the client takes a second; only writers and `kubectl explain` need it.
    from kubernetes.client import models

    if model in known:
        return known[model]
    source = getattr(models, model)
    described = source.__doc__.strip().partition("\n")[0] if source.__doc__ else ""
    schema = known[model] = {"type": "object", "x-model": model, "description": described}
    properties: dict[str, Any] = {}
    needed = []
    for attribute, type_text in source.openapi_types.items():
        name = source.attribute_map[attribute]
        field = source.model_fields.get(attribute) or source.model_fields.get(attribute.lstrip("_"))
        properties[name] = _typed(name, type_text, known)
        if field is not None and field.description:
            properties[name] = {**properties[name], "description": field.description}
        if field is not None and field.is_required():
            needed.append(name)
    schema["properties"] = properties
    if needed:
        schema["required"] = needed
    return schema


def _typed(name: str, text: str, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if _QUANTITIES.match(name) and text in ("str", "Dict[str, str]"):
        # A quantity may be written as a number.
        loose = dict(_OPEN)
        return loose if text == "str" else {"type": "object", "additionalProperties": loose}
    if text in _PLAIN:
        return dict(_PLAIN[text])
    if found := re.fullmatch(r"List\[(.+)\]", text):
        return {"type": "array", "items": _typed("", found[1], known)}
    if found := re.fullmatch(r"Dict\[str, (.+)\]", text):
        return {"type": "object", "additionalProperties": _typed("", found[1], known)}
    return _schema(text, known)


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
