"""Ways into Azure: who makes a call, as which identity, and in which thread."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from providers.azure.clients import Clients, Request, load
from providers.azure.credentials import AKS, Identities
from providers.azure.errors import EXPIRED, refused, translated
from providers.azure.operations import Asked, Begun, Standing
from providers.azure.pipeline import Sender, origin
from providers.contract import Caller, Guard, ProviderError
from providers.refusals import RefusedError
from providers.threads import Threads

T = TypeVar("T")


class Connections:
    """The clients, tokens and threads of one process; its methods may be called from any thread."""

    def __init__(self, endpoint: str, threads: int) -> None:
        """Open nothing yet; ``threads`` is the number per subscription."""
        self.clients = Clients(endpoint)
        self._identities = Identities()
        self._threads = Threads("azure", threads)
        self._warm = False

    def warm_up(self) -> None:
        """Load the SDK in the background. Does nothing the second time."""
        if not self._warm:
            self._warm = True
            self._threads.submit("sdk", load)

    async def run(
        self,
        caller: Caller,
        guard: Guard | None,
        subscription: str,
        call: str,
        work: Callable[[Sender], T],
    ) -> T:
        """Do the work of one call in a thread of the subscription's.

        Raises FenceLostError when the guard stopped it before it left, else ProviderError.
        """
        return await self._threads.run(
            subscription, lambda: self._translated(caller, guard, call, work)
        )

    async def cluster_token(self, caller: Caller, *, renew: bool) -> str:
        """Return a token for AKS; with ``renew`` another than the last. Raises ProviderError."""

        def ask() -> str:
            if renew:
                self._identities.forget(caller.identity, AKS)
            with translated(caller, "a token for AKS"):
                return self._identities.token(caller.identity, AKS)

        return await self._threads.run("aks", ask)

    async def close(self) -> None:
        """Wait for the calls under way, drop those that have not begun, and disconnect."""
        await self._threads.close()
        self._identities.close()
        self.clients.close()

    def _translated(
        self, caller: Caller, guard: Guard | None, call: str, work: Callable[[Sender], T]
    ) -> T:
        with translated(caller, call):
            sender = Sender(guard, self._identities.token(caller.identity))
        try:
            with translated(caller, call, lambda: sender.doubtful):
                return work(sender)
        except ProviderError as error:
            if error.code == EXPIRED:
                self._identities.forget(caller.identity)
            raise


@dataclass(frozen=True)
class AzureSession:
    """One caller's way into Azure, for any subscription."""

    caller: Caller
    guard: Guard | None
    connections: Connections

    async def get(
        self, subscription: str, client: str, operation: str, *arguments: Any, **options: Any
    ) -> dict[str, Any]:
        """Make a call that answers at once, and return the answer in ARM's own JSON.

        ``await session.get(sub, "compute", "virtual_machines.get", "group", "name")``. Raises
        FenceLostError (nothing was sent), RefusedError, AccessDeniedError or TransientError;
        so do the other methods.
        """
        kept: list[Any] = []

        def keep(response: Any) -> None:
            kept.append(response.http_response)

        request = _request(client, operation, arguments, {**options, "raw_response_hook": keep})
        await self._run(
            subscription,
            str(request),
            lambda sender: self._clients.send(subscription, sender, request),
        )
        # One of the SDKs has answers that cannot read themselves as JSON.
        answer: dict[str, Any] = json.loads(kept[-1].text())
        return answer

    async def pages(
        self, subscription: str, client: str, operation: str, *arguments: Any, **options: Any
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Make a list call again and again until its last page; yield each page's items."""
        request = _request(client, operation, arguments, options)
        link: str | None = None
        while True:
            items, link = await self._run(
                subscription,
                str(request),
                partial(self._page, subscription, request, link),
            )
            yield items
            if link is None:
                return

    async def begin(
        self, subscription: str, client: str, operation: str, *arguments: Any, **options: Any
    ) -> Begun:
        """Make a call that may take time, and return at once where to ask for its end."""
        kept: list[Any] = []

        def keep(response: Any) -> None:
            kept.append(response.http_response)

        request = _request(
            client,
            f"{operation.partition('.')[0]}.begin_{operation.partition('.')[2]}",
            arguments,
            {**options, "polling": False, "raw_response_hook": keep},
        )
        await self._run(
            subscription,
            str(request),
            lambda sender: self._clients.send(subscription, sender, request),
        )
        begun = Begun.read(kept[-1])
        if begun.operation and not self._at_home(begun.operation["url"]):
            return Begun(None, begun.accepted, begun.body)
        return begun

    async def ask(self, subscription: str, operation: Mapping[str, str]) -> Asked:
        """Ask how an operation stands. One that may not be asked is unknown."""
        url = operation["url"]
        if not self._at_home(url):
            return Asked(Standing.UNKNOWN, {})
        call = "the status of an operation"

        def work(sender: Sender) -> Asked:
            response = self._clients.follow(subscription, sender, url)
            asked = Asked.read(response, operation["by"])
            if response.status_code in _NOT_TOLD:
                raise refused(asked.error, self.caller, call, status=response.status_code)
            return asked

        try:
            return await self._run(subscription, call, work)
        except RefusedError:
            return Asked(Standing.UNKNOWN, {})

    def meaning(self, asked: Asked, call: str) -> ProviderError:
        """Return what the error of an operation that failed late means, in our words."""
        return refused(asked.error, self.caller, call, status=_LATE)

    @property
    def _clients(self) -> Clients:
        return self.connections.clients

    def _page(
        self, subscription: str, request: Request, link: str | None, sender: Sender
    ) -> tuple[list[dict[str, Any]], str | None]:
        items, after = self._clients.page(subscription, sender, request, link)
        return items, after

    def _at_home(self, url: str) -> bool:
        return origin(url) == origin(self._clients.endpoint)

    async def _run(self, subscription: str, call: str, work: Callable[[Sender], T]) -> T:
        return await self.connections.run(self.caller, self.guard, subscription, call, work)


_NOT_TOLD = frozenset({401, 403, 408, 429, 500, 502, 503, 504})
"""Statuses that say nothing of the operation, only that it could not be asked."""
_LATE = 409
"""As which status the error of an operation that failed late is read."""


def _request(
    client: str, operation: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> Request:
    group, _, name = operation.partition(".")
    return Request(client, group, name, arguments, options)
