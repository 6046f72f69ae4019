"""Answers about tokens that somebody else gave, remembered for a moment.

A token itself is never kept, only its SHA-256. What is refused is not remembered: it costs its
sender a place among the failures that an address may have (`iam.rates`).
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from iam.principal import Principal
from iam.refusals import TooManyError

LONGEST: Final = 60.0
"""Seconds that an answer is remembered at most, so that a token taken back soon ends to work."""
_MOST_TOKENS: Final = 4096
_AT_ONCE: Final = 16
"""Questions on the way; whoever sends bad tokens must not open connections without end."""

Ask = Callable[[str], Awaitable[tuple[Principal, float]]]
"""Token → whose it is, and for how many seconds that holds. Raises AuthenticationError."""


class Remembered:
    """Asks once for the same token, however many requests carry it."""

    def __init__(self, ask: Ask, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask by ``ask``; the clock is for tests."""
        self._ask = ask
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}

    async def principal(self, token: str, *, may_ask: bool) -> Principal:
        """Return whose token it is.

        Raises AuthenticationError; TooManyError where nobody may be asked, or too many are.
        """
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        known = self._known.get(digest)
        if known is not None and self._clock() < known[0]:
            return known[1]
        task = self._asking.get(digest)
        if task is None:
            if not may_ask or len(self._asking) >= _AT_ONCE:
                message = "too many tokens are being looked into; try again later"
                raise TooManyError(message, seconds=1)
            task = asyncio.create_task(self._answer(digest, token))
            self._asking[digest] = task
            task.add_done_callback(lambda done: self._finish(digest, done))
        # A client that hangs up must not take the answer away from the others that wait for it.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is being asked."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, digest: bytes, token: str) -> Principal:
        principal, seconds = await self._ask(token)
        self._known[digest] = (self._clock() + min(seconds, LONGEST), principal)
        self._known.move_to_end(digest)
        while len(self._known) > _MOST_TOKENS:
            self._known.popitem(last=False)
        return principal

    def _finish(self, digest: bytes, task: asyncio.Task[Principal]) -> None:
        self._asking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # marks it as seen when everybody who waited has hung up
