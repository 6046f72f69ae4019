"""How a request leaves: the pipeline of every client, and the guard before each send.

What differs between calls, the token and the guard, belongs to the call: a context variable
holds them for the thread that makes it, and a client used outside of a call cannot send.

The pipeline is ours, not the SDK's default. That one registers a resource provider in the
user's subscription when Azure misses it, and waits for it without limit; it also follows
redirects. In ours, after the retry policy and so on every attempt, one policy checks the guard,
and that the request goes to Resource Manager: links in answers (``nextLink``, operations) are
requested with the token like anything else.

A call ends within a minute: two attempts of 5 s to connect and 20 s to read, and at most 6 s
between them. azure-core repeats a GET, PUT or DELETE after 408, 429, 500, 502, 503, 504 and a
lost connection; a POST or PATCH after 500, 503 and 504 only, and never after a lost reply. An
answer with ``Retry-After`` it repeats whatever the method, and after that pause: where Azure
asks for a longer one than a call may last, the call fails instead and the engine comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from providers.contract import Guard, ProviderError

CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 20
RETRIES: Final = 1
LONGEST_PAUSE: Final = 6
"""Seconds, seconds, how often a request is sent again, and seconds before that."""

_CONNECTIONS: Final = 64
"""Connections kept open; above the usual number of threads of all subscriptions."""
_REFUSED: Final = 400
_SERVER_FAULT: Final = 500
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


T = TypeVar("T")


@dataclass
class Sender:
    """On whose account a thread is sending, and until when it may."""

    guard: Guard | None
    token: str
    lost: int = 0
    """Attempts so far of which nobody knows whether they were carried out."""
    attempts: int = 0

    @property
    def doubtful(self) -> bool:
        """Whether an attempt before the last may have been carried out."""
        return self.lost > 0 and self.attempts > 1


_sender: ContextVar[Sender] = ContextVar("_sender")


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL: what a token belongs to."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def sending(sender: Sender, work: Callable[[], T]) -> T:
    """Do what sends on a sender's account, in this thread. Raises what ``work`` raises."""
    token = _sender.set(sender)
    try:
        return work()
    finally:
        _sender.reset(token)


def transport() -> Any:
    """Return what carries the requests of all clients of a process."""
    from azure.core.pipeline.transport import RequestsTransport
    from requests import Session
    from requests.adapters import HTTPAdapter

    session = Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return RequestsTransport(
        session=session, connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT
    )


def policies(endpoint: str) -> list[Any]:
    """Return a pipeline to Resource Manager at ``endpoint``; each client needs its own."""
    from azure.core.exceptions import ServiceResponseError
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.pipeline.policies import (
        ContentDecodePolicy,
        CustomHookPolicy,
        HeadersPolicy,
        HTTPPolicy,
        ProxyPolicy,
        RequestIdPolicy,
        RetryPolicy,
        UserAgentPolicy,
    )

    home = origin(endpoint)

    class Patience(RetryPolicy[Any, Any]):
        """The SDK's own, which does not wait longer than a call may last."""

        def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
            if (self.get_retry_after(response) or 0) > LONGEST_PAUSE:
                return False
            return bool(super().is_retry(settings, response))

    class OfTheSender(HTTPPolicy[Any, Any]):
        """Sends with the sender's token, while the sender may."""

        def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
            sender = _sender.get()
            if origin(request.http_request.url) != home:
                raise ProviderError(
                    "Azure answered with a link to somewhere else than Resource Manager; it was "
                    "not followed, since the token would have gone there.",
                    code="ForeignLink",
                )
            if sender.guard is not None:
                sender.guard.check()
            request.http_request.headers["Authorization"] = f"Bearer {sender.token}"
            sender.attempts += 1
            try:
                response = self.next.send(request)
            except ServiceResponseError:
                sender.lost += 1
                raise
            answer = response.http_response
            if answer.status_code >= _SERVER_FAULT:
                sender.lost += 1
            if answer.status_code >= _REFUSED and hasattr(answer, "read"):
                # The retry policy drops it unread, and the connection would stay open with it.
                answer.read()
            return response

    return [
        RequestIdPolicy(),
        HeadersPolicy(),
        UserAgentPolicy(base_user_agent="faultbridge"),
        ProxyPolicy(),
        ContentDecodePolicy(),
        Patience(retry_total=RETRIES, retry_backoff_factor=1.0, retry_backoff_max=LONGEST_PAUSE),
        OfTheSender(),
        CustomHookPolicy(),
    ]
