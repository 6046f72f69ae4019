"""The public keys of an OIDC issuer: found by discovery, remembered, and asked for anew.

An issuer changes its keys when it likes, so a token with an unknown key id may be right: the keys
are then fetched again, once in 30 seconds at most, whatever tokens come.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import jwt

from bridge.authentication_settings import require_safe
from iam.refusals import CannotTellError

REFETCH_AFTER: Final = 30.0
"""Seconds between two fetches, whether or not the first succeeded."""
FRESH: Final = 300.0
"""Seconds after which keys are fetched again although they are known: one may be taken back."""
STALE: Final = 3600.0
"""Seconds that keys are believed while the issuer does not answer."""
_LARGEST_ANSWER: Final = 256 * 1024
_SECONDS: Final = 5.0
_MOST_KEYS: Final = 100

_log = logging.getLogger(__name__)


class _FetchError(Exception):
    """The issuer did not answer as it should; the text says how, for the log."""


class Jwks:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is fetched before the first token comes; transport and clock are for tests."""
        self._issuer = issuer
        self._clock = clock
        self._http = httpx.AsyncClient(
            timeout=_SECONDS,
            follow_redirects=False,
            transport=transport,
            trust_env=issuer.startswith("https://"),
        )
        self._keys: tuple[dict[str, Any], ...] = ()
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key that a token names, for one algorithm; None where the issuer has none.

        Raises CannotTellError where the issuer's keys are not known and cannot be had.
        """
        if self._age(self._fetched) > FRESH:
            await self._fetch()
        found = self._find(key_id, algorithm)
        if found is None and self._age(self._tried) > REFETCH_AFTER:
            await self._fetch()
            found = self._find(key_id, algorithm)
        if self._age(self._fetched) > STALE:
            raise CannotTellError(
                "the keys of the token's issuer cannot be had at the moment; try again later"
            )
        return found

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    def _age(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._clock() - moment

    def _find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys if key_id is None or key.get("kid") == key_id]
        usable = [key for one in fitting if (key := _usable(one, algorithm)) is not None]
        # Without an id only one key can be meant, or nobody knows which.
        return usable[0] if len(usable) == 1 or (usable and key_id is not None) else None

    async def _fetch(self) -> None:
        asked = self._clock()
        async with self._fetching:
            if self._tried is not None and (
                self._tried >= asked or self._age(self._tried) <= REFETCH_AFTER
            ):
                return
            self._tried = self._clock()
            try:
                self._keys = await self._fetched_keys()
                self._fetched = self._clock()
            except _FetchError as error:
                _log.warning("the keys of %s cannot be fetched: %s", self._issuer, error)

    async def _fetched_keys(self) -> tuple[dict[str, Any], ...]:
        place = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        document = await self._get(place)
        if document.get("issuer") != self._issuer:
            raise _FetchError("its discovery document names another issuer")
        url = document.get("jwks_uri")
        try:
            require_safe(url if isinstance(url, str) else "")
        except ValueError:
            raise _FetchError("its jwks_uri is no https URL") from None
        if str(url).startswith("http:") and not self._issuer.startswith("http:"):
            raise _FetchError("its jwks_uri leads from https to loopback")
        keys = (await self._get(str(url))).get("keys")
        if not isinstance(keys, list):
            raise _FetchError("its key set has no keys")
        return tuple(key for key in keys[:_MOST_KEYS] if isinstance(key, dict))

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with self._http.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _FetchError(f"it answered {answer.status_code}")
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST_ANSWER:
                        raise _FetchError(f"it answered more than {_LARGEST_ANSWER} bytes")
            document = json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _FetchError(f"it does not answer ({type(error).__name__})") from None
        except (ValueError, RecursionError):
            raise _FetchError("it answered no JSON") from None
        if not isinstance(document, dict):
            raise _FetchError("it answered no JSON object")
        return document


def _usable(key: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """Return a key if it is one to verify this algorithm with: never a shared secret."""
    if key.get("kty") == "oct" or key.get("use", "sig") != "sig":
        return None
    if key.get("alg", algorithm) != algorithm:
        return None
    try:
        return jwt.PyJWK(key, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None  # of another kind, or broken: another key of the set may do
