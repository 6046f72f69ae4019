"""Schedules and their slots in words, in the time of the schedule's own zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.client.schedules import (
    ScheduleDetail,
    ScheduleSlot,
    ScheduleState,
    ScheduleSummary,
)
from bridge.model.schedule import SlotOutcome

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def local(schedule: ScheduleSummary, moment: datetime) -> str:
    """Return a time as the schedule's zone shows it; one without cron in this machine's zone."""
    if schedule.cron is None:
        there = moment.astimezone()
    else:
        try:
            there = moment.astimezone(ZoneInfo(schedule.timezone))
        except (ZoneInfoNotFoundError, ValueError):
            there = moment.astimezone(UTC)  # the bridge knows a zone that this machine does not
    return f"{there:%a %d %b %Y %H:%M:%S %Z}"


def announced(schedule: ScheduleDetail) -> Iterator[str]:
    """Yield what a schedule will do next."""
    if schedule.state is ScheduleState.PAUSED:
        yield f"faultbridge: paused; `faultbridge schedule resume {schedule.id}` lets it go on"
        return
    if schedule.state is ScheduleState.OVER:
        yield "faultbridge: there is no slot to come"
        return
    yield f"faultbridge: {_times(schedule)}; next:"
    yield from _coming(schedule)


def described(schedule: ScheduleDetail) -> Iterator[str]:
    """Yield all that is known of a schedule."""
    yield f"{schedule.id}  {schedule.state.value}  {schedule.description}".rstrip()
    yield f"template     {schedule.template_id}"
    if schedule.cron is not None:
        yield f"cron         {schedule.cron}  ({_times(schedule)})"
    elif schedule.at is not None:
        yield f"at           {local(schedule, schedule.at)}"
    deadline = schedule.starting_deadline_seconds
    late = "as the bridge is set" if deadline is None else f"{deadline} s"
    yield f"policy       {schedule.concurrency_policy.value}, deadline {late}"
    if schedule.tags:
        yield "tags         " + ", ".join(f"{key}={value}" for key, value in schedule.tags.items())
    if schedule.coming:
        yield "next"
        yield from _coming(schedule)
    if schedule.slots:
        yield "slots"
    for slot in schedule.slots:
        yield f"  {local(schedule, slot.slot_at)}  {_outcome(slot)}"


def _times(schedule: ScheduleSummary) -> str:
    if schedule.cron is None:
        return schedule.in_words
    return f"{schedule.in_words}, {schedule.timezone}"


def _coming(schedule: ScheduleDetail) -> Iterator[str]:
    now = datetime.now(UTC)
    for slot in schedule.coming:
        yield f"  {local(schedule, slot)}  {_until(int((slot - now).total_seconds()))}"


def _until(seconds: int) -> str:
    parts = []
    for length, unit in _UNITS:
        count, seconds = divmod(max(seconds, 0), length)
        if count:
            parts.append(f"{count} {unit}")
    return "in " + (" ".join(parts[:2]) or "less than a minute")


def _outcome(slot: ScheduleSlot) -> str:
    if slot.outcome is SlotOutcome.STARTED:
        late = (slot.at - slot.slot_at).total_seconds()
        return f"started {slot.experiment_id}, {late:.1f} s late"
    return f"{slot.outcome.value}: {slot.reason}"
