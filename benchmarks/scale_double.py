"""A fault, a target and a stop condition of no cloud: what is left is the bridge's own work.

The fault is in effect as soon as it is asked for, and undone as soon. Every run holds a thing of
its own, so that each has a record as a real fault has, and no two runs are in each other's way.
The stop condition is always clear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.model.record import Record
from bridge.model.template import TemplateTarget
from providers import registry
from providers.contract import (
    DONE,
    Caller,
    Duration,
    Effect,
    FaultParameters,
    Guard,
    MarkSearch,
    Observation,
    Observations,
    Outcomes,
    Provider,
    Resolution,
    Resolver,
    Resource,
    Session,
    StopSource,
    StopState,
    TargetSpec,
)
from providers.lengths import LastingFault

ACTION: Final = "aws:bench:hold"
RESOURCE_TYPE: Final = "aws:bench:thing"
STOP_SOURCE: Final = "aws:bench:signal"
_PROVIDER: Final = "bench"


def register() -> None:
    """Let this process's bridge know them."""
    here = __name__
    for names, name, kind in (
        (registry.PROVIDERS, _PROVIDER, "BenchProvider"),
        (registry.FAULTS, ACTION, "Hold"),
        (registry.RESOLVERS, RESOURCE_TYPE, "ThingResolver"),
        (registry.STOP_SOURCES, STOP_SOURCE, "SignalSource"),
    ):
        dict.__setitem__(names, name, f"{here}:{kind}")  # type: ignore[arg-type] # a dict


@dataclass(frozen=True)
class BenchSession:
    """Nobody's way into nothing."""

    caller: Caller
    guard: Guard | None


class BenchProvider(Provider):
    """Opens sessions."""

    def __init__(self, settings: Any, provider: Callable[[str], Provider]) -> None:
        """Need nothing."""

    async def session(
        self,
        caller: Caller,
        guard: Guard | None,
        wake: Callable[[], None] | None = None,  # noqa: ARG002 - nothing happens by itself
    ) -> Session:
        """Open a session."""
        return BenchSession(caller, guard)

    async def find_marks(self, caller: Caller) -> MarkSearch:  # noqa: ARG002 - there are none
        """Find nothing."""
        return MarkSearch([])

    async def close(self) -> None:
        """Close nothing."""


class Hold(LastingFault):
    """Hold a thing for a duration."""

    id = ACTION
    provider = _PROVIDER
    target = TargetSpec("Things", RESOURCE_TYPE)
    effect = "bench:hold"

    class Parameters(FaultParameters):
        """How long."""

        duration: Duration

    async def prepare(
        self, session: Session, parameters: Any, records: Sequence[Record]
    ) -> Outcomes:
        """Be ready."""
        del session, parameters
        return {record.id: DONE for record in records}

    inject = prepare

    async def observe(self, session: Session, records: Sequence[Record]) -> Observations:
        """See that it is in effect."""
        del session
        return {record.id: Observation(Effect.PRESENT) for record in records}

    async def revert(self, session: Session, records: Sequence[Record]) -> Outcomes:
        """Be undone."""
        del session
        return {record.id: DONE for record in records}


class ThingResolver(Resolver):
    """Finds one thing, another for each run."""

    resource_type = RESOURCE_TYPE
    provider = _PROVIDER
    description = "A thing of the benchmark's."

    async def resolve(self, session: Session, target: TemplateTarget) -> Resolution:  # noqa: ARG002 - any target
        """Find it."""
        name = f"thing/{session.caller.name}"
        return Resolution([Resource(RESOURCE_TYPE, name, {"arn": name})], [])


class SignalSource(StopSource):
    """A stop condition that is always clear."""

    source = STOP_SOURCE
    provider = _PROVIDER

    async def read(self, session: Session, values: Sequence[str]) -> Mapping[str, StopState]:  # noqa: ARG002 - as above
        """Read them."""
        return dict.fromkeys(values, StopState.CLEAR)
