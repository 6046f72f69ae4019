"""What is answered where the bridge itself fails."""

from __future__ import annotations

import logging
import traceback
from typing import Final
from uuid import uuid4

from sqlalchemy import exc
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.refusals import refusal
from bridge.dialects.fis.errors import FisError, InternalError, UnavailableError

REQUEST_ID: Final = "x-amzn-requestid"

_log = logging.getLogger(__name__)


class LastResort:
    """Gives each response an id, and answers a failure of ours without its details.

    The log has them under the same id: the exception's type and where it was raised, never its
    text, which may quote a statement, a document or a secret. The traceback's frames are logged
    at DEBUG.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reference = str(uuid4())
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID] = reference
            await send(message)

        try:
            await self._app({**scope, "request_id": reference}, receive, send_with_id)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            frames = traceback.extract_tb(error.__traceback__)
            last = frames[-1]
            kind = type(error).__qualname__
            _log.error("request %s failed: %s at %s:%s", reference, kind, last.name, last.lineno)
            for frame in frames:
                _log.debug("request %s: %s:%s", reference, frame.filename, frame.lineno)
            if not started:
                answer = refusal(scope["path"], _answer(error, reference))
                await answer(scope, receive, send_with_id)


def _answer(error: Exception, reference: str) -> FisError:
    if isinstance(error, exc.OperationalError | exc.TimeoutError):
        return UnavailableError(
            f"the bridge's database cannot be reached; try again (reference {reference})"
        )
    return InternalError(f"the bridge failed; its log has more under the reference {reference}")
