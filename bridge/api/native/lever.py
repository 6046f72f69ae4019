"""The routes of the safety lever."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request

from bridge.api.bridge import Bridge
from bridge.api.lever import move_lever
from bridge.api.native.bodies import described, read_document
from bridge.client.documents import LeverRequest, LeverState
from bridge.model.lever import Lever
from bridge.model.moment import timestamp


def add_lever(bridge: Bridge, routes: APIRouter) -> None:
    """Add the routes that show and move the lever."""

    async def show() -> LeverState:
        """Show the safety lever: whether runs may begin."""
        return _rendered(await bridge.store.lever())

    async def move(request: Request) -> LeverState:
        """Engage it (every run is stopped, none begins) or disengage it; a repeat is no error."""
        asked = await read_document(request, LeverRequest)
        moved = await move_lever(bridge, asked.status, asked.reason)
        return _rendered(moved.after, stopping=len(moved.asked))

    routes.add_api_route("/v1/lever", show, methods=["GET"])
    routes.add_api_route("/v1/lever", move, methods=["PUT"], openapi_extra=described(LeverRequest))


def _rendered(lever: Lever, *, stopping: int = 0) -> LeverState:
    changed = None if lever.changed_at is None else timestamp(lever.changed_at)
    return LeverState(
        status=lever.status, reason=lever.reason, changed_at=changed, stopping=stopping
    )
