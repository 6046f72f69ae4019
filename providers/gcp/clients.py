"""The SDK's clients: one per kind of resource for every caller, and the guard before each send.

Importing the SDK takes more than a second and a client keeps its connections open, so callers
share them. What differs between calls, the token and the guard, belongs to the call: a context
variable holds them for the thread that makes it, and a client used outside of a call cannot
authenticate at all.

A call ends within a minute: an attempt takes at most 5 s to connect and 15 s to read, and none
begins later than 30 s after the first. Every change carries a ``requestId`` or a fingerprint, so
that the SDK may repeat it although an earlier attempt may have been carried out.
"""

from __future__ import annotations

import json
import re
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from providers.contract import Guard
from providers.gcp.credentials import Tokens
from providers.gcp.errors import too_often

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 15
LAST_ATTEMPT: Final = 30
"""Seconds, seconds, and seconds after the first attempt when the last one may begin."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0
"""Seconds between two attempts at most: at first, and in the end."""

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class Body:
    """The body of a request: the SDK's parameter and message for it, and Google's own JSON."""

    parameter: str
    message: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One call, by the API's own names: ``instances`` and ``stop``."""

    kind: str
    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    body: Body | None = None


@dataclass
class Sender:
    """On whose account a thread is sending, and until when it may."""

    guard: Guard | None
    tokens: Tokens
    token: str = ""
    """What the present attempt carries."""


_sender: ContextVar[Sender] = ContextVar("_sender")


def _of_the_sender() -> Credentials:
    from google.auth.credentials import Credentials

    class OfTheSender(Credentials):
        """Asked before every attempt, for a token of whoever is sending in this thread."""

        def before_request(
            self,
            request: Any,  # noqa: ARG002 - tokens are fetched by a transport of their own
            method: str,  # noqa: ARG002 - the same token for each
            url: str,  # noqa: ARG002 - the same token for each
            headers: dict[str, str],
        ) -> None:
            sender = _sender.get()
            sender.token = sender.tokens.current()
            headers["authorization"] = f"Bearer {sender.token}"
            # Last: fetching a token may have taken longer than the lease.
            if sender.guard is not None:
                sender.guard.check()

        def refresh(self, request: Any) -> None:  # noqa: ARG002 - the next attempt fetches
            # Google answered 401, as it does when a token was revoked.
            sender = _sender.get()
            sender.tokens.reject(sender.token)

    return OfTheSender()  # type: ignore[no-untyped-call] # google-auth annotates half of itself


def _worth_repeating(error: BaseException) -> bool:
    from google.api_core.exceptions import (
        BadGateway,
        GatewayTimeout,
        InternalServerError,
        ServiceUnavailable,
    )
    from requests.exceptions import ChunkedEncodingError, Timeout
    from requests.exceptions import ConnectionError as Disconnected

    lost = (ChunkedEncodingError, Disconnected, Timeout)
    failed = (BadGateway, GatewayTimeout, InternalServerError, ServiceUnavailable)
    return isinstance(error, lost + failed) or too_often(error)


class Clients:
    """The clients of one process; its methods may be called from any thread."""

    def __init__(self, endpoint: str) -> None:
        """Build nothing yet; ``endpoint`` is where Google answers if not at Google, else empty."""
        self._endpoint = endpoint
        self._building = threading.Lock()
        self._clients: dict[str, Any] = {}

    def send(self, sender: Sender, request: Request) -> Any:
        """Make one call and return the answer as Google's own JSON; a list with all its pages.

        Raises FenceLostError when the guard stopped an attempt, else the SDK's exceptions.
        """
        from google.api_core.retry import Retry
        from google.api_core.timeout import ConstantTimeout
        from google.cloud import compute_v1

        client = self.get(request.kind)
        name = _WORD.sub("_", request.method).lower()
        method = getattr(client, f"{name}_unary", None) or getattr(client, name)
        given = dict(request.parameters)
        if body := request.body:
            content = json.dumps(body.content)
            given[body.parameter] = getattr(compute_v1, body.message).from_json(content)
        retry = Retry(
            predicate=_worth_repeating,
            initial=FIRST_PAUSE,
            maximum=LONGEST_PAUSE,
            timeout=LAST_ATTEMPT,
        )
        timeout = ConstantTimeout((CONNECT_TIMEOUT, READ_TIMEOUT))  # type: ignore[no-untyped-call] # google-auth and api-core annotate half of themselves
        token = _sender.set(sender)
        try:
            answer = method(request=given, retry=retry, timeout=timeout)
            if "list" in name:
                return [_json(one) for one in answer]
        finally:
            _sender.reset(token)
        return _json(answer)

    def has(self, kind: str) -> bool:
        """Say whether a client has been built already."""
        return kind in self._clients

    def get(self, kind: str) -> Any:
        """Return a client, built now if this is the first use."""
        if kind not in self._clients:
            with self._building:
                if kind not in self._clients:
                    self._clients[kind] = self._built(kind)
        return self._clients[kind]

    def close(self) -> None:
        """Disconnect them all."""
        with self._building:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.transport.close()

    def _built(self, kind: str) -> Any:
        from google.cloud import compute_v1

        client = getattr(compute_v1, f"{kind[0].upper()}{kind[1:]}Client")
        options = {"api_endpoint": self._endpoint} if self._endpoint else None
        return client(credentials=_of_the_sender(), client_options=options)


def _json(message: Any) -> Any:
    """Return a message of the SDK as Google's JSON; an aggregated list yields pairs."""
    if isinstance(message, tuple):
        return message[0], _json(message[1])
    return type(message).to_dict(
        message,
        preserving_proto_field_name=False,
        use_integers_for_enums=False,
        always_print_fields_with_no_presence=False,
    )
