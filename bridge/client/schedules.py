"""Schedules in the native API: their documents, their calls, and the methods of both clients."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import Field

from bridge.client.calls import Call
from bridge.client.documents import Document, RequestDocument
from bridge.model.schedule import (
    DEFAULT_HISTORY,
    LONGEST_HISTORY,
    ConcurrencyPolicy,
    SlotOutcome,
)

T = TypeVar("T", bound=Document)

_LONGEST_DEADLINE = 30 * 24 * 3600


class ScheduleState(StrEnum):
    """Whether a schedule starts anything."""

    ACTIVE = "active"
    PAUSED = "paused"
    OVER = "over"
    """Its one time has come, or there is none to come."""


class ScheduleRequest(RequestDocument):
    """Create a schedule: of a document, which is stored as a template first, or of a stored one."""

    template: dict[str, Any] | None = None
    """A ``CreateExperimentTemplate`` document; ``kubernetesSpec`` may be an object or YAML."""
    template_id: str | None = Field(default=None, min_length=1, max_length=64)
    cron: str | None = None
    """Minute, hour, day of the month, month, day of the week; or ``@hourly`` and the like."""
    timezone: str | None = None
    """IANA name of the zone that the cron expression is read in; UTC where absent."""
    at: str | None = None
    """One time in place of a cron expression, as RFC 3339 with its offset."""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.FORBID
    history_limit: int = Field(default=DEFAULT_HISTORY, ge=1, le=LONGEST_HISTORY)
    """Slots that are remembered, beside those whose runs are still open."""
    starting_deadline_seconds: int | None = Field(default=None, ge=1, le=_LONGEST_DEADLINE)
    """A slot that is missed by more is skipped; the bridge's ``late_at_least`` where absent."""
    paused: bool = False
    description: str = Field(default="", max_length=512)
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the runs."""
    client_token: str | None = Field(default=None, min_length=1, max_length=1024)
    """A repeat of the same request with the same token answers what the first one made."""


class ScheduleChange(RequestDocument):
    """Change what is given of a schedule and leave the rest; ``cron`` and ``at`` take turns."""

    template_id: str = Field(default="", min_length=1, max_length=64)
    cron: str = ""
    timezone: str = ""
    at: str = ""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.FORBID
    history_limit: int = Field(default=DEFAULT_HISTORY, ge=1, le=LONGEST_HISTORY)
    starting_deadline_seconds: int | None = Field(default=None, ge=1, le=_LONGEST_DEADLINE)
    """``null`` goes back to the bridge's own rule."""
    paused: bool = False
    description: str = Field(default="", max_length=512)
    tags: dict[str, str] = Field(default_factory=dict)


class ScheduleSummary(Document):
    """One schedule in a list."""

    id: str
    template_id: str
    state: ScheduleState
    cron: str | None = None
    timezone: str = "UTC"
    at: datetime | None = None
    in_words: str
    """What the schedule says, in English."""
    next_at: datetime | None = None
    """The slot that is waited for; None while it is paused, and when it is over."""
    concurrency_policy: ConcurrencyPolicy
    history_limit: int
    starting_deadline_seconds: int | None = None
    paused_at: datetime | None = None
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


class SchedulePage(Document):
    """A page of schedules in order of creation."""

    schedules: tuple[ScheduleSummary, ...]
    next: str | None = None
    """What to give as ``after`` for the next page; None on the last."""


class ScheduleSlot(Document):
    """One planned time and what became of it."""

    slot_at: datetime
    at: datetime
    """When it was decided: later than the slot by its lateness."""
    outcome: SlotOutcome
    reason: str = ""
    experiment_id: str | None = None


class ScheduleDetail(ScheduleSummary):
    """One schedule with what comes next and what became of its latest slots."""

    coming: tuple[datetime, ...] = ()
    """The next three slots."""
    slots: tuple[ScheduleSlot, ...] = ()
    """The latest first."""


# --- calls --------------------------------------------------------------------------------


def _path(schedule_id: str) -> str:
    return f"/v1/schedules/{quote(schedule_id, safe='')}"


def create_schedule(request: ScheduleRequest) -> Call[ScheduleDetail]:
    """Create a schedule."""
    body = request.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Call("POST", "/v1/schedules", ScheduleDetail, body=body)


def schedules(*, after: str | None = None, limit: int = 100) -> Call[SchedulePage]:
    """List schedules in order of creation."""
    query: dict[str, str | int | float] = {"limit": limit}
    if after is not None:
        query["after"] = after
    return Call("GET", "/v1/schedules", SchedulePage, query=query)


def schedule(schedule_id: str) -> Call[ScheduleDetail]:
    """Show a schedule with what became of its latest slots."""
    return Call("GET", _path(schedule_id), ScheduleDetail)


def change_schedule(schedule_id: str, change: ScheduleChange) -> Call[ScheduleDetail]:
    """Change a schedule, pause it or resume it."""
    body = change.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return Call("PATCH", _path(schedule_id), ScheduleDetail, body=body)


def delete_schedule(schedule_id: str) -> Call[ScheduleDetail]:
    """Delete a schedule; its runs are left alone."""
    return Call("DELETE", _path(schedule_id), ScheduleDetail)


# --- clients ------------------------------------------------------------------------------


class SchedulesClient:
    """What a client that waits can do with schedules.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        raise NotImplementedError

    def create_schedule(self, request: ScheduleRequest) -> ScheduleDetail:
        """Create a schedule."""
        return self.send(create_schedule(request))

    def schedules(self, *, after: str | None = None, limit: int = 100) -> SchedulePage:
        """List schedules in order of creation."""
        return self.send(schedules(after=after, limit=limit))

    def schedule(self, schedule_id: str) -> ScheduleDetail:
        """Show a schedule with what became of its latest slots."""
        return self.send(schedule(schedule_id))

    def change_schedule(self, schedule_id: str, change: ScheduleChange) -> ScheduleDetail:
        """Change a schedule, pause it or resume it."""
        return self.send(change_schedule(schedule_id, change))

    def delete_schedule(self, schedule_id: str) -> ScheduleDetail:
        """Delete a schedule and return it as it was; its runs are left alone."""
        return self.send(delete_schedule(schedule_id))


class AsyncSchedulesClient:
    """What a client for an event loop can do with schedules.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    async def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        raise NotImplementedError

    async def create_schedule(self, request: ScheduleRequest) -> ScheduleDetail:
        """Create a schedule."""
        return await self.send(create_schedule(request))

    async def schedules(self, *, after: str | None = None, limit: int = 100) -> SchedulePage:
        """List schedules in order of creation."""
        return await self.send(schedules(after=after, limit=limit))

    async def schedule(self, schedule_id: str) -> ScheduleDetail:
        """Show a schedule with what became of its latest slots."""
        return await self.send(schedule(schedule_id))

    async def change_schedule(self, schedule_id: str, change: ScheduleChange) -> ScheduleDetail:
        """Change a schedule, pause it or resume it."""
        return await self.send(change_schedule(schedule_id, change))

    async def delete_schedule(self, schedule_id: str) -> ScheduleDetail:
        """Delete a schedule and return it as it was; its runs are left alone."""
        return await self.send(delete_schedule(schedule_id))
