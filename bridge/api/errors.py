"""Every error in the shape that FIS's clients read, whatever its origin."""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from fastapi import FastAPI, Request
from sqlalchemy import exc
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.dialects.fis.errors import (
    FisError,
    InternalError,
    UnavailableError,
    UnknownOperationError,
)
from bridge.model.wording import quote

REQUEST_ID: Final = "x-amzn-requestid"

_log = logging.getLogger(__name__)


def fis_response(error: FisError) -> Response:
    """Return an error as AWS's REST-JSON protocol shapes it."""
    return JSONResponse(
        {"message": error.message},
        status_code=error.status,
        headers={"x-amzn-errortype": error.code},
    )


def install_error_handlers(app: FastAPI) -> None:
    """Answer what routers raise, and paths that no router knows."""

    async def known(_: Request, error: Exception) -> Response:
        if not isinstance(error, FisError):
            raise error
        return fis_response(error)

    async def unrouted(request: Request, _: Exception) -> Response:
        msg = (
            f"there is no operation {quote(request.method)} {quote(request.url.path)}; "
            "check the method, and that path labels are percent-encoded"
        )
        return fis_response(UnknownOperationError(msg))

    app.add_exception_handler(FisError, known)
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.add_exception_handler(status, unrouted)


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
                await fis_response(_answer(error, reference))(scope, receive, send_with_id)


def _answer(error: Exception, reference: str) -> FisError:
    if isinstance(error, exc.OperationalError | exc.TimeoutError):
        return UnavailableError(
            f"the bridge's database cannot be reached; try again (reference {reference})"
        )
    return InternalError(f"the bridge failed; its log has more under the reference {reference}")
