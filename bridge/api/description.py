"""The description of the interface, ``GET /openapi.json``: what each route wants and may answer.

FastAPI describes what it reads and renders itself. Added here is what it cannot know: who may
call, in which words refusals come, and FIS's operations, whose requests are read by FIS's own
limits. A test holds every answer of every route against the document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bridge.api.authentication import OPEN
from bridge.api.authorization.rules import RULES, Rule
from bridge.api.fis.described import answers
from bridge.api.native.bodies import SCHEMA_REFERENCE
from bridge.api.native.signal_tokens import PARAMETER
from bridge.client.documents import ProblemDocument
from bridge.dialects.fis.operations import OPERATIONS

Document = dict[str, Any]

_SCHEMES: Final[Mapping[str, Document]] = {
    "accessKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "Signature Version 4 (`AWS4-HMAC-SHA256 …`) with an access key that the "
        "bridge issued (`faultbridge keys create`), for the service `fis` or `faultbridge`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of `aws eks get-token`, an OIDC token, or the token of a "
        "Kubernetes service account, as far as the bridge's settings switch them on.",
    },
    "signalToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "One of FAULTBRIDGE_SIGNAL_TOKENS: good for signals and nothing else.",
    },
    "signalPassword": {
        "type": "http",
        "scheme": "basic",
        "description": "The same as the password; any name.",
    },
    "signalParameter": {
        "type": "apiKey",
        "in": "query",
        "name": PARAMETER,
        "description": "The same, for senders that can be given nothing but a URL.",
    },
}
_CALLER: Final[Sequence[Document]] = ({"accessKey": []}, {"bearer": []})
_SIGNAL: Final[Sequence[Document]] = (
    {"signalToken": []},
    {"signalPassword": []},
    {"signalParameter": []},
    {},  # a message that an SNS topic has signed
)
_SIGNALS: Final = ("POST", "/v1/signals")
_READY: Final = ("GET", "/readyz")
_PROBLEM: Final = "ProblemDocument"
_FIS: Final = "FisError"
_FIS_ERROR: Final[Document] = {
    "type": "object",
    "properties": {"message": {"type": "string", "minLength": 1, "maxLength": 1024}},
    "required": ["message"],
    "additionalProperties": False,
}
_ALWAYS: Final = (400, 403, 429, 500, 503)
_WRITES: Final = (404, 409, 413)
_INVALID: Final = "422"
"""What FastAPI thinks that a refused request is answered; here it is 400."""


class Application(FastAPI):
    """An application that describes itself in full."""

    asks = True
    """Whether callers must prove who they are."""

    def openapi(self) -> Document:
        """Return the OpenAPI document, made when it is first asked for."""
        if self.openapi_schema is None:
            made = get_openapi(
                title=self.title,
                version=self.version,
                description="Runs fault injection experiments, and undoes every fault.",
                routes=self.routes,
            )
            self.openapi_schema = completed(made, asks=self.asks)
        return self.openapi_schema


def completed(document: Document, *, asks: bool) -> Document:
    """Return FastAPI's description with all that it lacks.

    ``asks`` says whether this bridge wants credentials; where it does not they are optional.
    """
    components = document.setdefault("components", {})
    components["securitySchemes"] = {name: dict(one) for name, one in _SCHEMES.items()}
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas[_FIS] = dict(_FIS_ERROR)
    schemas[_PROBLEM] = ProblemDocument.model_json_schema(
        mode="serialization", ref_template=SCHEMA_REFERENCE
    )
    _define(schemas[_PROBLEM], schemas)
    rules = {(method, path.replace(":path}", "}")): rule for (method, path), rule in RULES.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            key = (method.upper(), path)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _define(content["schema"], schemas)
            _complete(operation, key, rules[key], asks=asks)
    return document


def _complete(operation: Document, key: tuple[str, str], rule: Rule, *, asks: bool) -> None:
    operation["security"] = _security(key, asks=asks)
    if rule.actions:
        operation["x-faultbridge-actions"] = list(rule.actions)
    responses: Document = operation["responses"]
    responses.pop(_INVALID, None)
    fis = OPERATIONS.get(operation["operationId"])
    if fis is not None:
        responses.clear()
        responses.update(answers(fis))
    for status in _refusals(key, operation, unsupported=fis is not None and fis.request is None):
        responses[str(status)] = _refused(status, problem=fis is None)


def _define(schema: Document, schemas: Document) -> None:
    """Put the definitions that a schema brings where the document refers to them."""
    for name, one in schema.pop("$defs", {}).items():
        schemas.setdefault(name, one)


def _security(key: tuple[str, str], *, asks: bool) -> list[Document]:
    if key == _SIGNALS:
        return list(_SIGNAL)
    if key in OPEN:
        return []
    return [*_CALLER] if asks else [*_CALLER, {}]


def _refusals(key: tuple[str, str], operation: Document, *, unsupported: bool) -> list[int]:
    """Return the statuses of the refusals that a route may answer."""
    if key in OPEN and key != _SIGNALS:
        # Of the health of the bridge only a foreign page, or name, is told nothing.
        return [403, 413, 500, *([503] if key == _READY else [])]
    found = {*_ALWAYS, 413}
    if operation["operationId"] not in OPERATIONS:
        found.add(401)
    if key[0] != "GET":
        found.update(_WRITES)
    if operation.get("parameters"):
        found.add(404)
    if unsupported:
        found.add(501)
    return sorted(found)


def _refused(status: int, *, problem: bool) -> Document:
    schema = {"$ref": SCHEMA_REFERENCE.format(model=_PROBLEM if problem else _FIS)}
    media_type = ProblemDocument.MEDIA_TYPE if problem else "application/json"
    found: Document = {
        "description": HTTPStatus(status).phrase,
        "content": {media_type: {"schema": schema}},
    }
    if not problem:
        found["headers"] = {"x-amzn-errortype": {"required": True, "schema": {"type": "string"}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        found.setdefault("headers", {})["Retry-After"] = {"schema": {"type": "integer"}}
    return found
