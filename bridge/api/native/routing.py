"""The routes of the native API."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from bridge.api.bridge import Bridge
from bridge.api.native.action_templates import ActionTemplates
from bridge.api.native.audit import add_audit
from bridge.api.native.catalog import add_catalog
from bridge.api.native.experiments import Experiments
from bridge.api.native.grants import add_grants
from bridge.api.native.health import add_health
from bridge.api.native.lever import add_lever
from bridge.api.native.policies import Policies
from bridge.api.native.preflight import add_preflight
from bridge.api.native.problems import ProblemRoute, not_found
from bridge.api.native.schedules import Schedules
from bridge.api.native.schemas import add_schemas
from bridge.api.native.signals import Signals
from bridge.api.native.templates import add_validation
from bridge.model.wording import quote


def routes(bridge: Bridge) -> APIRouter:
    """Return the routes, bound to a bridge. Refusals are ``application/problem+json``."""
    found = APIRouter(tags=["Faultbridge"], route_class=ProblemRoute)
    add_validation(bridge, found)
    add_preflight(bridge, found)
    Experiments(bridge).add_to(found)
    Signals(bridge).add_to(found)
    add_lever(bridge, found)
    Schedules(bridge).add_to(found)
    ActionTemplates(bridge).add_to(found)
    Policies(bridge).add_to(found)
    add_audit(bridge, found)
    add_grants(bridge, found)
    add_catalog(bridge, found)
    add_schemas(found)
    add_health(bridge, found)
    found.add_api_route(
        "/v1/{rest:path}",
        _unrouted,
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        include_in_schema=False,
    )
    return found


async def _unrouted(request: Request) -> Response:
    raise not_found(
        f"there is no operation {request.method} {quote(request.url.path)}; "
        "GET /openapi.json lists those that there are"
    )
