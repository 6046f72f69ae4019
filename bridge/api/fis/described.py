"""What the description of the interface says of FIS's operations."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from bridge.dialects.fis.json_schema import Schema, schema_of
from bridge.dialects.fis.operations import Operation

_OBJECT: Final[Schema] = {"type": "object"}
_LIST: Final[Schema] = {"type": "array", "items": {"type": "object"}}
_MEMBERS: Final[Mapping[str, tuple[str, Schema]]] = {
    "CreateExperimentTemplate": ("experimentTemplate", _OBJECT),
    "GetExperimentTemplate": ("experimentTemplate", _OBJECT),
    "UpdateExperimentTemplate": ("experimentTemplate", _OBJECT),
    "DeleteExperimentTemplate": ("experimentTemplate", _OBJECT),
    "ListExperimentTemplates": ("experimentTemplates", _LIST),
    "StartExperiment": ("experiment", _OBJECT),
    "GetExperiment": ("experiment", _OBJECT),
    "StopExperiment": ("experiment", _OBJECT),
    "ListExperiments": ("experiments", _LIST),
    "ListExperimentResolvedTargets": ("resolvedTargets", _LIST),
    "ListActions": ("actions", _LIST),
    "GetAction": ("action", _OBJECT),
    "ListTargetResourceTypes": ("targetResourceTypes", _LIST),
    "GetTargetResourceType": ("targetResourceType", _OBJECT),
    "ListTagsForResource": (
        "tags",
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
    "GetSafetyLever": ("safetyLever", _OBJECT),
    "UpdateSafetyLeverState": ("safetyLever", _OBJECT),
}
"""Operation → the member of its answer; what is in it is the service model's."""
_WITH_BODY: Final = frozenset({"POST", "PATCH"})


def described(operation: Operation) -> dict[str, Any]:
    """Return parameters, body and answers of an operation, as OpenAPI has them."""
    found: dict[str, Any] = {
        "summary": operation.name,
        "description": "As the service model of AWS FIS (API version 2020-12-01) has it.",
        "parameters": _parameters(operation),
    }
    if operation.request is None:
        return found
    if operation.method in _WITH_BODY:
        elsewhere = frozenset((*operation.labels.values(), *operation.query))
        body = schema_of(operation.request, without=elsewhere)
        found["requestBody"] = {
            "required": bool(body.get("required")),
            "content": {"application/json": {"schema": body}},
        }
    return found


def answers(operation: Operation) -> dict[str, Any]:
    """Return the answers of an operation that succeeds, by status; none of one that cannot."""
    if operation.request is None:
        return {}
    if operation.name not in _MEMBERS:
        return {str(HTTPStatus.NO_CONTENT.value): {"description": "Done."}}
    name, schema = _MEMBERS[operation.name]
    members = {name: schema}
    if schema is _LIST:
        members["nextToken"] = {"type": "string"}
    document = {
        "type": "object",
        "properties": members,
        "required": [name],
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": document}}
    return {str(HTTPStatus.OK.value): {"description": "Done.", "content": content}}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    shape = operation.request
    limits = {} if shape is None else shape.members
    found = []
    for places, place in ((operation.labels, "path"), ({n: n for n in operation.query}, "query")):
        for name, member in places.items():
            schema = schema_of(limits[member]) if member in limits else {"type": "string"}
            required = place == "path"
            found.append({"name": name, "in": place, "required": required, "schema": schema})
    return found
