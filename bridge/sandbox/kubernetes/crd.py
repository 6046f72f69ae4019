"""CustomResourceDefinitions: what they must say, and the resources that they add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import jsonpath, structural
from bridge.sandbox.kubernetes.formats import UNCHECKED
from bridge.sandbox.kubernetes.objects import Object, copy_json, timestamp
from bridge.sandbox.kubernetes.resources import CUSTOM_VERBS, Column, Resource
from bridge.sandbox.kubernetes.status import (
    FieldError,
    forbidden_field,
    invalid_value,
    required,
    unsupported_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

CEL_RULES = "x-kubernetes-validations"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps a deleted definition until its objects are gone."""


def complete(definition: Object, now: datetime) -> None:
    """Fill in, in place, the names and the status that a real server fills in."""
    spec = definition["spec"]
    names = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    status = definition.setdefault("status", {})
    status["acceptedNames"] = copy_json(names)
    stored = status.get("storedVersions") or []
    kept = [version["name"] for version in spec["versions"] if version["storage"]]
    status["storedVersions"] = stored + [name for name in kept if name not in stored]
    if not status.get("conditions"):
        status["conditions"] = [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            _condition("Established", "InitialNamesAccepted", _ESTABLISHED, now),
        ]


_ESTABLISHED = "the initial names have been accepted"


def _condition(kind: str, reason: str, message: str, now: datetime) -> dict[str, str]:
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": timestamp(now),
    }


def can_be_completed(definition: Object) -> bool:
    """Tell whether a definition says all that `complete` needs; its schemas are not judged."""
    spec = definition.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    versions = spec.get("versions") if isinstance(spec, dict) else None
    return (
        isinstance(names, dict)
        and bool(names.get("kind"))
        and isinstance(versions, list)
        and all(isinstance(item, dict) and {"name", "storage"} <= item.keys() for item in versions)
    )


def validate(definition: Object, old: Object | None = None) -> list[FieldError]:
    """Name everything that is wrong with a definition."""
    spec = definition.get("spec")
    if not isinstance(spec, dict):
        return [required("spec")]
    try:
        errors = list(_spec_errors(definition, spec))
    except (AttributeError, KeyError, TypeError) as error:
        return [
            invalid_value("spec", "object", f"a part has the wrong type or is missing: {error}")
        ]
    if old is not None:
        errors += [
            invalid_value(f"spec.{field}", spec.get(field), "field is immutable")
            for field in ("group", "scope")
            if old["spec"][field] != spec.get(field)
        ]
    return errors


def _spec_errors(definition: Object, spec: dict[str, Any]) -> Iterator[FieldError]:
    names = spec.get("names") or {}
    for field, value in (
        ("spec.group", spec.get("group")),
        ("spec.scope", spec.get("scope")),
        ("spec.names.plural", names.get("plural")),
        ("spec.names.kind", names.get("kind")),
        ("spec.versions", spec.get("versions")),
    ):
        if not value:
            yield required(field)
    if spec.get("scope") and spec["scope"] not in ("Cluster", "Namespaced"):
        yield unsupported_value("spec.scope", spec["scope"], ["Cluster", "Namespaced"])
    name, wanted = definition["metadata"].get("name", ""), _full_name(spec, names)
    if name != wanted:
        yield invalid_value("metadata.name", name, "must be spec.names.plural+.+spec.group")
    if (spec.get("conversion") or {}).get("strategy", "None") != "None":
        yield forbidden_field(
            "spec.conversion.strategy", "the emulator converts only by strategy None"
        )
    versions = spec.get("versions") or []
    if versions and sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid_value(
            "spec.versions", "array", "must have exactly one version marked as storage version"
        )
    for index, version in enumerate(versions):
        yield from _version_errors(
            version, f"spec.versions[{index}]", _schema_place(versions, index)
        )


def _full_name(spec: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    return f"{names.get('plural', '')}.{spec.get('group', '')}"


def _schema_place(versions: list[dict[str, Any]], index: int) -> str:
    """Say where a schema stands, as refusals do: one that all versions share is in the spec."""
    if all(version.get("schema") == versions[0].get("schema") for version in versions):
        return "spec.validation.openAPIV3Schema"
    return f"spec.versions[{index}].schema.openAPIV3Schema"


def _version_errors(version: dict[str, Any], path: str, place: str) -> Iterator[FieldError]:
    for field in ("name", "served", "storage"):
        if field not in version:
            yield required(f"{path}.{field}")
    if not isinstance(version.get("storage", False), bool):
        yield invalid_value(f"{path}.storage", version["storage"], "must be a boolean")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if not schema:
        yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
    else:
        yield from structural.errors(schema, place)
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        for field in ("name", "type", "jsonPath"):
            if not column.get(field):
                yield required(f"{path}.additionalPrinterColumns[{index}].{field}")


def unevaluated(definition: Object) -> list[str]:
    """Warn of the rules in a definition that the emulator does not evaluate."""
    return [
        f"the emulator does not evaluate {rule} (version {version['name']}): objects that they "
        "refuse are accepted here"
        for version in definition["spec"]["versions"]
        for rule in sorted(set(_unevaluated(version.get("schema"))))
    ]


def _unevaluated(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _unevaluated(item)
    if isinstance(schema, dict):
        if CEL_RULES in schema:
            yield CEL_RULES
        if schema.get("format") in UNCHECKED:
            yield f"format {schema['format']}"
        for item in schema.values():
            yield from _unevaluated(item)


def resources(definition: Object) -> list[Resource]:
    """Build the resources that a definition adds: one per served version."""
    spec = definition["spec"]
    names = spec["names"]
    return [
        Resource(
            spec["group"],
            version["name"],
            names["plural"],
            names["kind"],
            namespaced=spec["scope"] == "Namespaced",
            singular=names["singular"],
            list_kind=names["listKind"],
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources=tuple(
                name for name in ("status",) if name in (version.get("subresources") or {})
            ),
            not_implemented=tuple(
                name for name in ("scale",) if name in (version.get("subresources") or {})
            ),
            verbs=CUSTOM_VERBS,
            generation=True,
            columns=_columns(version),
            schema=version["schema"]["openAPIV3Schema"],
            custom=True,
        )
        for version in spec["versions"]
        if version["served"]
    ]


def _columns(version: Mapping[str, Any]) -> tuple[Column, ...] | None:
    columns = version.get("additionalPrinterColumns")
    if not columns:
        return None
    return tuple(
        Column(
            column["name"],
            column["type"],
            column.get("description", ""),
            jsonpath.reader(column["jsonPath"]),
            column.get("format", ""),
            column.get("priority", 0),
            is_age=column["type"] == "date",
        )
        for column in columns
    )
