"""Every error in the shape that FIS's clients read, whatever its origin."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from bridge.dialects.fis.errors import FisError, UnknownOperationError
from bridge.model.wording import quote


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
