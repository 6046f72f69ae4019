"""Whether the bridge is alive, and whether it can work."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import APIRouter

from bridge.api.bridge import Bridge
from bridge.api.native.problems import OpenRoute, RefusalError
from bridge.client.documents import Health

_log = logging.getLogger(__name__)


def add_health(bridge: Bridge, routes: APIRouter) -> None:
    """Add the two routes that an orchestrator asks."""

    async def healthz() -> Health:
        """Answer as long as the process does."""
        return Health(status="ok")

    async def readyz() -> Health:
        """Answer once the store can be read."""
        try:
            await bridge.store.next_due()
        except Exception as error:  # noqa: BLE001 - whatever it is, the store is not ready
            _log.warning("the store cannot be read: %s", type(error).__qualname__)
            detail = "the store cannot be read; check the database and FAULTBRIDGE_DATABASE"
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
        return Health(status="ready")

    routes.add_api_route("/healthz", healthz, methods=["GET"], route_class_override=OpenRoute)
    routes.add_api_route("/readyz", readyz, methods=["GET"], route_class_override=OpenRoute)
