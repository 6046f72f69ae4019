"""SNS topics: their messages verified, their subscriptions confirmed."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

from bridge.api.fetching import Fetch, FetchError
from bridge.api.native.problems import RefusalError
from bridge.dialects.signals.sns import (
    Certificate,
    SnsMessage,
    UnverifiedError,
    check_origin,
    read_sns,
    verify,
)
from bridge.model.moment import Micros

MOST_KEPT: Final = 16
"""Certificates kept; SNS has one a Region, and changes it about once a year."""


class Topics:
    """The topics that may send signals."""

    def __init__(self, topics: tuple[str, ...], fetch: Fetch) -> None:
        """Allow ``topics`` (ARNs); ``fetch`` gets certificates and confirms subscriptions."""
        self._topics = topics
        self._fetch = fetch
        self._kept: dict[str, Certificate] = {}
        self._fetching = asyncio.Lock()

    async def verified(self, document: dict[str, Any], now: Micros) -> SnsMessage:
        """Return a message that an allowed topic has signed.

        Raises RefusalError, and pydantic's ValidationError for what is no message.
        """
        message = read_sns(document)
        try:
            check_origin(message, self._topics, now)
            verify(message, await self._certificate(message.certificate_url), now)
        except UnverifiedError as error:
            raise RefusalError(HTTPStatus.FORBIDDEN, str(error)) from None
        except FetchError as error:
            detail = f"the signing certificate cannot be fetched: {error}; SNS tries again"
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
        return message

    async def confirm(self, message: SnsMessage) -> None:
        """Confirm the subscription that a verified message asks about. Raises RefusalError."""
        try:
            await self._fetch(message.subscribe_url or "")
        except FetchError as error:
            detail = f"the subscription cannot be confirmed: {error}; SNS tries again"
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None

    async def _certificate(self, url: str) -> Certificate:
        kept = self._kept.get(url)
        if kept is not None:
            return kept
        # One at a time: whoever sends many URLs makes us ask for them one after the other.
        async with self._fetching:
            if url not in self._kept:
                certificate = Certificate.parse(await self._fetch(url))
                while len(self._kept) >= MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[url] = certificate
            return self._kept[url]
