"""The matrix: which cases there are of a fault, each on resources as they were before."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from providers import registry
from providers.contract import Undo
from providers.lengths import StayingFault
from tests.crash.cases import WAYS, Case, Found
from tests.crash.stage import Stage
from tests.crash.summary import Tally
from tests.crash.troubles import impatient
from tests.trial.rig import Rig, World

MOST_POINTS: Final = 40
"""Beyond so many points of one run only those are taken that differ: a chaos resource is looked
at dozens of times. A plain death strikes at every one."""


LASTING: Final = "lasting"
"""A plain death during a fault that is meant to stay."""


class Matrix:
    """The cases of one rig's fault, each on resources as they were before."""

    def __init__(self, rig: type[Rig], world: World, count: int = 1) -> None:
        """Play on ``count`` targets in a world that is entered already."""
        self._kind = rig
        self._world = world
        self._count = count
        self._stage: Stage | None = None
        self.tally = Tally(f"{rig.fault}, {count} target{'s' * (count > 1)}")

    @property
    def kinds(self) -> list[str]:
        """What happens in the cases of this fault."""
        kinds = [kind for kind in WAYS if kind != "database lost" or not self._kind.no_marks]
        lasting = isinstance(registry.fault(self._kind.fault), StayingFault)
        return [*kinds, LASTING] if lasting else kinds

    async def undisturbed(self, kind: str) -> Found:
        """Play the case in which nothing strikes; it tells the points."""
        return await self._play(kind, -1)

    async def every_point(self, kind: str, *, at_most: int | None = None) -> None:
        """Let it happen at every point in turn, or at so many of them, spread over all."""
        async with self._conditions(kind):
            order = (await self.undisturbed(kind)).order
            points = eligible(kind, order)
            limit = at_most or (len(points) if kind == "killed" else MOST_POINTS)
            for point in spread(points, limit):
                await self._play(kind, point)

    async def some(self, kind: str, draw: random.Random, *, points: int) -> None:
        """Let it happen at so many points that are drawn."""
        async with self._conditions(kind):
            open_ = eligible(kind, (await self._play(kind, -1)).order)
            for point in draw.sample(open_, min(points, len(open_))):
                await self._play(kind, point)

    async def play(self, kind: str, point: int) -> Found:
        """Let it happen at one point."""
        async with self._conditions(kind):
            return await self._play(kind, point)

    async def _play(self, kind: str, point: int) -> Found:
        case = Case(await self._prepared(kind), kind, point)
        found = await case.play()
        for _ in range(2):
            if not found.missed or found.complaints:
                break
            # A slow machine looks a little more or less often: strike at the last point then.
            point = eligible(kind, found.order)[-1]
            case = Case(await self._prepared(kind), kind, point)
            found = await case.play()
        if found.missed:
            found.complaints.append(f"point {point} was never passed")
        if point < 0 and len(found.order) < found.owed:
            found.complaints.append(f"{len(found.order)} points, its journal shows {found.owed}")
        name = f"{self.tally.title}, {kind} at {point} ({found.struck or 'nowhere'})"
        self.tally.add(name, found.struck, found.late, found.complaints)
        if found.complaints or case.undo is not Undo.RESTORES or not self._kind.repeatable:
            self._stage = None  # the next case needs other resources
        return found

    async def _prepared(self, kind: str) -> Stage:
        parameters = dict(self._kind.parameters)
        if kind == LASTING:
            parameters = {k: v for k, v in parameters.items() if not k.endswith("AfterDuration")}
        if self._stage is None or self._stage.parameters != parameters:
            self._world.empty()
            self._stage = Stage(self._kind(self._world), self._count, parameters)
        return self._stage

    @asynccontextmanager
    async def _conditions(self, kind: str) -> AsyncIterator[None]:
        if kind != "hanging":
            yield
            return
        async with impatient(self._world):
            yield


def eligible(kind: str, order: Sequence[str]) -> list[int]:
    """Return the numbers of the points at which it can happen."""
    if kind == "database fails":
        return [number for number, name in enumerate(order, 1) if name.endswith("commit")]
    if kind == "frozen":
        # What comes after a commit is where the next step is held.
        return [number for number, name in enumerate(order, 1) if name != "after commit"]
    return list(range(1, len(order) + 1))


def spread(points: Sequence[int], most: int) -> list[int]:
    """Return so many of the points, evenly, with the first and the last."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / max(1, most - 1)
    return [points[round(number * step)] for number in range(most)]
