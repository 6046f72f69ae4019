"""The schemas of OpenAPI documents: built-in kinds as components that refer to each other.

Version 2 is what kubectl before 1.27 reads, version 3 what it reads since. They differ in how a
field refers to a type, and version 2 leaves out what its readers do not understand: alternatives,
defaults, and the type of whatever may be null, have unknown fields or be a number or a text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bridge.sandbox.kubernetes.builtin_schemas import component_name, model_name, schema_of
from bridge.sandbox.kubernetes.merge_rules import PATCH_KEY, PATCH_STRATEGY
from bridge.sandbox.kubernetes.schema import EMBEDDED, INT_OR_STRING, PRESERVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.sandbox.kubernetes.resources import Resource

Form: TypeAlias = Literal["v2", "v3"]
Schemas: TypeAlias = dict[str, Any]

_PREFIX: dict[Form, str] = {"v2": "#/definitions/", "v3": "#/components/schemas/"}
_GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
_SCALARS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "quantity": (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        "An amount: a number with a suffix of powers of ten (m, k, M, G …) or of 1024 (Ki, Mi …).",
        {"type": "string"},
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ),
    "int-or-string": (
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        "A whole number, or a text such as the name of a port or a percentage.",
        {"type": "string", "format": "int-or-string"},
        {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    ),
    "time": (
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
        "A moment, as RFC 3339 writes it.",
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date-time"},
    ),
}
"""By what the model's schema calls them: component, description, and schema in each form."""
_METADATA = (
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/"
    "sig-architecture/api-conventions.md#metadata"
)
"""What the API server says of every kind's metadata; the client's models leave it out."""

_NOT_IN_V2 = frozenset(
    {"default", "nullable", "oneOf", "anyOf", "allOf", "not", "example", "externalDocs"}
    | {"x-kubernetes-validations"}
)
_UNTYPED_IN_V2 = frozenset({"type", "items", "properties", "additionalProperties"})


def add(resource: Resource, schemas: Schemas, form: Form) -> str:
    """Add the schema of a resource's kind and of its list, with all that they refer to.

    Returns the name of the kind's schema.
    """
    if resource.schema is None:
        model = schema_of(model_name(resource.kind))
        _add_model(model, schemas, form)
        name = component_name(model["x-model"])
    else:
        reversed_group = ".".join(reversed(resource.group.split(".")))
        name = f"{reversed_group}.{resource.version}.{resource.kind}"
        schemas[name] = _custom(resource.schema, schemas, form)
    _mark(schemas[name], resource, resource.kind)
    if "list" in resource.verbs:
        schemas[f"{name}List"] = _list(resource, name, schemas, form)
        _mark(schemas[f"{name}List"], resource, resource.kind_of_list)
    return name


def reference(name: str, form: Form, description: str = "") -> dict[str, Any]:
    """Refer to a component."""
    target = {"$ref": _PREFIX[form] + name}
    described = {"description": description} if description else {}
    return {**described, **(target if form == "v2" else {"allOf": [target]})}


def _mark(schema: dict[str, Any], resource: Resource, kind: str) -> None:
    schema[_GROUP_VERSION_KIND] = [
        {"group": resource.group, "kind": kind, "version": resource.version}
    ]


def _add_model(model: Mapping[str, Any], schemas: Schemas, form: Form) -> None:
    """Turn a model that contains others into components that refer to each other."""
    name = component_name(model["x-model"])
    if name in schemas:
        return
    schemas[name] = {}
    schemas[name] |= {
        field: model[field]
        for field in ("description", "type", "required", "x-kubernetes-map-type")
        if model.get(field)
    }
    schemas[name]["properties"] = {
        field: _field(inner, schemas, form) for field, inner in model["properties"].items()
    }


def _field(inner: Mapping[str, Any], schemas: Schemas, form: Form) -> dict[str, Any]:
    description = inner.get("description", "")
    if "x-model" in inner:
        # A field's own description may have replaced its kind's; the kind's schema has that.
        model = schema_of(inner["x-model"])
        _add_model(model, schemas, form)
        own = "" if description == model["description"] else description
        rules = {field: inner[field] for field in (PATCH_KEY, PATCH_STRATEGY) if field in inner}
        return reference(component_name(inner["x-model"]), form, own) | rules
    if inner.get("x-scalar"):
        name, text, second, third = _SCALARS[inner["x-scalar"]]
        schemas[name] = {"description": text, **(second if form == "v2" else third)}
        return reference(name, form, description)
    copied = {
        field: value
        for field, value in inner.items()
        if field not in ("nullable", PRESERVE) and not (form == "v2" and field == "default")
    }
    for field in ("items", "additionalProperties"):
        if isinstance(inner.get(field), dict):
            copied[field] = _field(inner[field], schemas, form)
    return copied


def _custom(schema: Mapping[str, Any], schemas: Schemas, form: Form) -> dict[str, Any]:
    shown = _published(schema, schemas, form)
    shown["properties"] = {**(shown.get("properties") or {}), **_type_meta(schemas, form)}
    return shown


@cache
def _text(field: str) -> str:
    """Return what the client's models say about a field that every kind has."""
    return str(schema_of("V1ConfigMap")["properties"][field].get("description", ""))


def _type_meta(schemas: Schemas, form: Form) -> dict[str, Any]:
    _add_model(schema_of("V1ObjectMeta"), schemas, form)
    return {
        "apiVersion": {"description": _text("apiVersion"), "type": "string"},
        "kind": {"description": _text("kind"), "type": "string"},
        "metadata": reference(component_name("V1ObjectMeta"), form, _METADATA),
    }


def _published(schema: Mapping[str, Any], schemas: Schemas, form: Form) -> dict[str, Any]:
    """Show the schema of a custom resource as the API server publishes it."""
    shown = dict(schema)
    if form == "v2":
        dropped = _NOT_IN_V2
        if schema.get("nullable") or schema.get(PRESERVE) or schema.get(INT_OR_STRING):
            dropped |= _UNTYPED_IN_V2
        shown = {field: value for field, value in shown.items() if field not in dropped}
        _leave_out_nullable(shown, schema)
    for field in ("items", "additionalProperties"):
        if isinstance(shown.get(field), dict):
            shown[field] = _published(shown[field], schemas, form)
    if "properties" in shown:
        shown["properties"] = {
            name: _published(inner, schemas, form) for name, inner in shown["properties"].items()
        }
    if schema.get(EMBEDDED) and (form == "v3" or "type" in shown):
        shown["properties"] = {**(shown.get("properties") or {}), **_type_meta(schemas, form)}
        shown["required"] = sorted({*(shown.get("required") or ()), "apiVersion", "kind"})
    return shown


def _leave_out_nullable(shown: dict[str, Any], schema: Mapping[str, Any]) -> None:
    properties = schema.get("properties") or {}
    needed = [
        name
        for name in schema.get("required") or ()
        if not properties.get(name, {}).get("nullable")
    ]
    shown.pop("required", None)
    if needed:
        shown["required"] = needed


def _list(resource: Resource, name: str, schemas: Schemas, form: Form) -> dict[str, Any]:
    _add_model(schema_of("V1ListMeta"), schemas, form)
    return {
        "description": f"{resource.kind_of_list} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": _text("apiVersion"), "type": "string"},
            "items": {
                "description": f"List of {resource.plural}.",
                "type": "array",
                "items": reference(name, form),
            },
            "kind": {"description": _text("kind"), "type": "string"},
            "metadata": reference(component_name("V1ListMeta"), form),
        },
    }
