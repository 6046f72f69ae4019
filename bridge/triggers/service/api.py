"""The API as a function behind an HTTP API: FastAPI through Mangum.

Requests are answered here, and what they ask of runs starts executions of the loop function before
the answer leaves.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from mangum import Mangum
from mangum.types import ASGI
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.api.app import create_app
from bridge.api.authenticators import authentication_for
from bridge.api.process import StartError
from bridge.triggers.service.container import Container, logger
from bridge.triggers.service.paths import sent_path

_WAY_IN: Final = (
    "nobody is asked who is calling, and this API can be reached from everywhere: set "
    "FAULTBRIDGE_STS_ACCOUNTS (AWS roles), FAULTBRIDGE_OIDC_ISSUERS, or a master_key in the secret"
)


class Api:
    """One container's API."""

    def __init__(self) -> None:
        """Put nothing together yet."""
        self.container = Container(works=False)
        self._adapter: Mangum | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer a request of an HTTP API (payload 2.0) or of a function URL."""
        asyncio.set_event_loop(self.container.loop)  # where Mangum looks for one
        try:
            adapter = self._adapter or self.container.run(self._put_together)
        except StartError as error:
            logger.error("the API cannot start: %s", error)
            body = {"message": "The bridge cannot start; the log of its function says why."}
            headers = {"content-type": "application/json"}
            return {"statusCode": 503, "headers": headers, "body": json.dumps(body)}
        return adapter(event, context)

    async def _put_together(self) -> Mangum:
        process = await self.container.process()
        settings = process.settings
        authentication = authentication_for(settings, process.bridge.store)
        if authentication is None:
            raise StartError(_WAY_IN)
        app = create_app(process.bridge, hosts=settings.hosts, authentication=authentication)
        self._adapter = Mangum(self._passing_on(app), lifespan="off")
        return self._adapter

    def _passing_on(self, app: ASGIApp) -> ASGI:
        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app({**scope, "raw_path": sent_path(scope["aws.event"])}, receive, send)
            finally:
                await self.container.dispatcher.passed_on()

        return answered


handler: Final = Api()
