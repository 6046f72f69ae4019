"""Cron expressions: what is wrong with one, and the times that it names.

Five fields as in Vixie cron, by `cronsim`, which does what Debian's cron does on the two days on
which clocks are changed:

- where minute and hour are given (neither begins with ``*``), a time that is skipped is replaced by
  the first minute after the gap, and a time that comes twice is taken once, the first time;
- else (``*/15 * * * *``, ``0 * * * *``) the expression goes with the clock on the wall: what is
  skipped is skipped, and what comes twice is taken twice.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from bridge.model.moment import MINUTE, SECOND, Micros, timestamp
from bridge.model.wording import quote, quoted_list, suggestion

LONGEST: Final = 256
"""Characters of the longest expression that is read."""
NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: Final = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of the week", "0 to 7 (both are Sunday), or SUN to SAT"),
)
_NOT_EVERYWHERE: Final = frozenset({"localtime", "Factory"})
"""Names in the time zone database that mean something else on each machine, or nothing."""

_ANY_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - without a zone nothing is skipped


class Cron:
    """An expression in a time zone, known to be right and to name a time some day."""

    def __init__(self, text: str, timezone: str = "UTC") -> None:
        """Read an expression. Raises ValueError, with the reason and the mend."""
        self._fields = _fields(text)
        self._zone = UTC if timezone == "UTC" else ZoneInfo(timezone)

    def next(self, after: Micros) -> Micros | None:
        """Return the first time past ``after``; None where there is none within 50 years."""
        return next(self.times(after), None)

    def times(self, after: Micros) -> Iterator[Micros]:
        """Yield the times past ``after``, each later than the one before."""
        last = after
        for local in CronSim(self._fields, timestamp(after).astimezone(self._zone)):
            found = Micros(int(local.timestamp()) * SECOND)
            # A wall clock that was put back has shown these times before.
            if found > last:
                last = found
                yield found

    def last(self, after: Micros, until: Micros, most: int) -> list[Micros]:
        """Return the latest times past ``after`` and no later than ``until``: ``most`` at most.

        However long that time is, it is not walked through from its beginning.
        """
        window = most * MINUTE
        while True:
            begin = max(after, Micros(until - window))
            found: deque[Micros] = deque(maxlen=most)
            for slot in self.times(begin):
                if slot > until:
                    break
                found.append(slot)
            if begin == after or len(found) == most:
                return list(found)
            window *= 2

    def in_words(self) -> str:
        """Return what the expression says, in English."""
        return CronSim(self._fields, datetime.now(UTC)).explain()


def check_timezone(name: str) -> None:
    """Raise ValueError, naming the nearest, where there is no time zone of that name."""
    known = _timezones()
    if name in known:
        return
    # All of them are compared; the general suggestion looks at the first hundred only.
    near = difflib.get_close_matches(name[:64].casefold(), known.values(), n=1)
    likely = [one for one, folded in known.items() if folded in near]
    mend = suggestion(name, likely, 'write an IANA name such as "Europe/Berlin", or "UTC"')
    msg = f"{quote(name)} is not a time zone; {mend}"
    raise ValueError(msg)


@lru_cache(maxsize=1)
def _timezones() -> dict[str, str]:
    names = available_timezones() - _NOT_EVERYWHERE
    return {name: name.casefold() for name in sorted(names | {"UTC"})}


@lru_cache(maxsize=1024)
def _fields(text: str) -> str:
    if len(text) > LONGEST:
        msg = f"is longer than {LONGEST} characters; make two schedules of it"
        raise ValueError(msg)
    if text.startswith("@"):
        return _nickname(text)
    fields = text.split()
    if len(fields) == len(_FIELDS) + 1:
        msg = (
            f"{quote(text)} has six fields; a schedule starts once a minute at most, "
            'leave the seconds out, as in "30 2 * * *"'
        )
        raise ValueError(msg)
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, _ in _FIELDS)
        msg = f'{quote(text)} is not five fields; write {names}, as in "30 2 * * *"'
        raise ValueError(msg)
    for place, (name, range_) in enumerate(_FIELDS):
        alone = ["*"] * len(_FIELDS)
        alone[place] = fields[place]
        if not _reads(" ".join(alone)):
            msg = (
                f"the {name} {quote(fields[place])} cannot be read; write {range_}, "
                "*, a list (1,3), a rising range (1-5) or steps (*/2)"
            )
            raise ValueError(msg)
    joined = " ".join(fields)
    if not _reads(joined) or next(CronSim(joined, _ANY_DAY), None) is None:
        msg = f"{quote(text)} names no day that ever comes; mend the day or the month"
        raise ValueError(msg)
    return joined


def _nickname(text: str) -> str:
    name = text.strip().lower()
    if name in NICKNAMES:
        return NICKNAMES[name]
    if name.startswith("@every"):
        msg = f'{quote(text)}: intervals are written as steps, such as "*/15 * * * *"'
        raise ValueError(msg)
    otherwise = f"write five fields, or {quoted_list(NICKNAMES)}"
    msg = f"{quote(text)} is not known here; {suggestion(name, NICKNAMES, otherwise)}"
    raise ValueError(msg)


def _reads(fields: str) -> bool:
    try:
        CronSim(fields, _ANY_DAY)
    except CronSimError:
        return False
    return True
