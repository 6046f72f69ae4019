"""Requests to one API server, in JSON: time limits, refusals, and the guard of the run.

Built on the transport of the official client (its asynchronous half); the generated models are
left out, since a custom resource has none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from providers.contract import AccessDeniedError, Guard, ProviderError, TransientError
from providers.kubernetes.impersonation import ClusterIdentity
from providers.kubernetes.redirects import staying

if TYPE_CHECKING:
    from aiohttp import ClientRequest, StreamReader
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.client.rest import RESTClientObject, RESTResponse

CONNECT_LIMIT: Final = 5.0
"""Seconds until a connection must stand."""
READ_LIMIT: Final = 20.0
"""Seconds of silence after which an answer no longer comes."""
MOST_REQUESTS: Final = 8
"""Requests to one API server at a time; its own limits on one client are of that order."""

_MESSAGE_LENGTH: Final = 300
_ERROR: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500

_guard: ContextVar[Guard | None] = ContextVar("guard of the request being sent", default=None)


class ApiError(ProviderError):
    """The API server refused a request: certainly not carried out."""

    def __init__(
        self, status: int, reason: str, message: str, body: Mapping[str, Any] | None = None
    ) -> None:
        """Keep HTTP status and the machine-readable reason beside the server's sentence."""
        super().__init__(message, code=reason or str(status))
        self.status = status
        self.body = body or {}
        """The whole ``Status``, whose message is not cut."""


class DeniedError(ApiError, AccessDeniedError):
    """401 (unknown to the cluster) or 403 (known, but not allowed)."""


@dataclass(frozen=True)
class Answer:
    """What the API server answered."""

    body: dict[str, Any]
    now: datetime
    """The server's own time, so that a bridge with a wrong clock still judges ages rightly."""


