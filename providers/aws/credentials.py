"""Whose signature a call carries: the bridge's own, or that of a role it assumes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session as BotocoreSession

RENEW_BEFORE: Final = timedelta(minutes=10)
"""How long before their end credentials are replaced."""
_LAST_MOMENT: Final = timedelta(minutes=2)
"""Longer than one call takes: until then old credentials serve when renewing fails."""


class Chain:
    """The standard credential chain: environment, profile, role of the instance or container."""

    def __init__(self, open_session: Callable[[], BotocoreSession]) -> None:
        """Look for nothing yet; the session is opened when credentials are first asked for."""
        self._open_session = open_session
        self._lock = threading.Lock()
        self._session: BotocoreSession | None = None

    def current(self) -> ReadOnlyCredentials:
        """Return the credentials as they are now; botocore renews those that end.

        Raises botocore's NoCredentialsError where there are none.
        """
        from botocore.exceptions import (
            NoCredentialsError,
        )

        with self._lock:
            self._session = self._session or self._open_session()
            credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        return credentials.get_frozen_credentials()


class Role:
    """An assumed role, assumed again before its session ends.

    botocore's own refreshing credentials would do, but log a stack trace at each failure.
    """

    def __init__(self, assume: Callable[[], dict[str, Any]]) -> None:
        """``assume`` answers as STS AssumeRole does."""
        self._assume = assume
        self._lock = threading.Lock()
        self._current: tuple[ReadOnlyCredentials, datetime] | None = None

    def current(self) -> ReadOnlyCredentials:
        """Return credentials that outlive one call. Raises what ``assume`` raises."""
        with self._lock:
            if self._current is None or self._left() < RENEW_BEFORE:
                try:
                    self._current = self._renewed()
                except Exception:
                    if self._current is None or self._left() < _LAST_MOMENT:
                        raise
            return self._current[0]

    def _left(self) -> timedelta:
        return self._current[1] - datetime.now(UTC) if self._current else timedelta()

    def _renewed(self) -> tuple[ReadOnlyCredentials, datetime]:
        from botocore.credentials import (
            ReadOnlyCredentials,
        )

        keys = self._assume()["Credentials"]
        frozen = ReadOnlyCredentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        return frozen, keys["Expiration"]
