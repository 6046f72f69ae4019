"""Ways into AWS: who makes a call, as which role, and in which thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bridge.settings import Settings
from providers.aws.assuming import Step, steps
from providers.aws.clients import Clients, Request, Sender, botocore_session
from providers.aws.credentials import Chain, Role
from providers.aws.errors import EXPIRED, translated
from providers.contract import Caller, Guard, ProviderError
from providers.threads import Threads

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_ROLES: Final = 512
"""How many assumed roles are remembered; one more forgets the one used longest ago."""

_RoleKey = tuple[str, tuple[Step, ...]]

T = TypeVar("T")


class Connections:
    """The clients, roles and threads of one process; its methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._threads = Threads("aws", settings.cloud_threads)
        self._lock = threading.Lock()
        self._clients = Clients()
        self._chain = Chain(botocore_session)
        self._roles: OrderedDict[_RoleKey, Role] = OrderedDict()

    def warm_up(self, account: str, region: str) -> None:
        """Load what a run needs first, in the background. Does nothing the second time."""
        if not self._clients.has("ec2", region):
            for service in ("sts", "ec2"):
                self._threads.submit(account, partial(self._clients.get, service, region))

    async def call(self, caller: Caller, guard: Guard | None, request: Request) -> dict[str, Any]:
        """Make one call in a thread of the account's.

        Raises FenceLostError when the guard stopped it before it left, else ProviderError.
        """
        return await self._in_thread(caller, lambda: self._send(caller, guard, request))

    async def credentials(self, caller: Caller) -> ReadOnlyCredentials:
        """Return the caller's credentials as they are now. Raises ProviderError."""
        return await self._in_thread(caller, lambda: self._credentials(caller))

    async def close(self) -> None:
        """Wait for the calls under way, drop those that have not begun, and disconnect."""
        await self._threads.close()
        self._clients.close()

    async def _in_thread(self, caller: Caller, work: Callable[[], T]) -> T:
        return await self._threads.run(caller.scope.account, work)

    def _send(self, caller: Caller, guard: Guard | None, request: Request) -> dict[str, Any]:
        sender = Sender(guard, self._credentials(caller))
        try:
            with translated(caller, request.service, request.operation):
                return self._clients.send(caller.scope.region, sender, request)
        except ProviderError as error:
            if error.code in EXPIRED:
                self._forget(caller)
            raise

    def _credentials(self, caller: Caller) -> ReadOnlyCredentials:
        return self._as(caller, steps(self._settings, caller))

    def _as(self, caller: Caller, chain: tuple[Step, ...]) -> ReadOnlyCredentials:
        """Return the credentials of the last role of a chain, those before it being assumed."""
        if not chain:
            with translated(caller, "sts", "AssumeRole"):
                return self._chain.current()
        *before, last = chain
        via = tuple(before)
        assumer = via[-1].role if via else None
        with translated(replace(caller, identity=last.role), "sts", "AssumeRole", assumer):
            return self._role(caller, via, last).current()

    def _role(self, caller: Caller, via: tuple[Step, ...], last: Step) -> Role:
        def assume() -> dict[str, Any]:
            # Assuming a role changes nothing in the world, so no guard: the role outlives a lease.
            sender = Sender(None, self._as(caller, via))
            request = Request("sts", "AssumeRole", last.request)
            return self._clients.send(caller.scope.region, sender, request)

        key = (caller.scope.region, (*via, last))
        with self._lock:
            role = self._roles.pop(key, None) or Role(assume)
            self._roles[key] = role
            if len(self._roles) > _ROLES:
                self._roles.popitem(last=False)
        return role

    def _forget(self, caller: Caller) -> None:
        """Assume a caller's role again the next time, and those on the way to it."""
        chain = steps(self._settings, caller)
        with self._lock:
            for end in range(1, len(chain) + 1):
                self._roles.pop((caller.scope.region, chain[:end]), None)


@dataclass(frozen=True)
class AwsSession:
    """One caller's way into AWS, for one account and Region."""

    caller: Caller
    guard: Guard | None
    connections: Connections

    async def call(
        self, service: str, operation: str, *, whole: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        """Make one call: ``await session.call("ec2", "StopInstances", InstanceIds=[…])``.

        Of instances the few attributes are read that faults need, all of them with ``whole``.
        Raises FenceLostError (nothing was sent), RefusedError, AccessDeniedError or
        TransientError.
        """
        request = Request(service, operation, parameters, whole)
        return await self.connections.call(self.caller, self.guard, request)

    async def pages(
        self, service: str, operation: str, *, whole: bool = False, **parameters: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Make a call again and again until its last page (``NextToken``)."""
        token: str | None = None
        while token is None or token:
            more = {"NextToken": token} if token else {}
            answer = await self.call(service, operation, whole=whole, **parameters, **more)
            yield answer
            token = answer.get("NextToken", "")

    async def credentials(self) -> ReadOnlyCredentials:
        """Return the caller's credentials, to sign what no client sends (an EKS token)."""
        return await self.connections.credentials(self.caller)
