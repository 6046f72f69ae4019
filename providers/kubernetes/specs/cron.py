"""The times of a Schedule: cron in five or six fields, and ``@every 10m``, as robfig/cron reads it.

Upstream parses with an optional field for seconds and with descriptors. Sunday is 0 there, and 7 is
no day; a step after a single number counts up to the end of the range.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.problems import meant, shown
from providers.kubernetes.specs.quantities import integer_of

EVERY: Final = "@every "
DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
"""What is written for five fields."""
_ZONES: Final = ("TZ=", "CRON_TZ=")
_LONGEST: Final = 1_024
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WITHOUT_SECONDS: Final = 5
_EXAMPLE: Final = 'write it like "*/10 * * * *", "@every 10m" or "@daily"'
_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class _Bounds:
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()


_FIELDS: Final = (
    _Bounds("second", 0, 59),
    _Bounds("minute", 0, 59),
    _Bounds("hour", 0, 23),
    _Bounds("day of the month", 1, 31),
    _Bounds("month", 1, 12, ("", *_MONTHS)),
    _Bounds("day of the week", 0, 6, _DAYS),
)


@dataclass(frozen=True)
class Times:
    """When a Schedule is due."""

    every: timedelta | None = None
    """The pause of an ``@every``; None for what names times of the clock."""
    never: bool = False
    """Whether no day of any year is named, as in the 30th of February."""


def times_of(text: str) -> Times:
    """Read the `schedule` of a Schedule.

    Raises ValueError, with what to write instead, for text that upstream's parser refuses.
    """
    if not text:
        raise ValueError(f"is empty, {_EXAMPLE}")
    if len(text) > _LONGEST:
        raise ValueError(f"{shown(text)} is too long for a schedule, {_EXAMPLE}")
    rest = _without_zone(text)
    if rest.startswith("@"):
        return _descriptor(rest)
    fields = rest.split()
    if not _WITHOUT_SECONDS <= len(fields) <= len(_FIELDS):
        number = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
        raise ValueError(f"{shown(text)} has {number} where cron has 5 or 6, {_EXAMPLE}")
    bounds = _FIELDS[-len(fields) :]
    values = [_field(field, bound) for field, bound in zip(fields, bounds, strict=True)]
    days, months, weekdays = values[-3:]
    dated = _is_star(fields[-1]) or not weekdays
    never = (
        any(not value for value in values[:-3])
        or not months
        or (
            dated and not any(day <= _LONGEST_MONTHS[month - 1] for month in months for day in days)
        )
    )
    return Times(never=never)


def _without_zone(text: str) -> str:
    if not text.startswith(_ZONES):
        return text
    zone, space, rest = text.partition(" ")
    name = zone.partition("=")[2]
    if not space:
        raise ValueError(f"{shown(text)} names a time zone and no time, {_EXAMPLE}")
    try:
        if name not in ("", "Local"):
            zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(
            f'{shown(name)} is not a time zone, write it like "TZ=Europe/Paris 0 6 * * *"'
        ) from None
    return rest.strip()


def _descriptor(text: str) -> Times:
    if text in DESCRIPTORS:
        return Times()
    if text.startswith(EVERY):
        return Times(every=parse_go_duration(text.removeprefix(EVERY)))
    hint = (
        meant(text, (*DESCRIPTORS, "@every 10m")) or f"write {', '.join(DESCRIPTORS)}, @every 10m"
    )
    raise ValueError(f"{shown(text)} is not a schedule; {hint}")


def _is_star(field: str) -> bool:
    return any(part.partition("/")[0].partition("-")[0] in ("*", "?") for part in field.split(","))


def _field(field: str, bounds: _Bounds) -> set[int]:
    values: set[int] = set()
    for part in filter(None, field.split(",")):
        values |= _range(part, bounds)
    return values


def _range(part: str, bounds: _Bounds) -> set[int]:
    where = f"the {bounds.name} {shown(part)}"
    whole, *steps = part.split("/")
    first, *last = whole.split("-")
    if first in ("*", "?"):
        start, end = bounds.least, bounds.most
    else:
        start = _number(first, bounds, where)
        end = _number(last[0], bounds, where) if last else start
        if len(last) > 1:
            raise ValueError(f"{where} has too many hyphens, write it like 1-5")
    if len(steps) > 1:
        raise ValueError(f"{where} has too many slashes, write it like */5")
    step = _number(steps[0], None, where) if steps else 1
    if steps and not last:
        end = bounds.most
    if start < bounds.least or end > bounds.most:
        bad = start if start < bounds.least else end
        raise ValueError(f"{where}: {bad} is out of range, write {bounds.least} to {bounds.most}")
    if start > end:
        raise ValueError(f"{where} ends before it begins, write the smaller number first")
    if step == 0:
        raise ValueError(f"{where} has a step of 0, write 1 or more")
    return set(range(start, end + 1, step))


def _number(text: str, bounds: _Bounds | None, where: str) -> int:
    words = bounds.words if bounds else ()
    if text and text.lower() in words:
        return words.index(text.lower())
    try:
        number = integer_of(text)
    except ValueError:
        names = f" or {', '.join(filter(None, words))}" if words else ""
        raise ValueError(f"{where}: {shown(text)} is not a number, write digits{names}") from None
    if number < 0:
        raise ValueError(f"{where}: {number} is not a number of it, write digits without a sign")
    return number
