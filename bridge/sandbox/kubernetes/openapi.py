"""The OpenAPI documents, in versions 2 and 3: what kubectl explains, validates and patches by.

A document is built when it is first asked for, and again once a definition has changed what it
describes. Version 2 is one document of everything, version 3 has one for each group and version
and an index of them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import openapi_schemas
from bridge.sandbox.kubernetes.discovery import versions
from bridge.sandbox.kubernetes.openapi_protobuf import encode_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.sandbox.kubernetes.openapi_schemas import Form, Schemas
    from bridge.sandbox.kubernetes.resource_table import ResourceTable
    from bridge.sandbox.kubernetes.resources import Resource

PROTOBUF_V2 = (
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
)
"""How clients ask for version 2 in protobuf: kubectl up to 1.26, and the spelling since."""

_COLLECTION = {"list": "get", "create": "post", "deletecollection": "delete"}
_SINGLE = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_STATUS = {"get": "get", "update": "put", "patch": "patch"}
_WRITES = ("dryRun", "fieldManager", "fieldValidation")
_PARAMETERS = {"post": _WRITES, "put": _WRITES, "patch": (*_WRITES, "force")}
_BOOLEANS = frozenset({"force"})


class OpenApi:
    """The documents of one server; `version` is that of Kubernetes."""

    def __init__(self, table: ResourceTable, version: str) -> None:
        self._table = table
        self._version = version
        # Clients keep documents by their hash, also those of another server at this address.
        self._salt = secrets.token_hex(8)
        self._built: dict[str, tuple[int, bytes]] = {}

    def index(self) -> dict[str, Any]:
        """Answer `/openapi/v3`: where the document of each group and version is."""
        return {
            "paths": {
                path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={self.hash_of(path)}"}
                for path in sorted(self._places())
            }
        }

    def hash_of(self, path: str) -> str:
        """Tell the state of a document without building it."""
        group, version = self._places().get(path, ("", ""))
        state = f"{self._salt} {path} {self._table.revision(group, version)}"
        return hashlib.sha256(state.encode()).hexdigest().upper()

    def document(self, path: str) -> bytes | None:
        """Answer `/openapi/v3/PATH` in JSON; None where nothing is served there."""
        place = self._places().get(path)
        if place is None:
            return None
        return self._cached(path, self._table.revision(*place), lambda: self._third(path, place))

    def second(self, *, protobuf: bool) -> bytes:
        """Answer `/openapi/v2`."""
        name = "v2 protobuf" if protobuf else "v2"
        return self._cached(
            name,
            self._table.revision(),
            lambda: (
                encode_document(self._second()) if protobuf else json.dumps(self._second()).encode()
            ),
        )

    def _cached(self, name: str, revision: int, build: Callable[[], bytes]) -> bytes:
        known = self._built.get(name)
        if known is None or known[0] != revision:
            known = self._built[name] = (revision, build())
        return known[1]

    def _places(self) -> dict[str, tuple[str, str]]:
        return {
            f"apis/{group}/{version}" if group else f"api/{version}": (group, version)
            for group, known in versions(self._table).items()
            for version in known
        }

    def _third(self, path: str, place: tuple[str, str]) -> bytes:
        served = [item for item in self._table if (item.group, item.version) == place]
        schemas: Schemas = {}
        paths: dict[str, Any] = {}
        for resource in served:
            name = openapi_schemas.add(resource, schemas, "v3")
            paths |= dict(_paths(resource, f"/{path}", name, "v3"))
        document = {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": self._version},
            "paths": paths,
            "components": {"schemas": schemas},
        }
        return json.dumps(document).encode()

    def _second(self) -> dict[str, Any]:
        definitions: Schemas = {}
        paths: dict[str, Any] = {}
        for path, place in self._places().items():
            for resource in self._table:
                if (resource.group, resource.version) == place:
                    name = openapi_schemas.add(resource, definitions, "v2")
                    paths |= dict(_paths(resource, f"/{path}", name, "v2"))
        return {
            "swagger": "2.0",
            "info": {"title": "Kubernetes", "version": self._version},
            "paths": paths,
            "definitions": definitions,
        }


def _paths(
    resource: Resource, root: str, name: str, form: Form
) -> Iterator[tuple[str, dict[str, Any]]]:
    base = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
    path = f"{base}/{resource.plural}"
    listed = {verb: how for verb, how in _COLLECTION.items() if verb in resource.verbs}
    named = {verb: how for verb, how in _SINGLE.items() if verb in resource.verbs}
    for place, actions in (
        (path, listed),
        (f"{path}/{{name}}", named),
        (f"{path}/{{name}}/status", _STATUS if resource.has_status else {}),
    ):
        if actions:
            yield (
                place,
                {
                    method: _operation(resource, place, verb, name, form)
                    for verb, method in actions.items()
                },
            )


def _operation(resource: Resource, path: str, verb: str, name: str, form: Form) -> dict[str, Any]:
    method = {**_COLLECTION, **_SINGLE}[verb]
    shown = f"{name}List" if verb == "list" else name
    parts = [part for part in path.split("/") if part and "{" not in part]
    identity = verb + "".join(part[:1].upper() + part[1:] for part in parts)
    answer: dict[str, Any] = {"description": "OK"}
    schema = openapi_schemas.reference(shown, "v2")
    if form == "v2":
        answer["schema"] = schema
    else:
        schema = {"$ref": schema["$ref"].replace("#/definitions/", "#/components/schemas/")}
        answer["content"] = {"application/json": {"schema": schema}}
    return {
        "operationId": identity + ("One" if "{name}" in path else ""),
        "parameters": [_parameter(query, form) for query in _PARAMETERS.get(method, ())],
        "responses": {"200": answer},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "kind": resource.kind,
            "version": resource.version,
        },
    }


def _parameter(name: str, form: Form) -> dict[str, Any]:
    schema = {"type": "boolean" if name in _BOOLEANS else "string"}
    return {"name": name, "in": "query", **(schema if form == "v2" else {"schema": schema})}
