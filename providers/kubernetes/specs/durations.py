"""Durations as Go's `time.ParseDuration` reads them: the text that Chaos Mesh and the CRDs take."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from providers.kubernetes.specs.problems import shown

_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECONDS_A_SECOND: Final = 1_000_000
_LARGEST: Final = (1 << 63) - 1  # nanoseconds in a Go duration, about 292 years
_SIGNIFICANT_DIGITS: Final = 18  # more fraction digits than a nanosecond of an hour can show
_LONGEST: Final = 1_024  # characters; Python converts no number of more than 4,300 digits

_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_SINGLE_UNIT: Final = re.compile(r"[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)")
_ISO_8601: Final = re.compile(
    r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)
_DAYS: Final = re.compile(r"(\d{1,6})(?:d|days?)(?![a-z])", re.ASCII)
_WORDS: Final = (
    (re.compile(r"(?:milliseconds?|msecs?)"), "ms"),
    (re.compile(r"(?:seconds?|secs?)"), "s"),
    (re.compile(r"(?:minutes?|mins?)"), "m"),
    (re.compile(r"(?:hours?|hrs?)"), "h"),
)


def parse_go_duration(text: str) -> timedelta:
    """Read Go duration text such as "90ms", "1h30m", "-1.5h" or "0".

    What is below a microsecond is cut off. Raises ValueError, with what to write instead, for text
    that Go refuses: no unit, an unknown unit ("d"), a space, or beyond 292 years.
    """
    nanoseconds = _nanoseconds(text)
    if nanoseconds is None:
        raise ValueError(f"{shown(text)} is not a duration, {_mend(text)}")
    whole = abs(nanoseconds) // 1_000
    return timedelta(microseconds=whole if nanoseconds >= 0 else -whole)


def single_unit_duration(text: str) -> str:
    """Return `text` when it is one unsigned number with one unit, as `delay.latency` wants it.

    The CRD's pattern allows neither a sign nor "1m30s" nor the unit µs; the webhook then reads it
    as a Go duration. Raises ValueError with what to write instead.
    """
    if _SINGLE_UNIT.fullmatch(text) and _nanoseconds(text) is not None:
        return text
    candidate = text if _nanoseconds(text) is not None else _candidate(text)
    value = _nanoseconds(candidate) if candidate is not None else None
    mend = 'write it like "90ms"'
    if value is not None and value >= 0:
        mend = f'write "{_in_one_unit(value)}"'
    reason = "is not a duration"
    if _nanoseconds(text) is not None:
        reason = "is not one number with one unit (ns, us, ms, s, m, h)"
    raise ValueError(f"{shown(text)} {reason}, {mend}")


def go_duration(duration: timedelta) -> str:
    """Write a duration as Go text, exact to the microsecond: "3m", "1h30m", "1.5s", "90ms".

    Raises ValueError beyond the 292 years that a Go duration can hold.
    """
    microseconds = duration // _MICROSECOND
    if abs(microseconds) * 1_000 > _LARGEST:
        raise ValueError(f"{duration} is longer than a Go duration can be, write at most 292 years")
    sign = "-" if microseconds < 0 else ""
    seconds, rest = divmod(abs(microseconds), _MICROSECONDS_A_SECOND)
    if seconds == 0 and rest:
        text = f"{rest}us" if rest % 1_000 else f"{rest // 1_000}ms"
        return sign + text
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    if rest:
        fraction = f"{rest:06d}".rstrip("0")
        text += f"{seconds}.{fraction}s"
    elif seconds or not text:
        text += f"{seconds}s"
    return sign + text


def _nanoseconds(text: str) -> int | None:
    if len(text) > _LONGEST:
        return None
    negative = text.startswith("-")
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    total = 0
    position = 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or part.end() == position:
            return None
        whole, fraction, unit = part.group(1), part.group(2) or "", part.group(3)
        if not (whole or fraction) or unit not in _NANOSECONDS:
            return None
        scale = _NANOSECONDS[unit]
        digits = fraction[:_SIGNIFICANT_DIGITS]
        total += int(whole or "0") * scale + int(digits or "0") * scale // 10 ** len(digits)
        position = part.end()
    # Go can hold one nanosecond more below zero than above.
    if not rest or total > _LARGEST + negative:
        return None
    return -total if negative else total


def _mend(text: str) -> str:
    candidate = _candidate(text)
    if candidate is not None:
        return f'write "{candidate}"'
    return 'write it like "30s", "90ms" or "1h30m"'


def _candidate(text: str) -> str | None:
    """What was probably meant, as Go text; None when there is no telling."""
    if len(text) > _LONGEST:
        return None
    squeezed = "".join(text.split())
    iso = _ISO_8601.fullmatch(squeezed.upper())
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = iso.groups()
        total = int(days or 0) * 24 + int(hours or 0)
        squeezed = (f"{total}h" if total else "") + (f"{minutes}m" if minutes else "")
        squeezed += f"{seconds}s" if seconds else ""
        squeezed = squeezed or "0s"
    squeezed = squeezed.lower().replace(",", ".").replace("and", "")
    for word, unit in _WORDS:
        squeezed = word.sub(unit, squeezed)
    squeezed = _DAYS.sub(lambda days: f"{int(days.group(1)) * 24}h", squeezed)
    for option in (squeezed, f"{squeezed}s"):
        if option != text and _nanoseconds(option) is not None:
            return option
    return None


def _in_one_unit(nanoseconds: int) -> str:
    for unit in ("h", "m", "s", "ms", "us"):
        if nanoseconds and nanoseconds % _NANOSECONDS[unit] == 0:
            return f"{nanoseconds // _NANOSECONDS[unit]}{unit}"
    return f"{nanoseconds}ns"
