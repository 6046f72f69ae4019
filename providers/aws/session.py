"""Ways into AWS: who makes a call, as which role, and in which thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from providers.aws.clients import Clients, Request, Sender, botocore_session
from providers.aws.credentials import Chain, Role
from providers.aws.errors import EXPIRED, translated
from providers.contract import Caller, Guard, ProviderError
from providers.threads import Threads

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_ROLES: Final = 512
"""How many assumed roles are remembered; one more forgets the one used longest ago."""

T = TypeVar("T")


class Connections:
    """The clients, roles and threads of one process; its methods may be called from any thread."""

    def __init__(self, threads: int) -> None:
        """Open nothing yet; ``threads`` is the number per account."""
        self._threads = Threads("aws", threads)
        self._lock = threading.Lock()
        self._clients = Clients()
        self._chain = Chain(botocore_session)
        self._roles: OrderedDict[tuple[str, str, str], Role] = OrderedDict()

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
                with self._lock:
                    self._roles.pop(_role_key(caller), None)
            raise

    def _credentials(self, caller: Caller) -> ReadOnlyCredentials:
        with translated(caller, "sts", "AssumeRole"):
            if caller.identity is None:
                return self._chain.current()
            return self._role(caller).current()

    def _role(self, caller: Caller) -> Role:
        def assume() -> dict[str, Any]:
            # Assuming a role changes nothing in the world, so no guard: the role outlives a lease.
            sender = Sender(None, self._chain.current())
            parameters = {"RoleArn": caller.identity, "RoleSessionName": caller.name}
            request = Request("sts", "AssumeRole", parameters)
            return self._clients.send(caller.scope.region, sender, request)

        with self._lock:
            role = self._roles.pop(_role_key(caller), None) or Role(assume)
            self._roles[_role_key(caller)] = role
            if len(self._roles) > _ROLES:
                self._roles.popitem(last=False)
        return role


def _role_key(caller: Caller) -> tuple[str, str, str]:
    return (caller.scope.region, caller.identity or "", caller.name)


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
