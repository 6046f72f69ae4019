"""When a Schedule of Chaos Mesh is due: cron in five or six fields, ``@daily`` and ``@every``.

Read as its controller does, in UTC; a time zone of its own is not understood here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

from providers.kubernetes.specs import parse_go_duration

NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
EVERY: Final = "@every "
_LONGEST: Final = 256
_SHORTEST: Final = timedelta(seconds=1)


def next_run(expression: str, after: datetime) -> datetime | None:
    """Return the first time past ``after`` (with a zone).

    None where the expression names none, or cannot be read.
    """
    text = expression.strip()[:_LONGEST]
    if text.startswith(EVERY):
        pause = _pause(text)
        return None if pause is None else after.replace(microsecond=0) + pause
    try:
        return next(CronSim(NICKNAMES.get(text, text).replace("?", "*"), after.astimezone(UTC)))
    except (CronSimError, StopIteration):
        return None


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


def _pause(text: str) -> timedelta | None:
    try:
        return max(parse_go_duration(text.removeprefix(EVERY).strip()), _SHORTEST)
    except ValueError:
        return None
