"""A schedule: when a template is started without anybody asking, and what became of each slot.

The words are those of Chaos Mesh's Schedule where it has one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from bridge.model.moment import Micros
from bridge.model.scope import Scope

DEFAULT_HISTORY: Final = 10
"""Slots that a schedule remembers unless told otherwise."""
LONGEST_HISTORY: Final = 100


class ConcurrencyPolicy(StrEnum):
    """What happens to a slot while an earlier run of the schedule is still open."""

    FORBID = "Forbid"
    ALLOW = "Allow"


class SlotOutcome(StrEnum):
    """What became of a slot."""

    STARTED = "started"
    SKIPPED = "skipped"
    """On purpose: an earlier run was open, it came too late, the schedule was paused."""
    FAILED = "failed"
    """No run could be made: the template is gone, or is refused now."""


class Slot(BaseModel):
    """One planned time of a schedule, and what became of it."""

    model_config = ConfigDict(frozen=True)

    slot_at: Micros
    """The planned time; there is one outcome for each."""
    at: Micros
    """When the outcome was decided."""
    outcome: SlotOutcome
    reason: str = ""
    experiment: str | None = None


class Schedule(BaseModel):
    """When a stored template is started: at each time that a cron expression names, or once."""

    model_config = ConfigDict(frozen=True)

    id: str
    scope: Scope
    template_id: str
    cron: str | None = None
    """Five fields; exactly one of this and ``at`` is given."""
    timezone: str = "UTC"
    """IANA name of the zone in which the cron expression is read."""
    at: Micros | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.FORBID
    history_limit: int = DEFAULT_HISTORY
    starting_deadline: int | None = None
    """Seconds by which a start may be late; None: the bridge's own rule."""
    paused_at: Micros | None = None
    """Since when nothing is started; None while it is not paused."""
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the runs."""
    created_at: Micros
    updated_at: Micros
    next_at: Micros | None = None
    """The slot that is waited for; None: paused, or over. A column of its own in the store."""

    @property
    def paused(self) -> bool:
        """Whether nothing is started for now."""
        return self.paused_at is not None

    def same_times(self, other: Schedule) -> bool:
        """Whether both name the same times."""
        mine, others = (self.cron, self.timezone, self.at), (other.cron, other.timezone, other.at)
        return mine == others
