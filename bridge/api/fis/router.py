"""The routes of FIS's operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.api.authorization import Access, Ask, access_of, resources
from bridge.api.bridge import Bridge
from bridge.api.fis import experiments, lever, listing, tags, templates
from bridge.api.fis.described import described
from bridge.api.fis.requests import read_request
from bridge.dialects.fis.operations import OPERATIONS, Operation

Handler = Callable[[Bridge, Access, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]

HANDLERS: Final[Mapping[str, Handler]] = {
    "CreateExperimentTemplate": templates.create_template,
    "GetExperimentTemplate": templates.get_template,
    "ListExperimentTemplates": templates.list_templates,
    "UpdateExperimentTemplate": templates.update_template,
    "DeleteExperimentTemplate": templates.delete_template,
    "StartExperiment": experiments.start_experiment,
    "GetExperiment": experiments.get_experiment,
    "ListExperiments": experiments.list_experiments,
    "StopExperiment": experiments.stop_experiment,
    "ListExperimentResolvedTargets": experiments.list_resolved_targets,
    "ListActions": listing.list_actions,
    "GetAction": listing.get_action,
    "ListTargetResourceTypes": listing.list_target_types,
    "GetTargetResourceType": listing.get_target_type,
    "ListTagsForResource": tags.list_tags,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "GetSafetyLever": lever.get_lever,
    "UpdateSafetyLeverState": lever.update_lever,
}
"""An operation without a handler is refused by name while its request is read."""


def router(bridge: Bridge) -> APIRouter:
    """Return the routes of all 26 operations, bound to a bridge."""
    routes = APIRouter(tags=["AWS FIS"])
    for operation in OPERATIONS.values():
        routes.add_api_route(
            _route_path(operation),
            _endpoint(bridge, operation),
            methods=[operation.method],
            name=operation.name,
            operation_id=operation.name,
            response_model=None,
            openapi_extra=described(operation),
        )
    return routes


def _route_path(operation: Operation) -> str:
    # ARNs and aliases hold "/", which a client that does not encode sends as it is.
    return operation.path.replace("{resourceArn}", "{resourceArn:path}").replace(
        "/actions/{id}", "/actions/{id:path}"
    )


def _endpoint(bridge: Bridge, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        access = access_of(request)
        if operation.request is None:
            await access.require(Ask(f"fis:{operation.name}", _on(bridge, operation, request)))
        members = await read_request(operation, request)
        answer = await HANDLERS[operation.name](bridge, access, members)
        access.require_asked()
        if answer is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return JSONResponse(answer)

    endpoint.__doc__ = None
    return endpoint


def _on(bridge: Bridge, operation: Operation, request: Request) -> str:
    """Return the resource of an operation that is not supported yet."""
    of = resources.template if "experimentTemplateId" in operation.labels.values() else None
    return (of or resources.experiment)(bridge.scope, unquote(request.path_params["id"]))
