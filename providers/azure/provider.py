"""The Azure provider: opens sessions and finds the marks that are left on resources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bridge.settings import Settings
from providers.azure.search import found_marks
from providers.azure.session import AzureSession, Connections
from providers.contract import (
    Caller,
    FoundMark,
    Guard,
    MarkSearch,
    Peer,
    Provider,
    ProviderError,
)

_AT_ONCE: Final = 8
"""Subscriptions that are searched side by side."""


class AzureProvider(Provider):
    """Faults in Azure, made as a managed identity."""

    lists_partly = True

    def __init__(self, settings: Settings, peer: Peer | None = None) -> None:  # noqa: ARG002 - Azure needs no other cloud
        """Open nothing yet."""
        self._settings = settings
        self._connections = Connections(settings.azure_endpoint, settings.cloud_threads)

    async def session(
        self,
        caller: Caller,
        guard: Guard | None,
        wake: Callable[[], None] | None = None,  # noqa: ARG002 - Azure tells us nothing by itself
    ) -> AzureSession:
        """Open a session; its token is asked for with its first call."""
        self.warm()
        return AzureSession(caller, guard, self._connections)

    async def cluster_token(self, caller: Caller, *, renew: bool) -> str:
        """Return a token by which AKS knows an identity. Raises ProviderError."""
        return await self._connections.cluster_token(caller, renew=renew)

    def warm(self) -> None:
        """Load the SDK in the background."""
        self._connections.warm_up()

    async def find_marks(self, caller: Caller) -> MarkSearch:
        """Find every mark in the subscriptions of the settings. Loads no SDK without any."""
        subscriptions = self._settings.azure_subscriptions
        if not subscriptions:
            used = self._settings.azure_identities or self._settings.azure_endpoint
            missing = "Azure: no subscription is set in FAULTBRIDGE_AZURE_SUBSCRIPTIONS"
            return MarkSearch([], (missing,) if used else ())
        session = await self.session(caller, None)
        several = asyncio.Semaphore(_AT_ONCE)

        async def look(subscription: str) -> list[FoundMark]:
            async with several:
                return await found_marks(session, subscription)

        answers = await asyncio.gather(*map(look, subscriptions), return_exceptions=True)
        found: list[FoundMark] = []
        unsearched: list[str] = []
        for subscription, answer in zip(subscriptions, answers, strict=True):
            if isinstance(answer, ProviderError):
                unsearched.append(f"Azure subscription {subscription}: {answer}")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        return MarkSearch(found, unsearched)

    async def close(self) -> None:
        """Wait for the calls under way (under a minute), then let go of threads and connections."""
        await self._connections.close()
