"""The safety lever: the one switch that stops every run and refuses new ones."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bridge.model.moment import Micros

CAUSE: Final = "safety-lever"
"""Cause of the stop that an engaged lever asks of a run."""


class LeverStatus(StrEnum):
    """FIS's states of the lever."""

    DISENGAGED = "disengaged"
    ENGAGING = "engaging"
    """Engaged, and runs that were open then are still being undone."""
    ENGAGED = "engaged"


class Lever(BaseModel):
    """How the lever of a store stands."""

    model_config = ConfigDict(frozen=True)

    status: LeverStatus = LeverStatus.DISENGAGED
    reason: str = "The safety lever was never engaged."
    changed_at: Micros | None = None
    moved_by: str = ""
    """The principal who moved it."""
