"""A cloud of things that can be broken and mended, kept in a file that outlives processes."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from bridge.model.record import Record
from bridge.model.template import TemplateTarget
from providers import registry
from providers.contract import (
    DONE,
    Caller,
    Denial,
    Duration,
    Effect,
    Fault,
    FaultParameters,
    FoundMark,
    Guard,
    Mark,
    MarkSearch,
    Observation,
    Outcome,
    OutcomeKind,
    Outcomes,
    Provider,
    Resolution,
    Resolver,
    Resource,
    StopSource,
    StopState,
    TargetSpec,
    Timing,
    Undo,
)

PATH = "DOUBLES_WORLD"
"""Environment variable with the file's place."""
THING = "arn:aws:test:us-east-1:123456789012:thing/"


@dataclass(frozen=True)
class World:
    """The file: things by name, marks on them, and how the cloud misbehaves."""

    path: Path

    @classmethod
    def here(cls) -> World:
        """Return the world that the environment names."""
        return cls(Path(os.environ[PATH]))

    def create(self, names: Sequence[str], **misbehaviour: Any) -> World:
        """Begin with every thing whole."""
        things = {THING + name: "whole" for name in names}
        self.path.write_text(json.dumps({"things": things, "marks": {}, **misbehaviour}))
        return self

    @contextmanager
    def open(self) -> Iterator[dict[str, Any]]:
        """Read and write it, one process at a time."""
        with self.path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            world = json.load(file)
            yield world
            file.seek(0)
            file.truncate()
            json.dump(world, file)

    @property
    def states(self) -> list[str]:
        """What each thing is like now."""
        with self.open() as world:
            return list(world["things"].values())

    @property
    def reverts(self) -> int:
        """How often mending was tried."""
        with self.open() as world:
            return int(world.get("reverts", 0))

    def set(self, **misbehaviour: Any) -> None:
        """Change how the cloud behaves."""
        with self.open() as world:
            world.update(misbehaviour)


@dataclass(frozen=True)
class ThingSession:
    caller: Caller
    guard: Guard | None


class ThingProvider(Provider):
    def __init__(self, settings: object, peer: object = None) -> None:
        pass

    async def session(
        self, caller: Caller, guard: Guard | None, wake: Callable[[], None] | None = None
    ) -> ThingSession:
        return ThingSession(caller, guard)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        with World.here().open() as world:
            found = [
                FoundMark(
                    Mark(**mark),
                    Record(
                        id=thing,
                        action=mark["action"],
                        holders=(mark["action"],),
                        fault=mark["fault"],
                        resource=thing,
                        effect="break",
                    ),
                )
                for thing, mark in world["marks"].items()
            ]
        return MarkSearch(found)

    async def close(self) -> None:
        pass


class Break(Fault):
    """Break things, and mend them when the fault ends."""

    id = "aws:test:break"
    provider = "test"
    target = TargetSpec("Things", "aws:test:thing")
    effect = "break"
    undoing = "mend it"

    class Parameters(FaultParameters):
        """What it takes."""

        duration: Duration = Field(description="How long things stay broken.")

    def undo(self, parameters: Any) -> Undo:
        return Undo.RESTORES

    def timing(self, parameters: Any) -> Timing:
        return Timing.lasts(parameters.duration)

    async def review(
        self, session: Any, parameters: Any, resources: Sequence[Resource]
    ) -> list[Denial]:
        with World.here().open() as world:
            denied = world.get("denied")
        return [Denial("may not break things", "allow: [break]")] if denied else []

    async def prepare(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        return {record.id: DONE for record in records}

    async def inject(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        return self._turn(records, "broken")

    async def observe(self, session: Any, records: Sequence[Record]) -> Mapping[str, Observation]:
        with World.here().open() as world:
            broken = {r.id: world["things"][r.resource] == "broken" for r in records}
        return {
            record: Observation(Effect.PRESENT if is_broken else Effect.ABSENT)
            for record, is_broken in broken.items()
        }

    async def revert(self, session: Any, records: Sequence[Record]) -> Outcomes:
        with World.here().open() as world:
            stubborn = world.get("stubborn")
            world["reverts"] = world.get("reverts", 0) + 1
        if stubborn:
            return {r.id: Outcome(OutcomeKind.REJECTED, "it is stuck") for r in records}
        return self._turn(records, "whole")

    async def mark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:
        with World.here().open() as world:
            if world.get("untaggable"):
                refused = Outcome(OutcomeKind.REJECTED, "may not tag")
                return {record.id: refused for record in records}
            for record in records:
                world["marks"][record.resource] = vars(mark)
        return {record.id: DONE for record in records}

    async def unmark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:
        with World.here().open() as world:
            for record in records:
                world["marks"].pop(record.resource, None)
        return {record.id: DONE for record in records}

    def _turn(self, records: Sequence[Record], state: str) -> Outcomes:
        with World.here().open() as world:
            for record in records:
                world["things"][record.resource] = state
        return {record.id: DONE for record in records}


class ThingResolver(Resolver):
    resource_type = "aws:test:thing"
    provider = "test"
    description = "Things"

    async def resolve(self, session: Any, target: TemplateTarget) -> Resolution:
        with World.here().open() as world:
            names = sorted(world["things"])
        return Resolution([Resource(self.resource_type, name, {"arn": name}) for name in names])


class Signal(StopSource):
    source = "test:signal"
    provider = "test"

    async def read(self, session: Any, values: Sequence[str]) -> Mapping[str, StopState]:
        with World.here().open() as world:
            state = StopState(world.get("signal", "clear"))
        return dict.fromkeys(values, state)


def install() -> dict[str, dict[str, str]]:
    """Return the registry's tables with the doubles in the place of the clouds."""
    here = __name__
    return {
        "PROVIDERS": {"test": f"{here}:ThingProvider"},
        "FAULTS": {Break.id: f"{here}:Break"},
        "RESOLVERS": {ThingResolver.resource_type: f"{here}:ThingResolver"},
        "STOP_SOURCES": {Signal.source: f"{here}:Signal"},
    }


def replace_registry() -> None:
    """Put the doubles in the place of the clouds for the rest of the process."""
    for name, table in install().items():
        setattr(registry, name, table)


def document(
    *, seconds: int = 60, signal: bool = False, description: str = "Break things"
) -> dict[str, Any]:
    """Return a template that breaks every thing, for a while."""
    length = f"PT{timedelta(seconds=seconds).seconds}S"
    return {
        "description": description,
        "targets": {
            "all": {
                "resourceType": "aws:test:thing",
                "resourceTags": {"any": "thing"},
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "break": {
                "actionId": Break.id,
                "parameters": {"duration": length},
                "targets": {"Things": "all"},
            }
        },
        "stopConditions": [
            {"source": Signal.source, "value": "the signal that stops it"}
            if signal
            else {"source": "none"}
        ],
        "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
    }