class ApiServer:
    """The connections to one API server, shared by every identity that speaks with it."""

    def __init__(self, name: str, configuration: Configuration) -> None:
        """Take the endpoint, the CA and perhaps a client certificate; nothing is opened yet.

        ``name`` is what messages call the cluster. Call it where blocking is allowed: it reads
        the certificates.
        """
        from aiohttp import ClientTimeout
        from kubernetes.aio.client.rest import RESTClientObject

        self.name = name
        self.endpoint = configuration.host
        configuration.connection_pool_maxsize = 0  # watches hold theirs; requests take turns below
        configuration.retries = None
        # Python 3.13 refuses certificates that older EKS clusters have (no key identifier).
        configuration.disable_strict_ssl_verification = True
        # The transport would look into ~/.netrc as well, and then refuse our own header.
        configuration.proxy = configuration.proxy or _proxy(configuration.host)
        configuration.client_session_kwargs = {
            "request_class": _guarded_request(),
            "trust_env": False,
            "trace_configs": [staying(name)],
        }
        # One request must end within the time that the engine allows for a call to take effect.
        self._limit = ClientTimeout(
            total=CONNECT_LIMIT + 2 * READ_LIMIT, connect=CONNECT_LIMIT, sock_read=READ_LIMIT
        )
        self._stream_limit = ClientTimeout(total=None, connect=CONNECT_LIMIT)
        self._turns = asyncio.Semaphore(MOST_REQUESTS)
        self._configuration = configuration
        self._rest: RESTClientObject = RESTClientObject(configuration)

    async def request(
        self,
        method: str,
        path: str,
        *,
        authorization: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        guard: Guard | None = None,
        impersonated: ClusterIdentity | None = None,
    ) -> Answer:
        """Send one request. ``guard`` is checked when a connection stands, before the first byte.

        ``impersonated`` is as whom it counts in the cluster, where not as its sender.

        Raises DeniedError, ApiError (both: certainly not carried out), TransientError, and
        FenceLostError of the guard.
        """
        async with self._turns:
            token = _guard.set(guard)
            try:
                response = await self._send(
                    method,
                    path,
                    query,
                    authorization,
                    body=body,
                    content_type=content_type,
                    impersonated=impersonated,
                )
                data = await self._reading(response.read())
            finally:
                _guard.reset(token)
        return Answer(self._judge(response.status, data), _server_time(response))

    async def stream(
        self,
        path: str,
        *,
        authorization: str,
        query: Mapping[str, str],
        silence: float,
        impersonated: ClusterIdentity | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the lines of a watch until the server ends it.

        ``silence`` is how many seconds may pass without a line. Raises as ``request`` does.
        """
        response = await self._send(
            "GET",
            path,
            query,
            authorization,
            limit=self._stream_limit,
            impersonated=impersonated,
        )
        try:
            if response.status >= _ERROR:
                self._judge(response.status, await self._reading(response.read()))
            while line := await self._reading(_within(silence, response.response.content)):
                event = _json_object(line)
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    self._judge(int(status.get("code") or _SERVER_ERROR), json.dumps(status))
                yield event
        finally:
            response.response.close()

    def same_place(self, other: ApiServer) -> bool:
        """Whether the other would connect in the same way, so that these connections serve."""
        mine, its = self._configuration, other._configuration
        return all(
            getattr(mine, name) == getattr(its, name)
            for name in ("host", "ca_cert_data", "ssl_ca_cert", "tls_server_name", "cert_file")
        )

    async def close(self) -> None:
        """Close every connection; TLS ones are waited for."""
        await self._rest.close()

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        authorization: str,
        *,
        body: object = None,
        content_type: str = "application/json",
        limit: object = None,
        impersonated: ClusterIdentity | None = None,
    ) -> RESTResponse:
        from multidict import CIMultiDict

        headers = CIMultiDict({"Accept": "application/json", "Content-Type": content_type})
        if impersonated is not None:
            headers.extend(impersonated.headers())  # a group has a header of its own each
        if authorization:
            headers["Authorization"] = authorization
        url = self.endpoint + path + (f"?{urlencode(query)}" if query else "")
        sending = self._rest.request(
            method, url, headers=headers, body=body, _request_timeout=limit or self._limit
        )
        response: RESTResponse = await self._reading(sending)
        return response

    async def _reading(self, answer: Any) -> Any:
        from aiohttp import ClientConnectorCertificateError, ClientError

        try:
            return await answer
        except ClientConnectorCertificateError as error:
            raise ProviderError(
                f"the certificate of {self.endpoint} is not one that cluster {self.name} "
                f"announces: {error.certificate_error}",
                code="Certificate",
            ) from None
        except TimeoutError:
            raise TransientError(
                f"cluster {self.name} did not answer in time", code="Timeout"
            ) from None
        except (ClientError, OSError, ValueError) as error:  # ValueError: an endless line
            raise TransientError(
                f"cluster {self.name} cannot be reached: {_one_line(str(error))}",
                code=type(error).__name__,
            ) from None

    def _judge(self, status: int, data: bytes | str) -> dict[str, Any]:
        answer = _json_object(data)
        if status < _ERROR:
            return answer
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        message = _one_line(str(answer.get("message") or text)) or "no reason was given"
        reason = str(answer.get("reason") or "")
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            raise TransientError(
                f"cluster {self.name} answered {status}: {message}", code=reason or str(status)
            )
        kind = DeniedError if status in (_UNAUTHORIZED, _FORBIDDEN) else ApiError
        raise kind(status, reason, message, answer)


def _guarded_request() -> type[ClientRequest]:
    from aiohttp import ClientRequest

    class GuardedRequest(ClientRequest):
        """Asks the guard once per attempt, when the connection stands and nothing was sent.

        The transport repeats a DELETE whose kept-alive connection was closed under it.
        """

        async def send(self, conn: Any) -> Any:
            guard = _guard.get()
            if guard is not None:
                guard.check()
            return await super().send(conn)

    return GuardedRequest


async def _within(seconds: float, content: StreamReader) -> bytes:
    # Not wait_for: in Python 3.11 it loses a cancellation that meets an arriving line.
    async with asyncio.timeout(seconds):
        return await content.readline()


def _proxy(endpoint: str) -> str | None:
    """The proxy that the environment names for https, unless it excepts this host."""
    host = urlsplit(endpoint).hostname or ""
    return None if proxy_bypass(host) else getproxies().get("https")


def _server_time(response: RESTResponse) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _json_object(data: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MESSAGE_LENGTH else line[: _MESSAGE_LENGTH - 1] + "…"
