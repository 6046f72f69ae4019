"""How many requests a caller may make: token buckets, in this process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

_MOST_BUCKETS: Final = 10_000


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rates:
    """A bucket for each key: ``burst`` tokens at most, ``per_second`` flow in."""

    def __init__(
        self, per_second: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with full buckets; the clock is for tests."""
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> float | None:
        """Take a token; return the seconds to wait where there is none, else None."""
        bucket = self._filled(key)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return (1 - bucket.tokens) / self._per_second

    def empty(self, key: str) -> float | None:
        """Return the seconds until there is a token, None where there is one; take none."""
        if key not in self._buckets:
            return None
        tokens = self._filled(key).tokens
        return None if tokens >= 1 else (1 - tokens) / self._per_second

    def _filled(self, key: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            # The one unused for longest has the most in it: a new one is like it.
            while len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        else:
            grown = bucket.tokens + (now - bucket.at) * self._per_second
            bucket.tokens = min(self._burst, grown)
            bucket.at = now
            self._buckets.move_to_end(key)
        return bucket


def address_key(host: str | None) -> str:
    """Return the key of an address: an IPv6 network of 64 bits is one caller's."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
