"""Times and durations: integer microseconds in UTC, ISO 8601 text at the edges."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

Micros = NewType("Micros", int)
"""Microseconds: since 1970-01-01T00:00:00Z when a point in time, else a length."""

SECOND: Final = Micros(1_000_000)
MINUTE: Final = Micros(60_000_000)

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?",
)


def micros(length: timedelta) -> Micros:
    """Return a length of time in whole microseconds."""
    return Micros(length // timedelta(microseconds=1))


def timestamp(moment: Micros) -> datetime:
    """Return the point in time as an aware UTC datetime."""
    return datetime.fromtimestamp(moment // SECOND, tz=UTC) + timedelta(
        microseconds=moment % SECOND
    )


def iso_timestamp(moment: Micros) -> str:
    """Return the point in time as ``2026-01-31T12:00:00Z``, cut to whole seconds."""
    return timestamp(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds (``PT1H30M``).

    Years and months have no fixed length and fractions are not used by any cloud that we
    speak with, so both are refused. Raises ValueError with the mend in its message.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groupdict().values()):
        msg = (
            f'"{text[:64]}" is not an ISO 8601 duration; write it like "PT30S", "PT5M" or "PT1H30M"'
        )
        raise ValueError(msg)
    try:
        return timedelta(**{unit: int(n) for unit, n in match.groupdict(default="0").items()})
    except OverflowError as error:
        msg = f'"{text[:64]}" is longer than can be counted; the longest is "PT12H"'
        raise ValueError(msg) from error


def format_duration(length: timedelta) -> str:
    """Return a length of whole seconds as an ISO 8601 duration (``PT1H30M``)."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n]
    return "PT" + ("".join(parts) or "0S")
