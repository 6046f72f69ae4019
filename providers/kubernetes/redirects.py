"""No redirect of an API server is followed.

Where a cluster is, its cloud or a kubeconfig says. Whoever owns the cluster could send the bridge
on from there, to an address that only the bridge reaches, and read in a message what it answered.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from providers.contract import ProviderError

if TYPE_CHECKING:
    from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams


def staying(cluster: str) -> TraceConfig:
    """Return what keeps a session from being sent on; ``cluster`` is what messages call it."""
    from aiohttp import TraceConfig

    async def refuse(
        _session: ClientSession, _context: SimpleNamespace, given: TraceRequestRedirectParams
    ) -> None:
        given.response.close()
        raise ProviderError(
            f"cluster {cluster} answered {given.response.status}, a redirect, which is not "
            "followed; name the API server's own address",
            code="Redirect",
        )

    trace = TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace
