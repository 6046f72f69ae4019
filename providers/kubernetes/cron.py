"""When a Schedule of Chaos Mesh is due: cron in five or six fields, ``@daily`` and ``@every``.

Read as robfig/cron does, which its controller uses: in UTC unless it names a time zone, and a step
after a single number counts up to the end of the range. What is wrong with an expression is said by
``specs``; here it simply names no time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from providers.kubernetes.specs import parse_go_duration
from providers.kubernetes.specs.cron import DESCRIPTORS, EVERY

_LONGEST: Final = 256
_ENDS: Final = (59, 59, 23, 31, 12, 6)
_FROM: Final = re.compile(r"(^|,)(\d+)/(\d+)")
_SHORTEST: Final = timedelta(seconds=1)


def next_run(expression: str, after: datetime) -> datetime | None:
    """Return the first time past ``after`` (with a zone).

    None where the expression names none, or cannot be read.
    """
    text = expression.strip()[:_LONGEST]
    if text.startswith(EVERY):
        pause = _pause(text)
        return None if pause is None else after.replace(microsecond=0) + pause
    zone: tzinfo = UTC
    prefix, _, rest = text.partition(" ")
    if prefix.startswith(("TZ=", "CRON_TZ=")):
        text = rest.strip()
        try:
            zone = ZoneInfo(prefix.partition("=")[2])
        except (ValueError, OSError, KeyError):  # not found is a KeyError
            return None
    fields = DESCRIPTORS.get(text, text).replace("?", "*").split()
    ends = _ENDS[-len(fields) :]
    plain = [_ranged(field, end) for field, end in zip(fields, ends, strict=False)]
    try:
        found: datetime = next(CronSim(" ".join(plain), after.astimezone(zone)))
    except (CronSimError, StopIteration):
        return None
    return found.astimezone(UTC)


def next_run_past(expression: str, since: datetime, now: datetime) -> datetime | None:
    """Return the first time past ``now`` of those that follow each other from ``since`` on.

    None where there is none. ``@every`` counts from the run before, the other forms do not.
    """
    text = expression.strip()[:_LONGEST]
    if not text.startswith(EVERY):
        return next_run(text, max(since, now))
    pause = _pause(text)
    if pause is None:
        return None
    whole = since.replace(microsecond=0)
    return whole + pause * max(1, (now - whole) // pause + 1)


def _ranged(field: str, end: int) -> str:
    """Write ``5/10`` as the range that it means."""
    return _FROM.sub(lambda found: f"{found[1]}{found[2]}-{end}/{found[3]}", field)


def _pause(text: str) -> timedelta | None:
    try:
        return max(parse_go_duration(text.removeprefix(EVERY).strip()), _SHORTEST)
    except ValueError:
        return None
