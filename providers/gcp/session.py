"""Ways into Google Cloud: who makes a call, as which service account, and in which thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.settings import Settings
from providers.chains import through
from providers.contract import Caller, Guard
from providers.gcp.clients import Body, Clients, Request, Sender
from providers.gcp.credentials import Tokens, impersonated, own
from providers.gcp.errors import translated
from providers.gcp.rest import Call, send
from providers.threads import Threads

_ACCOUNTS: Final = 512
"""How many service accounts' tokens are remembered; one more forgets the one used longest ago."""
_NOBODY: Final = "-"
"""The pool of threads for what is of no project."""


class Connections:
    """The clients, tokens and threads of one process; methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._threads = Threads("gcp", settings.cloud_threads)
        self._endpoint = settings.gcp_endpoint
        self._delegates = settings.gcp_delegates
        self._clients = Clients(settings.gcp_endpoint)
        self._lock = threading.Lock()
        self._own: Tokens | None = None
        self._acting: OrderedDict[str, Tokens] = OrderedDict()

    def warm_up(self) -> None:
        """Load the SDK, which takes a second, in the background. Does nothing the second time."""
        if not self._clients.has("instances"):
            self._threads.submit(_NOBODY, lambda: self._clients.get("instances"))

    async def call(self, caller: Caller, guard: Guard | None, request: Request) -> Any:
        """Make one call in a thread of the project's.

        Raises FenceLostError when the guard stopped it before it left, else ProviderError.
        """

        def send() -> Any:
            sender = Sender(guard, self._tokens(caller))
            with translated(caller, f"compute.{request.kind}.{request.method}"):
                return self._clients.send(sender, request)

        return await self._threads.run(request.parameters.get("project", _NOBODY), send)

    async def ask(
        self, caller: Caller, guard: Guard | None, project: str, call: Call
    ) -> dict[str, Any]:
        """Make one call of another API than Compute Engine's. Raises as ``call``."""

        def asked() -> dict[str, Any]:
            with translated(caller, str(call)):
                return send(self._tokens(caller), guard, self._endpoint, call)

        return await self._threads.run(project, asked)

    async def token(self, caller: Caller, *, renew: bool) -> str:
        """Return an access token of the caller's, for what no client sends. Raises ProviderError.

        With ``renew`` it is another one than the last.
        """

        def current() -> str:
            tokens = self._tokens(caller)
            if renew:
                tokens.reject(tokens.current())
            return tokens.current()

        return await self._threads.run(_NOBODY, current)

    async def close(self) -> None:
        """Wait for the calls under way, drop those that have not begun, and disconnect."""
        await self._threads.close()
        self._clients.close()

    def _tokens(self, caller: Caller) -> Tokens:
        with self._lock:
            self._own = self._own or own(replace(caller, identity=None))
            if caller.identity is None:
                return self._own
            known = self._acting.pop(caller.identity, None)
            tokens = known or impersonated(
                caller, self._own, self._endpoint, through(self._delegates, caller.identity)
            )
            self._acting[caller.identity] = tokens
            if len(self._acting) > _ACCOUNTS:
                self._acting.popitem(last=False)
        return tokens


@dataclass(frozen=True)
class GcpSession:
    """One caller's way into Google Cloud, for every project that it may reach."""

    caller: Caller
    guard: Guard | None
    connections: Connections

    async def call(
        self, kind: str, method: str, body: Body | None = None, /, **parameters: Any
    ) -> dict[str, Any]:
        """Make one call: ``await session.call("instances", "stop", project=…, zone=…, …)``.

        Parameters have the SDK's names, the answer is Google's own JSON. Raises FenceLostError
        (nothing was sent), RefusedError, AccessDeniedError or TransientError.
        """
        request = Request(kind, method, parameters, body)
        answer: dict[str, Any] = await self.connections.call(self.caller, self.guard, request)
        return answer

    async def ask(self, project: str, call: Call) -> dict[str, Any]:
        """Make one call of Resource Manager or IAM, about a project. Raises as ``call``."""
        return await self.connections.ask(self.caller, self.guard, project, call)

    async def listed(self, kind: str, method: str = "list", /, **parameters: Any) -> list[Any]:
        """Make a call that lists, and return what is on all its pages. Raises as ``call``."""
        request = Request(kind, method, parameters)
        found: list[Any] = await self.connections.call(self.caller, self.guard, request)
        return found
