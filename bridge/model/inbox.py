"""Requests to a run: appended by anybody, without a fence, read by ``advance``."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bridge.model.moment import Micros


class RequestKind(StrEnum):
    """What is asked of a run, or told to it."""

    STOP = "stop"
    """End it and undo everything: ``reason``, ``cause`` (user, stop-condition, away …)."""
    RELEASE = "release"
    """An operator gives up on one record: ``record``, ``reason``; by ``force`` what holds its
    resource is let go of first, ``webhooks`` included."""
    LATE_EFFECT = "late-effect"
    """A worker came back from a call after it had lost the run: ``records``, ``call``."""


class Request(BaseModel):
    """One row of the inbox."""

    model_config = ConfigDict(frozen=True)

    experiment: str
    sequence: int = 0
    kind: RequestKind
    at: Micros
    details: dict[str, Any] = Field(default_factory=dict)
