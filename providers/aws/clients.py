"""The SDK's clients: one per service and Region for every caller, and the guard before each send.

Building an EC2 client costs milliseconds and megabytes, and its connections stay open from one
run to the next, so callers share it. What differs between calls, the credentials that sign and
the guard, belongs to the call: a context variable holds them for the thread that makes it, and
a client used outside of a call cannot sign at all.

A call ends within a minute: two attempts of 5 s to connect and 20 s to read, and at most 6 s
between them (botocore's backoff, with 5 s more at most when the service asks for a pause).
"""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from providers.aws import models
from providers.contract import Guard

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from botocore.session import Session as BotocoreSession

CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 20
ATTEMPTS: Final = 2
"""Seconds, seconds, and how often a request is sent in all."""

_CONNECTIONS: Final = 64
"""Connections kept open by one client; above the usual number of threads of all accounts."""


@dataclass(frozen=True)
class Request:
    """One call of an API, by the API's own names."""

    service: str
    operation: str
    parameters: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    """Whether the answer is read with all its attributes (see ``models``)."""


@dataclass(frozen=True)
class Sender:
    """On whose account a thread is sending, and until when it may."""

    guard: Guard | None
    credentials: ReadOnlyCredentials


_sender: ContextVar[Sender] = ContextVar("_sender")


def _check_guard(**_: object) -> None:
    guard = _sender.get().guard
    if guard is not None:
        guard.check()


def botocore_session(loader: Any = None) -> BotocoreSession:
    """Open one of botocore's own sessions, with the standard credential chain."""
    from botocore.session import Session

    # At DEBUG it writes out what STS answers, and the headers of every request.
    log = logging.getLogger("botocore")
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)
    session = Session()
    session.register_component("data_loader", loader or models.whole())
    return session


def _shared_session(loader: Any) -> BotocoreSession:
    """Open a session whose clients sign for whoever is sending."""
    from botocore.credentials import Credentials

    class OfTheSender(Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            return _sender.get().credentials

    class Source:
        def load_credentials(self) -> Credentials:
            return OfTheSender("of", "the sender")

    session = botocore_session(loader)
    session.register_component("credential_provider", Source())
    return session


class Clients:
    """The clients of one process; its methods may be called from any thread."""

    def __init__(self) -> None:
        """Build nothing yet."""
        # botocore does not allow two threads to build from one session at once.
        self._building = threading.Lock()
        self._sessions: dict[bool, BotocoreSession] = {}
        self._clients: dict[tuple[str, str, bool], Any] = {}

    def send(self, region: str, sender: Sender, request: Request) -> dict[str, Any]:
        """Make one call and return the answer.

        Raises FenceLostError when the guard stopped an attempt, else the SDK's exceptions.
        """
        from botocore import xform_name

        client = self.get(request.service, region, whole=request.whole)
        token = _sender.set(sender)
        try:
            method = getattr(client, xform_name(request.operation))
            answer: dict[str, Any] = method(**request.parameters)
        finally:
            _sender.reset(token)
        return answer

    def has(self, service: str, region: str) -> bool:
        """Say whether a client has been built already."""
        return (service, region, False) in self._clients

    def get(self, service: str, region: str, *, whole: bool = False) -> Any:
        """Return a client, built now if this is the first use."""
        key = (service, region, whole)
        if key not in self._clients:
            with self._building:
                if key not in self._clients:
                    self._clients[key] = self._built(service, region, whole=whole)
        return self._clients[key]

    def close(self) -> None:
        """Disconnect them all."""
        with self._building:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _built(self, service: str, region: str, *, whole: bool) -> Any:
        from botocore.config import Config

        if whole not in self._sessions:
            self._sessions[whole] = _shared_session(models.whole() if whole else models.Cut())
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=_CONNECTIONS,
        )
        client = self._sessions[whole].create_client(service, region_name=region, config=config)
        client.meta.events.register("before-send", _check_guard)
        return client
