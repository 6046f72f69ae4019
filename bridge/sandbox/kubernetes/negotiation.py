"""In which form a client wants its answer: objects, tables, or metadata only."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import status, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bridge.sandbox.kubernetes.objects import Object
    from bridge.sandbox.kubernetes.resources import Resource

_JSON = ("application/json", "application/*", "*/*")


def clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    """Read an Accept header: media types with their parameters, in the client's order."""
    read = []
    for clause in (accept or "*/*").split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        pairs = (part.partition("=") for part in parameters)
        read.append((media, {name: value for name, _, value in pairs}))
    return read


@dataclass(frozen=True)
class Form:
    """How to render objects of one resource for one client."""

    resource: Resource
    shape: str
    include: str
    now: datetime

    def one(self, obj: Object, *, headers: bool = True) -> dict[str, Any]:
        """Render a single object; `headers=False` leaves out a table's column definitions."""
        if self.shape == "Table":
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return self._table([obj], metadata, headers=headers)
        if self.shape == "PartialObjectMetadata":
            return table.partial_metadata(obj)
        return self.whole(obj)

    def whole(self, obj: Object) -> Object:
        """Render an object in full, in the version that the client asked for."""
        typed = {"kind": self.resource.kind, "apiVersion": self.resource.api_version}
        return {**typed, **obj, **typed}

    def many(self, objects: list[Object], metadata: dict[str, Any]) -> dict[str, Any]:
        """Render a list."""
        if self.shape == "Table":
            return self._table(objects, metadata, headers=True)
        if self.shape.startswith("PartialObjectMetadata"):
            return {
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": [table.partial_metadata(obj) for obj in objects],
            }
        items = [self.whole(obj) for obj in objects]
        if not self.resource.custom:
            # A list of a built-in kind says its kind once, at the top.
            for item in items:
                del item["kind"], item["apiVersion"]
        return {
            "kind": self.resource.kind_of_list,
            "apiVersion": self.resource.api_version,
            "metadata": metadata,
            "items": items,
        }

    def event(self, kind: str, obj: Object, *, first: bool) -> dict[str, Any]:
        """Render a watch event. Only the first table of a watch has its headers."""
        if kind == "ERROR":
            return {"type": kind, "object": obj}
        return {"type": kind, "object": self.one(obj, headers=first)}

    def _table(
        self, objects: list[Object], metadata: dict[str, Any], *, headers: bool
    ) -> dict[str, Any]:
        whole = [self.whole(obj) for obj in objects]
        return table.table(
            self.resource,
            whole,
            self.now,
            include=self.include,
            metadata=metadata,
            headers=headers,
        )


def openapi(accept: str, others: tuple[str, ...] = ()) -> str:
    """Choose the media type of an OpenAPI document: JSON, or the first of the others accepted.

    Raises ApiError (406) where the client takes none of them.
    """
    for media, _ in clauses(accept):
        if media in _JSON:
            return "application/json"
        if media in others:
            return media
    raise status.ApiError(
        HTTPStatus.NOT_ACCEPTABLE,
        "NotAcceptable",
        f"only the following media types are accepted: {', '.join(('application/json', *others))}",
    )


def negotiate(resource: Resource, accept: str, query: Mapping[str, str], now: datetime) -> Form:
    """Choose the first form that the client accepts. Raises ApiError (406) where there is none."""
    include = query.get("includeObject") or "Metadata"
    for media, parameters in clauses(accept):
        if media not in _JSON:
            continue
        shape = parameters.get("as", "")
        known = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
        if shape and (shape not in known or parameters.get("v") != "v1"):
            continue
        if shape == "Table" and include not in ("None", "Metadata", "Object"):
            raise status.bad_request(
                f'unrecognized includeObject value: "{include}"; use None, Metadata or Object'
            )
        return Form(resource, shape, include, now)
    raise status.ApiError(
        HTTPStatus.NOT_ACCEPTABLE,
        "NotAcceptable",
        "only the following media types are accepted: application/json, "
        "application/json;as=Table;v=v1;g=meta.k8s.io, "
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    )
