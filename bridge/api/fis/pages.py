"""Pages of lists: how many, from where, and the token that leads on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from bridge.api.bridge import Bridge
from bridge.dialects.fis.errors import ValidationError

T = TypeVar("T")

LONGEST_PAGE: Final = 100
"""The service model's most ``maxResults``; also what a request without it gets."""
_SEAL: Final = 16
_NOT_FILTERS: Final = frozenset({"maxResults", "nextToken"})


class Page:
    """One request's place in a list.

    The token is the place behind the last item shown, sealed with the list it belongs to, so that
    one that was altered, or was made by another list or installation, is refused. It is no
    secret and gives no right: a list shows the caller's own scope wherever it begins.
    """

    def __init__(self, bridge: Bridge, operation: str, members: Mapping[str, Any]) -> None:
        """Read ``maxResults`` and ``nextToken``; raises ValidationError for a token not ours."""
        filters = sorted((n, str(v)) for n, v in members.items() if n not in _NOT_FILTERS)
        context = repr((bridge.settings.installation, str(bridge.scope), operation, filters))
        self._key = hashlib.sha256(context.encode()).digest()
        self.limit: int = members.get("maxResults", LONGEST_PAGE)
        token = members.get("nextToken")
        self.after: str | None = None if token is None else self._opened(token)

    def cut(
        self, items: Sequence[T], place: Callable[[T], str]
    ) -> tuple[Sequence[T], dict[str, str]]:
        """Return the page, of ``limit + 1`` items asked for, and ``nextToken`` if more follow."""
        shown = items[: self.limit]
        if len(items) <= self.limit:
            return shown, {}
        return shown, {"nextToken": self._sealed(place(shown[-1]))}

    def cut_sorted(
        self, items: Sequence[T], place: Callable[[T], str]
    ) -> tuple[Sequence[T], dict[str, str]]:
        """Return the page of a list that is whole and ordered by ``place``."""
        rest = [item for item in items if self.after is None or place(item) > self.after]
        return self.cut(rest, place)

    def _seal(self, place: bytes) -> bytes:
        return hashlib.blake2b(place, key=self._key, digest_size=_SEAL).digest()

    def _sealed(self, place: str) -> str:
        raw = place.encode()
        return base64.urlsafe_b64encode(self._seal(raw) + raw).decode()

    def _opened(self, token: str) -> str:
        try:
            raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        seal, place = raw[:_SEAL], raw[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(place)):
            msg = (
                "nextToken: is not a token of this list; send the one that its last page "
                "answered, unchanged and with the same filters, or leave it out to begin anew"
            )
            raise ValidationError(msg)
        return place.decode()
