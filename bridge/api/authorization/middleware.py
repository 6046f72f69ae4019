"""Gives each request its access, once it is known who is calling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.api.authorization.access import KEY, Access
from bridge.api.authorization.attached import Attached
from bridge.api.authorization.decisions import DecisionLog
from iam.principal import SCOPE_KEY

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge

_LONGEST_PATH = 512


class Authorization:
    """Puts an `Access` where handlers find it. Comes behind what authenticates."""

    def __init__(self, app: ASGIApp, bridge: Bridge) -> None:
        """Wrap an application."""
        self._app = app
        self._attached = Attached(bridge.store, bridge.scope, bridge.policies)
        self._log = DecisionLog(bridge.store, bridge.scope, bridge.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        # Open paths have no principal; whatever asks there finds no access, and fails.
        if scope["type"] == "http" and SCOPE_KEY in scope:
            access = Access(
                self._attached,
                self._log,
                scope[SCOPE_KEY],
                request_id=scope.get("request_id", ""),
                address=(scope.get("client") or ("", 0))[0],
                details=_details(scope),
            )
            scope = {**scope, KEY: access}
        await self._app(scope, receive, send)


def _details(scope: Mapping[str, Any]) -> dict[str, str]:
    # Without the query, in which a presigned request has its signature.
    return {"method": scope["method"], "path": scope["path"][:_LONGEST_PATH]}
