"""The routes that serve JSON Schemas of chaos resources, for editors."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from bridge.api.native.problems import OpenRoute, not_found
from bridge.model.wording import quote, suggestion
from providers.kubernetes import specs

_MEDIA_TYPE = "application/schema+json"


class _SchemaResponse(JSONResponse):
    media_type = _MEDIA_TYPE


def add_schemas(routes: APIRouter) -> None:
    """Add the routes that serve schemas; they need no store."""

    async def list_schemas() -> dict[str, Any]:
        """List the JSON Schemas of the kinds that are known in full."""
        found = [_entry(kind) for kind in sorted(specs.SPECS)]
        return {"schemas": found, "any": f"{specs.SCHEMA_PATH}/{specs.ANY_KIND}"}

    # These two are made when first asked for, which takes a second: not on the event loop.
    def get_any_schema() -> _SchemaResponse:
        """Serve the JSON Schema of a manifest of whatever kind."""
        return _SchemaResponse(specs.manifest_schema())

    def get_schema(group: str, version: str, kind: str) -> _SchemaResponse:
        """Serve the JSON Schema (draft 2020-12) of a whole resource of a kind."""
        known = specs.KINDS.get(kind)
        if kind not in specs.SPECS or known is None or known.api_version != f"{group}/{version}":
            written = f"{group}/{version}/{kind}"
            paths = [f"{specs.KINDS[one].api_version}/{one}" for one in specs.SPECS]
            hint = suggestion(written, paths, f"GET {specs.SCHEMA_PATH} lists those that there are")
            raise not_found(f"there is no schema of {quote(written)}; {hint}")
        return _SchemaResponse(specs.json_schema(kind))

    path = specs.SCHEMA_PATH
    said: dict[int | str, dict[str, Any]] = {
        200: {"content": {_MEDIA_TYPE: {"schema": {"type": "object"}}}}
    }
    routes.add_api_route(path, list_schemas, methods=["GET"], route_class_override=OpenRoute)
    routes.add_api_route(
        f"{path}/{specs.ANY_KIND}",
        get_any_schema,
        methods=["GET"],
        route_class_override=OpenRoute,
        response_class=_SchemaResponse,
        responses=said,
    )
    routes.add_api_route(
        f"{path}/{{group}}/{{version}}/{{kind}}",
        get_schema,
        methods=["GET"],
        route_class_override=OpenRoute,
        response_class=_SchemaResponse,
        responses=said,
    )


def _entry(kind: str) -> dict[str, str]:
    known = specs.KINDS[kind]
    return {
        "apiVersion": known.api_version,
        "kind": kind,
        "description": specs.summary(kind),
        "schema": f"{specs.SCHEMA_PATH}/{known.api_version}/{kind}",
    }
