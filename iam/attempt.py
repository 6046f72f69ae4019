"""A request as authentication sees it: as it was sent, before anything decodes a path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from iam.refusals import NotAuthenticatedError, Reason


@dataclass(frozen=True)
class Attempt:
    """One request that somebody claims to make."""

    method: str
    path: str
    """As it was sent, percent-encoded."""
    query: str
    """The same."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case; a name may stand more than once."""
    body: Callable[[], Awaitable[bytes]]
    """Reads the whole body; asked only where the credentials need it."""

    def values(self, name: str) -> list[str]:
        """Return what the headers of a name say."""
        return [value for key, value in self.headers if key == name]

    def value(self, name: str) -> str | None:
        """Return what the one header of a name says, None where there is none.

        Raises NotAuthenticatedError where it stands twice: not everybody takes the same one then.
        """
        found = self.values(name)
        if len(found) > 1:
            message = f"the header {name} is given {len(found)} times; send it once"
            raise NotAuthenticatedError(Reason.INCOMPLETE, message)
        return found[0] if found else None

    def bearer(self) -> str | None:
        """Return the token of ``Authorization: Bearer``; None where there is none."""
        scheme, _, token = (self.value("authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
