"""A way to send an address that is a credential, past the log of the HTTP library.

httpx logs the address of every request at INFO. Whoever switches that on must not find in it what
proves to STS who somebody is.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.request import getproxies, proxy_bypass

import httpx


class Unlogged(httpx.AsyncBaseTransport):
    """Adds a query to a request only when it is sent."""

    QUERY: ClassVar = "faultbridge.query"
    """The extension of a request that holds the query, percent-encoded."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, *, proxies: bool) -> None:
        """Send by a transport, or by HTTP: through the environment's proxies if ``proxies``."""
        self._given = transport
        self._proxies = proxies
        self._made: dict[str | None, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request with its query."""
        query = request.extensions[self.QUERY]
        whole = httpx.Request(
            request.method,
            request.url.copy_with(raw_path=request.url.raw_path + b"?" + query.encode("ascii")),
            headers=request.headers,
            extensions={"timeout": request.extensions["timeout"]},
        )
        return await self._transport(request.url.host).handle_async_request(whole)

    async def aclose(self) -> None:
        """Let go of the connections."""
        for transport in (self._given, *self._made.values()):
            if transport is not None:
                await transport.aclose()

    def _transport(self, host: str) -> httpx.AsyncBaseTransport:
        if self._given is not None:
            return self._given
        # Which proxy is looked up as for every other cloud: a mount of httpx's would log.
        proxy = getproxies().get("https") if self._proxies and not proxy_bypass(host) else None
        if proxy not in self._made:
            self._made[proxy] = httpx.AsyncHTTPTransport(proxy=proxy)
        return self._made[proxy]
