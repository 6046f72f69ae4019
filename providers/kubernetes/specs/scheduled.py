"""What a Schedule and the schedule of a Workflow's template share: times, and a chaos to create."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosSpec, Int64, Integer
from providers.kubernetes.specs.cron import Times, times_of
from providers.kubernetes.specs.embedded import FIELDS, EmbeddedChaos, endless
from providers.kubernetes.specs.lifetime import duration_of
from providers.kubernetes.specs.problems import meant, shown

ConcurrencyPolicy = Literal["Forbid", "Allow"]

_PANIC: Final = "the webhook of the cluster fails over it with an error of its own"


class ScheduledChaos(EmbeddedChaos):
    """A chaos that comes again and again."""

    schedule: str = Field(
        description="When: cron in 5 or 6 fields, or @every 10m, @hourly, @daily and the like.",
        json_schema_extra={"example": "*/10 * * * *"},
    )
    type: str = Field(
        description="The kind that is created each time.",
        json_schema_extra={"choices": list(FIELDS)},
    )
    concurrency_policy: ConcurrencyPolicy | None = Field(
        default=None,
        description="Whether a turn is left out while the one before it is not over.",
        json_schema_extra={"webhookDefault": "Forbid"},
    )
    history_limit: Annotated[Integer, Field(ge=1)] | None = Field(
        default=None, description="How many finished children are kept."
    )
    starting_deadline_seconds: Annotated[Int64, Field(ge=1)] | None = Field(
        default=None, description="How late a turn may begin; without it, however late."
    )

    @property
    def types(self) -> tuple[str, ...]:
        """The kinds that may come again."""
        return tuple(FIELDS)

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for the times and for what comes then."""
        times = Times()
        where = child(path, "schedule")
        try:
            times = times_of(self.schedule)
        except ValueError as refusal:
            yield Problem(where, str(refusal))
        if times.never:
            message = "names a day that no year has, so nothing ever starts; write another day"
            yield Problem(where, message, Severity.WARNING)
        if self.type not in self.types:
            hint = meant(self.type, self.types) or f"write one of {', '.join(self.types)}"
            message = f"{shown(self.type)} is not a kind that can be scheduled; {hint}"
            yield Problem(child(path, "type"), message)
            return
        yield from self._missing(path)
        for kind in self.embedded():
            if kind != self.type:
                message = f'is ignored with type "{self.type}", leave it out'
                yield Problem(child(path, FIELDS[kind]), message, Severity.WARNING)
        yield from self._overlaps(times, path)

    def all_findings(self, path: str) -> Iterator[Problem]:
        """Those of the schedule, and of the one spec that is used."""
        yield from self.findings(path)
        yield from self.chaos_findings(self.type, path)

    def _missing(self, path: str) -> Iterator[Problem]:
        if self.type in FIELDS and self.chaos(self.type) is None:
            message = f'is required with type "{self.type}" ({_PANIC}), write its spec here'
            yield Problem(child(path, FIELDS[self.type]), message)

    def _overlaps(self, times: Times, path: str) -> Iterator[Problem]:
        chaos = self.chaos(self.type)
        if chaos is None:
            return
        where = child(child(path, FIELDS[self.type]), "duration")
        allowed = self.concurrency_policy == "Allow"
        if endless(self.type, chaos):
            what = "the second turn never comes: the first is never over, and Forbid waits for it"
            if allowed:
                what = "every turn adds a chaos that never ends"
            message = f'is missing, so {what}; write how long each is to last, like "30s"'
            yield Problem(where, message, Severity.WARNING)
        elif times.every is not None and _length(self.type, chaos) > times.every:
            what = "several run at the same time" if allowed else "turns are left out"
            message = f"is longer than the pause of the schedule, so {what}; shorten it"
            yield Problem(where, message, Severity.WARNING)


def _length(kind: str, chaos: ChaosSpec | Mapping[str, Any]) -> timedelta:
    """How long a chaos lasts; nothing for one that is over at once, or cannot be read."""
    spec = chaos.model_dump(by_alias=True) if isinstance(chaos, ChaosSpec) else chaos
    try:
        return duration_of(kind, spec) or timedelta()
    except ValueError:
        return timedelta()
