"""Tokens of a cloud's identity in its own clusters: GKE and AKS know whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from providers.contract import Caller, ProviderError


@runtime_checkable
class IssuesTokens(Protocol):
    """A cloud's provider whose identities its clusters know by a bearer token."""

    async def cluster_token(self, caller: Caller, *, renew: bool) -> str:
        """Return a token of the caller's; with ``renew`` another one than the last.

        Raises ProviderError.
        """


@dataclass(frozen=True)
class Bearer:
    """One identity, as a cluster of its cloud knows it."""

    caller: Caller
    """With the identity as the cloud knows it."""
    issuer: IssuesTokens

    async def header(self, renew: bool) -> str:
        """Return the Authorization header. Raises ProviderError."""
        return f"Bearer {await self.issuer.cluster_token(self.caller, renew=renew)}"


class Bearers(Protocol):
    """Says in which clusters of a kubeconfig which identity shows a token of its own."""

    def __call__(self, cluster: str, caller: Caller, *, of_a_run: bool) -> Bearer | None:
        """Return it; None where the context's own user acts. Raises ProviderError."""


@runtime_checkable
class ShowsTokens(Protocol):
    """A provider of clusters that can show such tokens."""

    def use_bearers(self, bearers: Bearers) -> None:
        """Show tokens as these say."""


def refuse_open(cluster: str, host: str, *, verified: bool) -> None:
    """Raise ProviderError where a token would go to somebody who has not proved who he is."""
    if not host.startswith("https://") or not verified:
        raise ProviderError(
            f"{cluster} is reached without TLS, or without its certificate being checked: a token "
            "of the cloud is not sent there; write its certificate authority into the kubeconfig",
            code="Plaintext",
        )
