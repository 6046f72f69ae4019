"""TimeChaos: clocks that run ahead or behind, as the processes of a container see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosSpec
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.findings import unknown_words, unread_duration, warning
from providers.kubernetes.specs.selector import ContainerSelection

CLOCKS: Final = (
    "CLOCK_REALTIME",
    "CLOCK_MONOTONIC",
    "CLOCK_PROCESS_CPUTIME_ID",
    "CLOCK_THREAD_CPUTIME_ID",
    "CLOCK_MONOTONIC_RAW",
    "CLOCK_REALTIME_COARSE",
    "CLOCK_MONOTONIC_COARSE",
    "CLOCK_BOOTTIME",
    "CLOCK_REALTIME_ALARM",
    "CLOCK_BOOTTIME_ALARM",
)
"""The clocks of Linux that can be shifted."""


def _offset(text: str) -> str:
    parse_go_duration(text)
    return text


Offset = Annotated[str, AfterValidator(_offset), Field(json_schema_extra={"example": "-10m"})]


class TimeChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of a TimeChaos."""

    time_offset: Offset = Field(
        description="How far the clock is put forward, or with a minus sign back."
    )
    clock_ids: list[str] | None = Field(
        default=None,
        description=f"The clocks that are shifted: {', '.join(CLOCKS)}.",
        json_schema_extra={
            "webhookDefault": ["CLOCK_REALTIME"],
            "example": ["CLOCK_REALTIME"],
        },
    )
    # Alone among the kinds of chaos, no webhook reads it.
    duration: str | None = Field(
        default=None,
        description="How long the chaos lasts, from the creation of the resource. Not checked by "
        "Chaos Mesh: what is not a duration never ends.",
        json_schema_extra={"example": "30s"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Offsets of nothing, and clocks that Linux does not have."""
        yield from super().findings(path)
        if parse_go_duration(self.time_offset) == timedelta(0):
            message = f'"{self.time_offset}" shifts no clock, write it like "-10m"'
            yield warning(child(path, "timeOffset"), message)
        where = child(path, "clockIds")
        yield from unknown_words(self.clock_ids, CLOCKS, where, "so the clocks cannot be shifted")

    def duration_findings(self, path: str) -> Iterator[Problem]:
        """A duration that is none is accepted, and the clocks then never go right again."""
        where = child(path, "duration")
        odd = list(
            unread_duration(self.duration, where, "so the clocks never go right by themselves")
        )
        if odd:
            yield from odd
        else:
            yield from super().duration_findings(path)
