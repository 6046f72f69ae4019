"""Fetching what a signed message names, within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import httpx

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns what an https URL answers. Raises FetchError."""

LARGEST_ANSWER: Final = 64 * 1024
_SECONDS: Final = 5.0


class FetchError(Exception):
    """A URL did not answer as it should; the text names the reason, never the URL."""


class HttpsFetch:
    """Fetches over https: no redirects, 64 KiB and five seconds at most."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Use another transport in tests."""
        self._transport = transport

    async def __call__(self, url: str) -> bytes:
        """Return what the URL answers. Raises FetchError."""
        try:
            async with (
                httpx.AsyncClient(transport=self._transport, timeout=_SECONDS) as client,
                client.stream("GET", url, follow_redirects=False) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise FetchError(f"it answered {answer.status_code}")
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise FetchError(f"it answered more than {LARGEST_ANSWER} bytes")
                return body
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"it cannot be reached ({type(error).__name__})") from None
