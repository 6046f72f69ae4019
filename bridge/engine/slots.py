"""Which times of a schedule are due, which came too late, and which comes next; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bridge.engine.cron import Cron
from bridge.model.moment import SECOND, Micros
from bridge.model.schedule import Schedule, Slot, SlotOutcome

PAUSED: Final = "the schedule was paused"
CHANGED: Final = "the schedule was changed before this slot was started"
SUPERSEDED: Final = "missed; of the slots that were missed only the latest is started"
RESTORED: Final = (
    "the database was restored from a backup after this slot, which may have been started before"
)
_EARLIER: Final = "; earlier ones were missed too"


@dataclass(frozen=True)
class Due:
    """What a look at a schedule comes to."""

    start: Micros | None
    """The slot to start a run for."""
    skipped: tuple[Slot, ...]
    next_at: Micros | None


def next_slot(schedule: Schedule, after: Micros) -> Micros | None:
    """Return the first slot past ``after``; None where there is none, or while it is paused."""
    if schedule.paused:
        return None
    if schedule.cron is None:
        return schedule.at if schedule.at is not None and schedule.at > after else None
    return Cron(schedule.cron, schedule.timezone).next(after)


def coming(schedule: Schedule, most: int) -> list[Micros]:
    """Return the slot that is waited for and those behind it."""
    if schedule.next_at is None or schedule.cron is None:
        return [] if schedule.next_at is None else [schedule.next_at]
    found = [schedule.next_at]
    for slot in Cron(schedule.cron, schedule.timezone).times(schedule.next_at):
        if len(found) >= most:
            break
        found.append(slot)
    return found


def due(
    schedule: Schedule, now: Micros, late: Micros, *, restored_at: Micros | None = None
) -> Due | None:
    """Decide what becomes of the slots that have come; None where none has.

    Of several at most the latest is started, and only if its time is no longer ago than its
    deadline (``late`` where the schedule has none of its own) and the database has not been put
    back to an earlier state since. As many of the others as the schedule remembers are noted as
    skipped.
    """
    passed, more = _passed(schedule, schedule.next_at, now)
    if not passed:
        return None
    deadline = late if schedule.starting_deadline is None else schedule.starting_deadline * SECOND
    latest = passed[-1]
    known = restored_at is None or latest > restored_at
    start = latest if now - latest <= deadline and known else None
    skipped = []
    for slot in passed:
        if slot == start:
            continue
        reason = SUPERSEDED if start is not None else _missed(now - slot, deadline)
        if restored_at is not None and slot <= restored_at:
            reason = RESTORED
        skipped.append(_skipped(slot, now, reason))
    return Due(start, _noted(skipped, more=more), next_slot(schedule, now))


def changed(before: Schedule, after: Schedule, now: Micros) -> tuple[Schedule, tuple[Slot, ...]]:
    """Return a changed schedule with its next slot, and the slots that the change passes over."""
    if before.next_at is not None and not after.paused and before.same_times(after):
        # One that has come and is about to be taken is not lost by a change of something else.
        return after.model_copy(update={"next_at": before.next_at}), ()
    if before.paused and not after.paused:
        since = next_slot(before.model_copy(update={"paused_at": None}), before.paused_at or now)
        passed, more = _passed(before, since, now)
        reason = PAUSED
    else:
        passed, more = _passed(before, before.next_at, now)
        reason = PAUSED if after.paused else CHANGED
    slots = _noted([_skipped(slot, now, reason) for slot in passed], more=more)
    new: dict[str, object] = {"next_at": next_slot(after, now)}
    if after.paused and not before.same_times(after):
        new["paused_at"] = now  # what it names now has not been passed over before
    return after.model_copy(update=new), slots


def _passed(schedule: Schedule, first: Micros | None, now: Micros) -> tuple[list[Micros], bool]:
    """Return the latest slots from ``first`` to now, and whether there were more before."""
    if first is None or first > now:
        return [], False
    if schedule.cron is None:
        return [first], False
    cron = Cron(schedule.cron, schedule.timezone)
    found = [first, *cron.last(first, now, schedule.history_limit + 1)]
    kept = found[-schedule.history_limit :]
    return kept, len(found) > len(kept)


def _skipped(slot: Micros, now: Micros, reason: str) -> Slot:
    return Slot(slot_at=slot, at=now, outcome=SlotOutcome.SKIPPED, reason=reason)


def _noted(slots: list[Slot], *, more: bool) -> tuple[Slot, ...]:
    if more and slots:
        slots[0] = slots[0].model_copy(update={"reason": slots[0].reason + _EARLIER})
    return tuple(slots)


def _missed(late: int, deadline: int) -> str:
    ago = timedelta(seconds=late // SECOND)
    return f"missed by {ago} h, more than its deadline of {deadline // SECOND} s"
