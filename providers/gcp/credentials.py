"""Whose token a call carries: the bridge's own, or that of a service account it acts as."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from providers.contract import Caller
from providers.gcp.errors import translated

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPES: Final = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)
"""The second makes GKE know the caller by its address instead of a number."""
LIFETIME: Final = 3600
"""Seconds; the longest that IAM Credentials grants without an organization's exception."""
RENEW_BEFORE: Final = timedelta(minutes=10)
"""How long before its end a token is replaced."""
_LAST_MOMENT: Final = timedelta(minutes=2)
"""Longer than one call takes: until then an old token serves when renewing fails."""
_TIMEOUT: Final = 10
"""Seconds for one request for a token; google-auth's own is two minutes."""

Fetch = Callable[[Any], "Credentials"]
"""Returns credentials that were just refreshed, by a transport of google-auth's."""


class Tokens:
    """The access tokens of one identity, fetched again before they end."""

    def __init__(
        self, caller: Caller, fetch: Fetch, call: str, delegates: Sequence[str] = ()
    ) -> None:
        """Fetch nothing yet; ``call`` names in messages what ``fetch`` asks for."""
        self._caller = caller
        self._fetch = fetch
        self._call = call
        self._delegates = delegates
        self._lock = threading.Lock()
        self._current: Credentials | None = None

    def current(self) -> str:
        """Return a token that outlives one call. Raises ProviderError."""
        with self._lock:
            if self._current is None or self._left(self._current) < RENEW_BEFORE:
                try:
                    self._current = self._fetched()
                except Exception:
                    if self._current is None or self._left(self._current) < _LAST_MOMENT:
                        raise
            return str(self._current.token)

    def reject(self, token: str) -> None:
        """Forget a token that Google does not accept; a newer one is left alone."""
        with self._lock:
            if self._current is not None and self._current.token == token:
                self._current = None

    def _fetched(self) -> Credentials:
        from google.auth.transport.requests import Request
        from requests import Session

        with translated(self._caller, self._call, self._delegates), Session() as session:
            return self._fetch(partial(Request(session), timeout=_TIMEOUT))

    @staticmethod
    def _left(credentials: Credentials) -> timedelta:
        # google-auth's times are naive UTC; without one the token does not end.
        end = credentials.expiry
        return end.replace(tzinfo=UTC) - datetime.now(UTC) if end else timedelta.max


def own(reader: Caller) -> Tokens:
    """Return the tokens of the bridge itself: Application Default Credentials."""

    def fetch(request: Any) -> Credentials:
        from google.auth import default

        found, _ = default(scopes=SCOPES)
        found.refresh(request)  # type: ignore[no-untyped-call] # google-auth annotates half of itself
        return found

    return Tokens(reader, fetch, "Application Default Credentials")


def impersonated(
    caller: Caller, source: Tokens, endpoint: str, delegates: Sequence[str] = ()
) -> Tokens:
    """Return the tokens of the caller's service account, for which ``source`` asks.

    ``delegates`` are accounts on the way, each of which may make tokens of the next.

    ``endpoint`` is where IAM Credentials answers if not at Google, else empty.
    """

    def fetch(request: Any) -> Credentials:
        from google.auth.impersonated_credentials import Credentials as Impersonated
        from google.oauth2.credentials import Credentials as Bearer

        path = f"/v1/projects/-/serviceAccounts/{caller.identity}:generateAccessToken"
        # A bare token as source: of any other kind google-auth would make a copy with other
        # scopes and fetch one more token for it.
        acting = Impersonated(  # type: ignore[no-untyped-call] # google-auth annotates half of itself
            source_credentials=Bearer(source.current()),  # type: ignore[no-untyped-call] # as above
            target_principal=caller.identity,
            target_scopes=list(SCOPES),
            delegates=[f"projects/-/serviceAccounts/{one}" for one in delegates] or None,
            lifetime=LIFETIME,
            iam_endpoint_override=endpoint + path if endpoint else None,
        )
        acting.refresh(request)  # type: ignore[no-untyped-call] # as above
        return acting

    call = "iamcredentials.serviceAccounts.generateAccessToken"
    return Tokens(caller, fetch, call, delegates)
