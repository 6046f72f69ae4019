"""Rules on the fields of built-in kinds that their schemas do not hold.

Only those named here; a real server has many more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.objects import Object, copy_json
from bridge.sandbox.kubernetes.status import (
    FieldError,
    forbidden_field,
    invalid_value,
    quoted,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.sandbox.kubernetes.resources import Resource


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
        yield _wrong(
            "spec.template.metadata.labels",
            _go_map(labels),
            "`selector` does not match template `labels`",
        )
    yield from _containers(template.get("spec") or {}, "spec.template.spec")
    if old is not None and old["spec"].get("selector") != selector:
        yield _wrong("spec.selector", _go_selector(selector), "field is immutable")


def _wrong(field: str, shown: str, detail: str) -> FieldError:
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {shown}: {detail}")


def _go_map(labels: dict[str, str]) -> str:
    """Write labels as these refusals do, which show the server's own variables."""
    pairs = (f"{quoted(name)}:{quoted(value)}" for name, value in sorted(labels.items()))
    return f"map[string]string{{{', '.join(pairs)}}}"


def _go_selector(selector: dict[str, Any]) -> str:
    labels = selector.get("matchLabels")
    shown = _go_map(labels) if labels else "map[string]string(nil)"
    expressions = "[]v1.LabelSelectorRequirement" + (
        f"{{{len(selector['matchExpressions'])} of them}}"
        if selector.get("matchExpressions")
        else "(nil)"
    )
    return f"v1.LabelSelector{{MatchLabels:{shown}, MatchExpressions:{expressions}}}"


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
