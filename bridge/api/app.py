"""The HTTP application of a bridge."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from bridge import __version__
from bridge.api import fis, native
from bridge.api.authentication import WhoCalls
from bridge.api.authorization import Authorization
from bridge.api.bridge import Bridge
from bridge.api.description import Application
from bridge.api.errors import install_error_handlers
from bridge.api.last_resort import LastResort
from bridge.api.limits import Limits
from bridge.api.native.health import add_health
from iam.authentication import Authentication


def create_app(
    bridge: Bridge,
    *,
    hosts: Collection[str] = (),
    authentication: Authentication | None = None,
) -> FastAPI:
    """Return the application that answers for a bridge.

    ``hosts`` are host names to answer to beside loopback. Without ``authentication`` nobody is
    asked who they are: only for an application that is reached from this machine alone. The
    bridge's parts are the caller's: the application neither starts nor closes them.
    """
    app = Application(
        title="Faultbridge",
        version=__version__,
        docs_url=None,  # the pages load scripts from a content network
        redoc_url=None,
        redirect_slashes=False,  # a redirected POST arrives as a GET
        middleware=[
            Middleware(LastResort),
            Middleware(Limits, hosts=hosts, any_host=authentication is not None),
            Middleware(WhoCalls, authentication=authentication),
            Middleware(Authorization, bridge=bridge),
        ],
    )
    app.asks = authentication is not None
    install_error_handlers(app)
    app.include_router(native.router(bridge))
    app.include_router(fis.router(bridge))
    return app


def health_app(bridge: Bridge) -> FastAPI:
    """Return an application that says whether a worker is alive and has its database, no more.

    It asks nobody who they are: what it tells is open on a bridge too.
    """
    app = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(LastResort), Middleware(Limits, any_host=True)],
    )
    install_error_handlers(app)
    routes = APIRouter()
    add_health(bridge, routes)
    app.include_router(routes)
    return app
