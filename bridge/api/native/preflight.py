"""What a template lacks, asked before a run: in the clouds and clusters, as its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request

from bridge.api.authorization import Ask, Asking, resources
from bridge.api.authorization.templates import passing
from bridge.api.bridge import Bridge
from bridge.api.native.bodies import described, read_document
from bridge.api.native.planned import planned
from bridge.api.native.templates import examined, stored_template, without_errors
from bridge.client.preflight import Preflight, PreflightFinding, PreflightRequest
from bridge.model.identifiers import new_template_id

if TYPE_CHECKING:
    from bridge.catalog import Catalog
    from bridge.engine.preflight import Foreseen
    from bridge.model.template import ExperimentTemplate

_ACTION = "faultbridge:PreflightTemplate"


def add_preflight(bridge: Bridge, routes: APIRouter) -> None:
    """Add the route that asks."""

    async def preflight(request: Request, access: Asking) -> Preflight:
        """Ask whether the template's identity may do all that a run needs; nothing is changed."""
        asked = await read_document(request, PreflightRequest)
        if asked.template is not None:
            # The bridge acts as the role that a document names: whoever writes it must be allowed
            # to pass the role, as for storing it.
            found = await examined(bridge, asked.template, template_id=new_template_id())
            template = without_errors(found.template, found.problems)
            await access.require(Ask(_ACTION), passing(template))
        else:
            template = await stored_template(
                bridge, access, asked.template_id or "", {}, _of_stored, absent=_ACTION
            )
        return rendered(await bridge.preflight(template, access.principal.name), bridge.catalog)

    routes.add_api_route(
        "/v1/preflight",
        preflight,
        methods=["POST"],
        openapi_extra=described(PreflightRequest),
    )


def _of_stored(template: ExperimentTemplate) -> list[Ask]:
    arn = resources.template(template.scope, template.id)
    return [Ask(_ACTION, arn, tags=template.tags), passing(template, unless_denied=True)]


def rendered(foreseen: Foreseen, catalog: Catalog) -> Preflight:
    """Return what was found as the API shows it."""
    told = tuple(
        PreflightFinding(
            what=one.what,
            verdict=one.verdict.value,
            identity=one.who.value,
            need=one.need,
            place=str(one.place),
            resources=one.resources,
            wanted_by=one.wanted_by,
            reason=one.reason,
            mend=one.mend,
            holder=one.holder,
        )
        for one in foreseen.findings
    )
    passed = not any(one.stops for one in told)
    return Preflight(passed=passed, findings=told, plan=planned(foreseen, catalog))
