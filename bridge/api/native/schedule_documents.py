"""Schedules, read from what is asked and written as the native API shows them; no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bridge.client.schedules import (
    ScheduleChange,
    ScheduleDetail,
    ScheduleRequest,
    ScheduleSlot,
    ScheduleState,
    ScheduleSummary,
)
from bridge.engine.cron import Cron, check_timezone
from bridge.engine.slots import coming, next_slot
from bridge.model.identifiers import new_schedule_id
from bridge.model.moment import Micros, iso_timestamp, micros, timestamp
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.schedule import Schedule, Slot
from bridge.model.scope import Scope
from bridge.model.wording import quote

_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH: Final = timestamp(Micros(0))
_COMING: Final = 3


def new_schedule(asked: ScheduleRequest, *, scope: Scope, template: str, now: Micros) -> Schedule:
    """Return a fresh schedule. Raises InvalidDocumentError."""
    times = _times(asked.cron, asked.timezone, asked.at, now)
    made = Schedule(
        id=new_schedule_id(),
        scope=scope,
        template_id=template,
        **times,
        concurrency_policy=asked.concurrency_policy,
        history_limit=asked.history_limit,
        starting_deadline=asked.starting_deadline_seconds,
        paused_at=now if asked.paused else None,
        description=asked.description,
        tags=asked.tags,
        created_at=now,
        updated_at=now,
    )
    return made.model_copy(update={"next_at": next_slot(made, now)})


def changed_schedule(before: Schedule, asked: ScheduleChange, now: Micros) -> Schedule:
    """Return a schedule with what is given changed; its next slot is still the one before.

    Raises InvalidDocumentError.
    """
    given = {name: getattr(asked, name) for name in asked.model_fields_set}
    new: dict[str, object] = {"updated_at": now}
    if given.keys() & {"cron", "timezone", "at"}:
        cron, at = given.pop("cron", None), given.pop("at", None)
        timezone = given.pop("timezone", None)
        if at is None and before.cron is not None:
            cron = before.cron if cron is None else cron
            timezone = before.timezone if timezone is None else timezone
        elif at is None and cron is None:
            raise _only_for_cron()
        new |= _times(cron, timezone, at, now)
    if "paused" in given:
        paused = given.pop("paused")
        new["paused_at"] = (before.paused_at or now) if paused else None
    if "starting_deadline_seconds" in given:
        new["starting_deadline"] = given.pop("starting_deadline_seconds")
    return before.model_copy(update={**given, **new})


def render_schedule(schedule: Schedule) -> ScheduleSummary:
    """Return a schedule for a list."""
    return ScheduleSummary(**_shown(schedule))


def render_schedule_detail(schedule: Schedule, slots: Sequence[Slot]) -> ScheduleDetail:
    """Return a schedule with what comes next and what became of its slots."""
    return ScheduleDetail(
        **_shown(schedule),
        coming=tuple(timestamp(slot) for slot in coming(schedule, _COMING)),
        slots=tuple(
            ScheduleSlot(
                slot_at=timestamp(slot.slot_at),
                at=timestamp(slot.at),
                outcome=slot.outcome,
                reason=slot.reason,
                experiment_id=slot.experiment,
            )
            for slot in slots
        ),
    )


def _shown(schedule: Schedule) -> Mapping[str, Any]:
    cron = schedule.cron
    return {
        "id": schedule.id,
        "template_id": schedule.template_id,
        "state": _state(schedule),
        "cron": cron,
        "timezone": schedule.timezone,
        "at": _time(schedule.at),
        "in_words": "Once" if cron is None else Cron(cron, schedule.timezone).in_words(),
        "next_at": _time(schedule.next_at),
        "concurrency_policy": schedule.concurrency_policy,
        "history_limit": schedule.history_limit,
        "starting_deadline_seconds": schedule.starting_deadline,
        "paused_at": _time(schedule.paused_at),
        "description": schedule.description,
        "tags": schedule.tags,
        "created_at": timestamp(schedule.created_at),
        "updated_at": timestamp(schedule.updated_at),
    }


def _state(schedule: Schedule) -> ScheduleState:
    if schedule.paused:
        return ScheduleState.PAUSED
    return ScheduleState.OVER if schedule.next_at is None else ScheduleState.ACTIVE


def _time(moment: Micros | None) -> datetime | None:
    return None if moment is None else timestamp(moment)


# --- times --------------------------------------------------------------------------------


def _times(cron: str | None, timezone: str | None, at: str | None, now: Micros) -> dict[str, Any]:
    """Return the members of a schedule that say when. Raises InvalidDocumentError."""
    if (cron is None) == (at is None):
        message = 'give either "cron" (again and again) or "at" (once), not both or none'
        raise InvalidDocumentError([Problem("cron", message)])
    if at is not None:
        if timezone is not None:
            raise _only_for_cron()
        return {"cron": None, "timezone": "UTC", "at": _point(at, now)}
    problems = []
    zone = "UTC" if timezone is None else timezone
    try:
        check_timezone(zone)
    except ValueError as error:
        problems.append(Problem("timezone", str(error)))
    try:
        Cron(cron or "")
    except ValueError as error:
        problems.append(Problem("cron", str(error)))
    if problems:
        raise InvalidDocumentError(problems)
    return {"cron": cron, "timezone": zone, "at": None}


def _only_for_cron() -> InvalidDocumentError:
    message = 'is for a cron expression; "at" carries its own offset, leave it out'
    return InvalidDocumentError([Problem("timezone", message)])


def _point(text: str, now: Micros) -> Micros:
    try:
        if not _RFC_3339.fullmatch(text):
            raise ValueError  # noqa: TRY301 - answered like a time that no calendar has
        since = datetime.fromisoformat(text.upper()) - _EPOCH
    except (ValueError, OverflowError):
        message = (
            f"{quote(text)} is not a time with its offset; "
            'write it like "2026-12-01T02:30:00Z" or "2026-12-01T03:30:00+01:00"'
        )
        raise InvalidDocumentError([Problem("at", message)]) from None
    found = micros(since)
    if found <= now:
        message = f"{quote(text)} is past, it is {iso_timestamp(now)} now; give a time to come"
        raise InvalidDocumentError([Problem("at", message)])
    return found
