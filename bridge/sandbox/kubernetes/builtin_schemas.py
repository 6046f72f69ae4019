"""The schemas of built-in kinds, read from the official client's models.

They carry the field names, types and descriptions of the Kubernetes release that the client was
generated from; how lists are merged is in `merge_rules`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from bridge.sandbox.kubernetes.merge_rules import (
    ATOMIC_MODELS,
    DEFAULTED_KEYS,
    FIELD_RULES,
    MAP_TYPE,
)
from bridge.sandbox.kubernetes.schema import INT_OR_STRING, PRESERVE

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
    "datetime": {"type": "string", "nullable": True, "x-scalar": "time"},
    "bytes": {"type": "string"},
    "object": {PRESERVE: True, MAP_TYPE: "atomic"},
}
_QUANTITY: dict[str, Any] = {PRESERVE: True, "x-scalar": "quantity"}


_INT_AND_TEXT = re.compile(r"^typing\.Union\[[^{]*\[int,[^{]*\[str,")
_INT_OR_STRING: dict[str, Any] = {INT_OR_STRING: True, "x-scalar": "int-or-string"}

_META, _RBAC = "apimachinery.pkg.apis.meta.v1", "api.rbac.v1"
_EXTENSIONS = "apiextensions-apiserver.pkg.apis.apiextensions.v1"
_PACKAGES: tuple[tuple[str, str], ...] = (
    (r"^(ObjectMeta|ListMeta|OwnerReference|ManagedFieldsEntry|ShardInfo|Condition)$", _META),
    (r"^(LabelSelector|LabelSelectorRequirement|FieldSelectorRequirement)$", _META),
    (r"^(Deployment|ReplicaSet|RollingUpdate)", "api.apps.v1"),
    (r"^(Cluster)?Role(Binding|Ref)?$|^(PolicyRule|AggregationRule|Subject)$", _RBAC),
    (r"^(CustomResource|JSONSchemaProps|Validation|ExternalDoc|SelectableField)", _EXTENSIONS),
    (r"^Webhook", _EXTENSIONS),
    (r"AccessReview|RulesReview|^(Non)?Resource(Attributes|Rule)$", "api.authorization.v1"),
    (r"^(Field|Label)SelectorAttributes$", "api.authorization.v1"),
    (r"^(TokenReview|UserInfo|SelfSubjectReview)", "api.authentication.v1"),
)
"""Where Kubernetes keeps the types that are not in `api.core.v1`."""


@cache
def component_name(model: str) -> str:
    """Name the type of a model as Kubernetes' OpenAPI documents do."""
    if model.startswith("Apiextensions"):
        return f"io.k8s.{_EXTENSIONS}.{model.partition('V1')[2]}"
    name = model.partition("V1")[2]
    package = next((where for what, where in _PACKAGES if re.search(what, name)), "api.core.v1")
    return f"io.k8s.{package}.{name}"


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
    if model in ATOMIC_MODELS:
        schema[MAP_TYPE] = "atomic"
    properties: dict[str, Any] = {}
    needed = []
    rules, defaults = FIELD_RULES.get(model, {}), DEFAULTED_KEYS.get(model, {})
    for attribute, type_text in source.openapi_types.items():
        name = source.attribute_map[attribute]
        field = source.model_fields.get(attribute) or source.model_fields.get(attribute.lstrip("_"))
        properties[name] = _typed(name, type_text, known)
        if type_text == "object":
            properties[name] = _untyped(model, str(getattr(field, "annotation", "")))
        if field is not None and field.description:
            properties[name] = {**properties[name], "description": field.description}
        if name in rules:
            properties[name] = {**properties[name], **rules[name]}
        if name in defaults:
            properties[name] = {**properties[name], "default": defaults[name]}
        if field is not None and field.is_required():
            needed.append(name)
    schema["properties"] = properties
    if needed:
        schema["required"] = needed
    return schema


def _untyped(model: str, annotation: str) -> dict[str, Any]:
    """Read the schema of a field whose type the client only annotates."""
    if _INT_AND_TEXT.match(annotation):
        return dict(_INT_OR_STRING)
    plain = dict(_PLAIN["object"])
    # What a schema says of items may be a list of schemas, or true.
    is_object = "Dict[str, typing.Any]" in annotation and model != "V1JSONSchemaProps"
    return {"type": "object", **plain} if is_object else plain


def _typed(name: str, text: str, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if _QUANTITIES.match(name) and text in ("str", "Dict[str, str]"):
        # A quantity may be written as a number.
        loose = dict(_QUANTITY)
        return loose if text == "str" else {"type": "object", "additionalProperties": loose}
    if text in _PLAIN:
        return dict(_PLAIN[text])
    if found := re.fullmatch(r"List\[(.+)\]", text):
        return {"type": "array", "items": _typed("", found[1], known)}
    if found := re.fullmatch(r"Dict\[str, (.+)\]", text):
        return {"type": "object", "additionalProperties": _typed("", found[1], known)}
    return _schema(text, known)
