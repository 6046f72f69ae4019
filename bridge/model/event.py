"""Entries of a run's journal, named after the FIS log schema, version 2."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bridge.model.moment import Micros


class EventType(StrEnum):
    """What happened. The first eight are FIS's own log types, the rest are ours."""

    EXPERIMENT_START = "experiment-start"
    TARGET_RESOLUTION_START = "target-resolution-start"
    TARGET_RESOLUTION_DETAIL = "target-resolution-detail"
    TARGET_RESOLUTION_END = "target-resolution-end"
    ACTION_START = "action-start"
    ACTION_ERROR = "action-error"
    ACTION_END = "action-end"
    EXPERIMENT_END = "experiment-end"
    STATE_CHANGE = "state-change"
    RECORD_PHASE = "record-phase"
    UNMARKED = "unmarked"
    STOP_REQUESTED = "stop-requested"
    LATE_EFFECT = "late-effect"
    REVERT_RETRY = "revert-retry"
    RELEASED = "released"
    RELEASE_REFUSED = "release-refused"
    RESOURCE_EVENT = "resource-event"
    RESOURCE_STATE = "resource-state"
    PREFLIGHT = "preflight"


class Event(BaseModel):
    """One thing that happened to a run, at one time; appended, never changed."""

    model_config = ConfigDict(frozen=True)

    experiment: str
    sequence: int = 0
    """Position in the store's journal; 0 until it is stored."""
    type: EventType
    at: Micros
    details: dict[str, Any] = Field(default_factory=dict)
