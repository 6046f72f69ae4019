"""OpenAPI v3 documents: what `kubectl explain`, `apply` and field validation need of them.

OpenAPI v2 is not served: kubectl has used v3 since 1.27 and older ones want it in protobuf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.builtin_schemas import model_name, schema_of
from bridge.sandbox.kubernetes.discovery import versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bridge.sandbox.kubernetes.resources import Resource, ResourceTable

_REF = "#/components/schemas/"
_WRITES = frozenset({"post", "put", "patch"})


def index(table: ResourceTable) -> dict[str, Any]:
    """Answer `/openapi/v3`: where the document of each group and version is."""
    paths = [
        f"apis/{group}/{version}" if group else f"api/{version}"
        for group, known in versions(table).items()
        for version in known
    ]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in sorted(paths)}}


def document(table: ResourceTable, path: str, version: str) -> dict[str, Any] | None:
    """Answer `/openapi/v3/PATH`; None where nothing is served there."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api", served]:
            wanted = ("", served)
        case ["apis", group, served]:
            wanted = (group, served)
        case _:
            return None
    resources = [item for item in table if (item.group, item.version) == wanted]
    if not resources:
        return None
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for resource in resources:
        name = _component(resource, schemas)
        paths |= dict(_paths(resource, f"/{'/'.join(parts)}", name))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _component(resource: Resource, schemas: dict[str, Any]) -> str:
    """Add the schema of a resource, and those that it refers to; returns its name."""
    kind = [{"group": resource.group, "kind": resource.kind, "version": resource.version}]
    if resource.schema is None:
        model = schema_of(model_name(resource.kind))
        _flatten(model, schemas)
        name = str(model["x-model"])
    else:
        reversed_group = ".".join(reversed(resource.group.split(".")))
        name = f"{reversed_group}.{resource.version}.{resource.kind}"
        meta = schema_of("V1ObjectMeta")
        _flatten(meta, schemas)
        properties = {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            **(resource.schema.get("properties") or {}),
            "metadata": {"allOf": [{"$ref": _REF + meta["x-model"]}]},
        }
        schemas[name] = {**resource.schema, "properties": properties}
    schemas[name]["x-kubernetes-group-version-kind"] = kind
    return name


def _flatten(model: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    """Turn a model that contains others into components that refer to each other."""
    name = model["x-model"]
    if name in schemas:
        return
    schemas[name] = {}
    schemas[name] |= {
        "type": "object",
        "description": model["description"],
        "properties": {
            field: _reference(inner, schemas)
            for field, inner in model["properties"].items()
        },
    }
    if "required" in model:
        schemas[name]["required"] = model["required"]


def _reference(inner: Mapping[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if "x-model" in inner:
        _flatten_named(inner, schemas)
        reference = {"$ref": _REF + inner["x-model"]}
        return {"allOf": [reference], "description": inner.get("description", "")}
    copied = dict(inner)
    for field in ("items", "additionalProperties"):
        if isinstance(inner.get(field), dict):
            if "x-model" in inner[field]:
                _flatten_named(inner[field], schemas)
                copied[field] = {"allOf": [{"$ref": _REF + inner[field]["x-model"]}]}
            else:
                copied[field] = _reference(inner[field], schemas)
    return copied


def _flatten_named(inner: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    # A field's own description may have replaced its kind's; the kind's schema has the right one.
    _flatten(schema_of(inner["x-model"]), schemas)


def _paths(resource: Resource, root: str, name: str) -> Iterator[tuple[str, Any]]:
    base = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
    collection = {"list": "get", "create": "post", "deletecollection": "delete"}
    single = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
    path = f"{base}/{resource.plural}"
    if listed := [action for verb, action in collection.items() if verb in resource.verbs]:
        yield path, {action: _operation(resource, action, name) for action in listed}
    if named := [action for verb, action in single.items() if verb in resource.verbs]:
        yield f"{path}/{{name}}", {action: _operation(resource, action, name) for action in named}


def _operation(resource: Resource, action: str, name: str) -> dict[str, Any]:
    parameters = ["dryRun", "fieldValidation"] if action in _WRITES else []
    content = {"application/json": {"schema": {"$ref": _REF + name}}}
    return {
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "kind": resource.kind,
            "version": resource.version,
        },
        "parameters": [
            {"name": parameter, "in": "query", "schema": {"type": "string"}}
            for parameter in parameters
        ],
        "responses": {"200": {"description": "OK", "content": content}},
    }
