"""Windows of time in which runs may, or may not, be: weekly ones on a zone's clock, and dates.

    Mon-Fri 09:00-17:00 Europe/Berlin
    Sat,Sun 22:00-06:00 UTC                          ends on the next day
    2026-12-20T00:00Z/2027-01-04T00:00Z

Several are separated by semicolons. Reading them is bounded in length and number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from bridge.model.moment import Micros, iso_timestamp, timestamp
from bridge.model.wording import nearest, quote

MOST_WINDOWS: Final = 100
LONGEST_TEXT: Final = 8192

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EVERY_DAY: Final = "daily"
_EXAMPLE: Final = (
    'write it like "Mon-Fri 09:00-17:00 Europe/Berlin" or "2026-12-20T00:00Z/2027-01-04T00:00Z"'
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK: Final = re.compile(r"(?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)", re.ASCII)
_A_DAY: Final = timedelta(days=1)
_LOOKED_AHEAD: Final = 40
"""Changes that are looked through for the next open time; with many windows each takes its time."""
_AHEAD: Final = 9
"""Days in which a weekly window begins or ends at least once, whatever the zone's offset."""

Span = tuple[Micros, Micros]
"""Begin and end; the end is the first moment outside."""


@dataclass(frozen=True)
class WeeklyWindow:
    """A range of times of day on some days of the week, on the clock of a time zone."""

    text: str
    days: frozenset[int]
    """Monday is 0; the day on which the window begins."""
    begin: time
    length: timedelta
    """On the clock; the time that passes differs where the clock is put forward or back."""
    zone: ZoneInfo

    def spans(self, at: Micros, *, wide: bool) -> Iterator[Span]:
        """Yield the window's spans around a moment and for the week that follows it.

        A time that the clock shows twice, or skips, can be read in two ways: ``wide`` takes the
        longer one.
        """
        today = timestamp(at).astimezone(self.zone).date()
        for offset in range(-2, _AHEAD):
            day = today + offset * _A_DAY
            if day.weekday() in self.days:
                begins = datetime.combine(day, self.begin)
                first = _readings(begins, self.zone)
                last = _readings(begins + self.length, self.zone)
                span = (min(first), max(last)) if wide else (max(first), min(last))
                if span[0] < span[1]:
                    yield span


@dataclass(frozen=True)
class DateWindow:
    """A range from one moment to another."""

    text: str
    begin: Micros
    end: Micros

    def spans(self, at: Micros, *, wide: bool) -> Iterator[Span]:  # noqa: ARG002 - as a weekly window's
        """Yield its one span."""
        yield self.begin, self.end


Window = WeeklyWindow | DateWindow


@dataclass(frozen=True)
class Closed:
    """Why no run may be at a moment."""

    excluded: Window | None
    """The exclusion window that it is in; None where it is in no allowed window."""


@dataclass(frozen=True)
class Calendar:
    """When runs may be: within an allowed window, if there are any, and in no exclusion window.

    Where a clock that is put forward or back leaves a choice, exclusion windows are read as the
    longer and allowed windows as the shorter: fewer faults rather than more.
    """

    allowed: tuple[Window, ...] = ()
    excluded: tuple[Window, ...] = ()

    def closed(self, at: Micros) -> Closed | None:
        """Return why no run may be at that moment, or None if one may."""
        for window in self.excluded:
            if _covers(window, at, wide=True):
                return Closed(window)
        if self.allowed and not any(_covers(one, at, wide=False) for one in self.allowed):
            return Closed(None)
        return None

    def changes(self, after: Micros) -> Micros | None:
        """Return the next moment at which a window begins or ends; None where none ever does."""
        edges = [
            edge
            for windows, wide in ((self.allowed, False), (self.excluded, True))
            for window in windows
            for span in window.spans(after, wide=wide)
            for edge in span
            if edge > after
        ]
        return min(edges, default=None)


