"""The routes of the safety lever."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request

from bridge.api.authorization import Ask, Asking, resources
from bridge.api.bridge import Bridge
from bridge.api.lever import move_lever
from bridge.api.native.bodies import described, read_document
from bridge.client.documents import LeverRequest, LeverState
from bridge.model.lever import Lever
from bridge.model.moment import timestamp


def add_lever(bridge: Bridge, routes: APIRouter) -> None:
    """Add the routes that show and move the lever."""

    async def show(access: Asking) -> LeverState:
        """Show the safety lever: whether runs may begin."""
        await access.require(Ask("fis:GetSafetyLever", resources.lever(bridge.scope)))
        return _rendered(await bridge.store.lever())

    async def move(request: Request, access: Asking) -> LeverState:
        """Engage it (every run is stopped, none begins) or disengage it; a repeat is no error."""
        asked = await read_document(request, LeverRequest)
        arn = resources.lever(bridge.scope)
        await access.require(Ask("fis:UpdateSafetyLeverState", arn))
        who = access.principal.name
        moved = await move_lever(bridge, asked.status, asked.reason, moved_by=who)
        return _rendered(moved.after, stopping=len(moved.asked))

    routes.add_api_route("/v1/lever", show, methods=["GET"])
    routes.add_api_route("/v1/lever", move, methods=["PUT"], openapi_extra=described(LeverRequest))


def _rendered(lever: Lever, *, stopping: int = 0) -> LeverState:
    changed = None if lever.changed_at is None else timestamp(lever.changed_at)
    return LeverState(
        status=lever.status, reason=lever.reason, changed_at=changed, stopping=stopping
    )
