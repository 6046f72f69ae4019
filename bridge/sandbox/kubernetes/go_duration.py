"""Durations as Go writes them ("1h30m", "1.5s"), which is how Chaos Mesh reads `duration`.

The refusals are worded as Go's `time.ParseDuration` words them, because Chaos Mesh's webhook
passes them on to users.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

_MICROSECONDS = {
    "ns": Fraction(1, 1000),
    "us": Fraction(1),
    "µs": Fraction(1),  # U+00B5, micro sign
    "μs": Fraction(1),  # U+03BC, Greek letter mu
    "ms": Fraction(1000),
    "s": Fraction(10**6),
    "m": Fraction(60 * 10**6),
    "h": Fraction(3600 * 10**6),
}
_PART = re.compile(r"(\d*(?:\.\d*)?)([^\d.]*)")


def parse_go_duration(text: str) -> timedelta:
    """Read a duration; it may be negative. Raises ValueError with Go's own message."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return timedelta(0)
    invalid = f'time: invalid duration "{text}"'
    if not rest:
        raise ValueError(invalid)
    total = Fraction(0)
    while rest:
        part = _PART.match(rest)
        if part is None or not part[1].strip("."):
            raise ValueError(invalid)
        number, unit = part.groups()
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _MICROSECONDS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        whole, _, decimals = number.partition(".")
        total += Fraction(int(whole + decimals or "0"), 10 ** len(decimals)) * _MICROSECONDS[unit]
        rest = rest[part.end() :]
    return timedelta(microseconds=round(-total if text.startswith("-") else total))