def parse_windows(text: str) -> tuple[Window, ...]:
    """Read windows separated by semicolons. Raises ValueError with the mend in its message."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"has {len(text)} characters; shorten it to {LONGEST_TEXT}")
    parts = [part for one in text.split(";") if (part := " ".join(one.split()))]
    if len(parts) > MOST_WINDOWS:
        raise ValueError(f"has {len(parts)} windows; give at most {MOST_WINDOWS}")
    return tuple(_window(part) for part in parts)


def _window(text: str) -> Window:
    words = text.split(" ")
    if len(words) == 1 and "/" in text and text[:1].isdigit():
        begin, _, end = text.partition("/")
        window = DateWindow(text, _moment(begin, text), _moment(end, text))
        if window.begin >= window.end:
            raise ValueError(f"{quote(text)} ends before it begins; exchange the two times")
        return window
    match = _CLOCK.fullmatch(words[1]) if len(words) > 1 else None
    if match is None or len(words) > 3:  # noqa: PLR2004 - days, times, zone
        raise ValueError(f"{quote(text)} is no window; {_EXAMPLE}")
    if len(words) == 2:  # noqa: PLR2004 - as above
        raise ValueError(f"{quote(text)} names no time zone; add one, such as UTC or Europe/Berlin")
    begin_minute, end_minute = (_minute(match[name], text) for name in ("from", "to"))
    if begin_minute == 24 * 60:
        raise ValueError(f'{quote(text)} begins at 24:00; write "00:00" of the next day')
    if begin_minute == end_minute:
        raise ValueError(f"{quote(text)} is empty; for whole days write 00:00-24:00")
    length = timedelta(minutes=(end_minute - begin_minute) % (24 * 60) or 24 * 60)
    begins = time(begin_minute // 60, begin_minute % 60)
    return WeeklyWindow(text, _days(words[0], text), begins, length, _zone(words[2], text))


def _days(word: str, text: str) -> frozenset[int]:
    if word.lower() == _EVERY_DAY:
        return frozenset(range(7))
    days: set[int] = set()
    for part in word.split(","):
        first, dash, last = part.partition("-")
        begin = _day(first, text)
        end = _day(last, text) if dash else begin
        days |= {(begin + offset) % 7 for offset in range((end - begin) % 7 + 1)}
    return frozenset(days)


def _day(word: str, text: str) -> int:
    name = word.capitalize()
    if name not in DAYS:
        raise ValueError(
            f'{quote(text)}: {quote(word)} is no day of the week; write Mon to Sun, "Mon-Fri", '
            f'"Sat,Sun" or "{_EVERY_DAY}"'
        )
    return DAYS.index(name)


def _minute(word: str, text: str) -> int:
    hours, minutes = int(word[:2]), int(word[3:])
    if minutes > 59 or hours * 60 + minutes > 24 * 60:  # noqa: PLR2004 - a clock
        raise ValueError(f"{quote(text)}: {word} is no time of day; write 00:00 to 24:00")
    return hours * 60 + minutes


def _zone(word: str, text: str) -> ZoneInfo:
    try:
        return ZoneInfo(word)
    except (KeyError, ValueError, OSError):
        near = nearest(word, sorted(available_timezones(), key=lambda name: name[:1] != word[:1]))
        mend = f"did you mean {near}?" if near else "write it like UTC or Europe/Berlin"
        raise ValueError(f"{quote(text)}: {quote(word)} is no time zone; {mend}") from None


def _moment(word: str, text: str) -> Micros:
    try:
        read = datetime.fromisoformat(word)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise ValueError(
            f"{quote(text)}: {quote(word)} is no date and time with an offset; "
            'write it like "2026-12-20T00:00Z" or "2026-12-20T00:00+01:00"'
        )
    return _micros(read)


def _micros(moment: datetime) -> Micros:
    return Micros((moment - _EPOCH) // timedelta(microseconds=1))


def _readings(clock: datetime, zone: ZoneInfo) -> Sequence[Micros]:
    """Return the moments that a clock's time may mean: two where it is shown twice or skipped."""
    return [_micros(clock.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]


def _covers(window: Window, at: Micros, *, wide: bool) -> bool:
    return any(begin <= at < end for begin, end in window.spans(at, wide=wide))


def describe(windows: Sequence[Window]) -> str:
    """Return windows as they were written."""
    return "; ".join(window.text for window in windows)


def until(calendar: Calendar, at: Micros) -> str:
    """Say when a closed calendar opens; empty where that is not among the next changes."""
    moment: Micros | None = at
    for _ in range(_LOOKED_AHEAD):
        moment = calendar.changes(moment) if moment is not None else None
        if moment is None:
            return ""
        if calendar.closed(moment) is None:
            return iso_timestamp(moment)
    return ""
