"""Refusals in the shape of RFC 9457, whatever their origin."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.api.authorization import access_of
from bridge.client.documents import ProblemDocument
from bridge.dialects.fis.errors import FisError
from bridge.model.problem import Problem
from bridge.model.wording import child


class RefusalError(Exception):
    """A request is refused; nothing was changed."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        problems: Sequence[Problem] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep status, reason with mend, the problems that were found, and headers to send."""
        super().__init__(detail)
        self.status = status
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


def not_found(detail: str) -> RefusalError:
    """Return the refusal of something that does not exist."""
    return RefusalError(HTTPStatus.NOT_FOUND, detail)


def conflict(detail: str) -> RefusalError:
    """Return the refusal of something that contradicts what is."""
    return RefusalError(HTTPStatus.CONFLICT, detail)


def invalid(problems: Sequence[Problem]) -> RefusalError:
    """Return the refusal of a document or a query with everything that is wrong with it."""
    detail = "; ".join(str(problem) for problem in problems[:3])
    more = len(problems) - 3
    if more > 0:
        detail += f" … and {more} more"
    return RefusalError(HTTPStatus.BAD_REQUEST, detail, problems)


def problems_of(error: ValidationError | RequestValidationError) -> list[Problem]:
    """Return what Pydantic found, in our words."""
    found = []
    for one in error.errors():
        where = [part for part in one["loc"] if part not in {"query", "body", "path"}]
        path = ""
        for part in where:
            path = child(path, part)
        message = one["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if one["type"] == "extra_forbidden":
            message = "is not known here; remove it"
        elif one["type"] == "missing":
            message = "is required; add it"
        found.append(Problem(path=path, message=message))
    return found


def problem_response(status: int, detail: str, problems: Sequence[Problem] = ()) -> JSONResponse:
    """Return a problem document as a response."""
    document = ProblemDocument(
        title=HTTPStatus(status).phrase, status=status, detail=detail, problems=tuple(problems)
    )
    return JSONResponse(document.wire(), status_code=status, media_type=ProblemDocument.MEDIA_TYPE)


class ProblemRoute(APIRoute):
    """A route that answers what its handler, or the reading of its request, refuses."""

    is_open = False
    """Whether anybody may call it, known or not: it asks for no right."""

    async def _handled(
        self, handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
    ) -> Response:
        answer = await handle(request)
        if not self.is_open:
            access_of(request).require_asked()
        return answer

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler that FastAPI makes."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await self._handled(handle, request)
            except RefusalError as error:
                answer = problem_response(error.status, str(error), error.problems)
                answer.headers.update(error.headers)
                return answer
            except RequestValidationError as error:
                refusal = invalid(problems_of(error))
                return problem_response(refusal.status, str(refusal), refusal.problems)
            except FisError as error:
                return problem_response(error.status, error.message)

        return answered


class OpenRoute(ProblemRoute):
    """A route that asks for no right: of health, or with tokens of its own."""

    is_open = True
