"""``/v1/grants``: the least that has to be granted for a template to run."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from bridge.api.authorization import Access, Ask, Asking, resources
from bridge.api.bridge import Bridge
from bridge.api.native.bodies import described, read_document
from bridge.api.native.granting import about, answer, needed
from bridge.api.native.templates import examined, stored_template, without_errors
from bridge.client.grants import Grants, GrantsRequest
from bridge.model.template import ExperimentTemplate

_ASKED = "faultbridge:GetGrants"
_READ = "fis:GetExperimentTemplate"


def add_grants(bridge: Bridge, routes: APIRouter) -> None:
    """Add the route that says what a template needs."""

    async def grants(request: Request, access: Asking) -> Grants:
        """Say which rights a template needs, and the policies, roles and bindings for them."""
        await access.require(Ask(_ASKED))
        asked = await read_document(request, GrantsRequest)
        template = await _template(asked, access)
        told = about(bridge.settings, template, _name(template))
        return answer(
            needed(bridge.settings, bridge.catalog, template),
            told,
            cloud=asked.cloud,
            include_optional=asked.include_optional,
            required_only=asked.required_only,
        )

    async def _template(asked: GrantsRequest, access: Access) -> ExperimentTemplate:
        if asked.template_id is None:
            found = await examined(bridge, asked.template)
            return without_errors(found.template, found.problems)
        return await stored_template(
            bridge, access, asked.template_id, {}, _of_stored, absent=_READ
        )

    said: dict[str, Any] = described(GrantsRequest)
    routes.add_api_route("/v1/grants", grants, methods=["POST"], openapi_extra=said)


def _of_stored(template: ExperimentTemplate) -> list[Ask]:
    return [Ask(_READ, resources.template(template.scope, template.id), tags=template.tags)]


def _name(template: ExperimentTemplate) -> str:
    return template.tags.get("Name") or template.id or "template"
