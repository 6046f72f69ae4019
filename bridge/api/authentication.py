"""Who makes a request: found out before any router sees it, at one place for every dialect.

The principal is then at ``request.scope["principal"]``. Requests to the open paths have none
where the bridge asks who is calling: those tell nothing, or ask for a token of their own.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.refusals import is_native, refusal
from bridge.dialects.fis.errors import (
    ExpiredError,
    FisError,
    IncompleteError,
    MissingTokenError,
    SignatureError,
    ThrottlingError,
    UnavailableError,
    UnknownClientError,
)
from iam.attempt import Attempt
from iam.authentication import Authentication
from iam.principal import LOCAL, SCOPE_KEY
from iam.refusals import (
    AuthenticationError,
    CannotTellError,
    NotAuthenticatedError,
    Reason,
    TooManyError,
)

OPEN: Final = frozenset({("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/v1/signals")})
"""Method and path, as sent, of what answers without a principal."""

_FIS_ERRORS: Final[Mapping[Reason, type[FisError]]] = {
    Reason.MISSING: MissingTokenError,
    Reason.INCOMPLETE: IncompleteError,
    Reason.SIGNATURE: SignatureError,
    Reason.UNKNOWN: UnknownClientError,
    Reason.EXPIRED: ExpiredError,
}
_CHALLENGE: Final = 'Bearer realm="faultbridge"'
_RETRY_UNAVAILABLE: Final = "5"

_log = logging.getLogger(__name__)


class WhoCalls:
    """Gives each request its principal, or refuses it in the words of its dialect."""

    def __init__(self, app: ASGIApp, authentication: Authentication | None) -> None:
        """Wrap an application; without authentication everybody is ``local``."""
        self._app = app
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._authentication is None:
            await self._app({**scope, SCOPE_KEY: LOCAL}, receive, send)
            return
        if (scope["method"], scope["path"]) in OPEN:
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        address = scope["client"][0] if scope.get("client") else None
        try:
            principal = await self._authentication.principal(_attempt(scope, body), address)
        except AuthenticationError as error:
            _log.warning("refused a request of %s: %s", address, _kind(error))
            await _refusal(scope["path"], error)(scope, receive, send)
            return
        except FisError as error:  # the body is too large
            await refusal(scope["path"], error)(scope, receive, send)
            return
        await self._app({**scope, SCOPE_KEY: principal}, body.replayed, send)


class _Body:
    """A request's body, read once before the application and given to it again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: bytes | None = None

    async def read(self) -> bytes:
        """Return the whole body."""
        parts = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._read = b"".join(parts)
                return self._read

    async def replayed(self) -> Message:
        """Answer the application as the server would have."""
        if self._read is None:
            return await self._receive()
        body, self._read = self._read, None
        return {"type": "http.request", "body": body, "more_body": False}


def _attempt(scope: Scope, body: _Body) -> Attempt:
    headers = tuple((_text(name).lower(), _text(value)) for name, value in scope["headers"])
    return Attempt(
        method=scope["method"],
        path=scope["path"],  # as it was sent: `Limits` sees to that
        query=_text(scope["query_string"]),
        headers=headers,
        body=body.read,
    )


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _kind(error: AuthenticationError) -> str:
    """What the log says: never the text, which may quote what was sent."""
    if isinstance(error, NotAuthenticatedError):
        return f"{type(error).__name__} ({error.reason})"
    return type(error).__name__


def _refusal(path: str, error: AuthenticationError) -> Response:
    known = _as_fis(error)
    answer = refusal(path, known)
    if isinstance(error, TooManyError):
        answer.headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    elif isinstance(error, CannotTellError):
        answer.headers["Retry-After"] = _RETRY_UNAVAILABLE
    elif is_native(path):
        more = "" if isinstance(known, MissingTokenError) else ', error="invalid_token"'
        answer.headers["WWW-Authenticate"] = _CHALLENGE + more
    return answer


def _as_fis(error: AuthenticationError) -> FisError:
    if isinstance(error, NotAuthenticatedError):
        return _FIS_ERRORS[error.reason](str(error))
    return (ThrottlingError if isinstance(error, TooManyError) else UnavailableError)(str(error))
