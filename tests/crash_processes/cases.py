"""What is done to whom and when: the cases, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.crash_processes.points import CHECKED, Point

SYSTEMS: Final = ("sqlite", "postgresql")


class Death(StrEnum):
    """What befalls a bridge."""

    KILL = "SIGKILL"
    TERM = "SIGTERM"
    FREEZE = "SIGSTOP"
    """SIGCONT comes when the lease is over and, on PostgreSQL, another worker has the run."""
    CALL = "SIGSTOP in a call"
    """The same after the last check of the lease and before the request leaves."""
    RESTART = "database restarted"
    AWAY = "database away"
    """For three leases."""
    SLOW = "slow call"
    """No death at all: a call that takes three leases. Nobody may take the run meanwhile."""


@dataclass(frozen=True)
class Case:
    """One death in one run."""

    number: int
    system: str
    death: Death
    point: str = ""
    """Name of the point where it comes; empty: at a time."""
    part: float = 0.0
    """At the first point of that name after this part of a whole run's points."""
    at: float = 0.0
    """Seconds after the start of the run, where there is no point."""
    thaw_after_end: bool = False
    """Whether a frozen process goes on after the others have ended the run, not as they take it."""
    stopped: bool = False
    """Whether a user stops the run meanwhile."""
    which: int = 0
    """Which worker, where there is no point."""
    alone: float = 0.0
    """Seconds until the next bridge comes, on SQLite."""

    @property
    def moment(self) -> str:
        """When, in words."""
        return self.point or "at some time"

    def __str__(self) -> str:
        """Tell all of it in one line."""
        when = f"{self.point} past {self.part:.0%}" if self.point else f"after {self.at:.2f} s"
        more = [", thawed after the end"] * self.thaw_after_end + [", stopped"] * self.stopped
        return f"{self.number:3} {self.system} {self.death} {when}{''.join(more)}"


DEATHS: Final = tuple(death for death in Death if death is not Death.SLOW)
"""Those of the matrix."""
_AT_POINTS: Final = {
    Death.TERM: 12,
    Death.FREEZE: 16,
    Death.CALL: 14,
    Death.RESTART: 9,
    Death.AWAY: 9,
}
"""Cases per system; SIGKILL comes at every point that there is."""
_AT_TIMES: Final = {
    Death.KILL: 5,
    Death.TERM: 3,
    Death.FREEZE: 3,
    Death.RESTART: 2,
    Death.AWAY: 2,
}
_LONGEST: Final = 6.0
"""Seconds; a whole run takes a little more."""


def draw(seed: int, names: Mapping[str, Iterable[str]]) -> list[Case]:
    """Return the whole matrix; ``names`` are those of the points of each system's whole run."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    cases: list[Case] = []
    for system in SYSTEMS:
        points = sorted(names[system])
        checked = [name for name in points if name.startswith(CHECKED)]
        for death in DEATHS:
            wanted = checked if death is Death.CALL else points
            number = _AT_POINTS.get(death, len(wanted))
            for name in _spread(dice, wanted, number):
                cases.append(_case(dice, len(cases), system, death, name))
            for _ in range(_AT_TIMES.get(death, 0)):
                cases.append(_case(dice, len(cases), system, death, ""))
    return cases


def _spread(dice: random.Random, names: Sequence[str], number: int) -> list[str]:
    """Draw names, none of them twice before each has come once."""
    drawn: list[str] = []
    while len(drawn) < number:
        drawn += dice.sample(names, min(len(names), number - len(drawn)))
    return drawn


def _case(dice: random.Random, number: int, system: str, death: Death, name: str) -> Case:
    later = dice.random() < 0.5 and death is Death.CALL and system == "postgresql"
    return Case(
        number,
        system,
        death,
        point=name,
        # Most points come more than once; the first time is as good as any later one.
        part=dice.choice((0.0, 0.0, 0.3, 0.6)) if "commit" in name or "claim" in name else 0.0,
        at=dice.uniform(0.0, _LONGEST),
        thaw_after_end=later,
        stopped=later and dice.random() < 0.5,
        which=dice.randrange(2),
    )


def slice_of(cases: Sequence[Case], seed: int, number: int) -> list[Case]:
    """Draw a few cases, of each system and each kind of death as many as of any other."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    kinds = [(system, death) for death in DEATHS for system in SYSTEMS]
    left = {
        kind: dice.sample(of_kind, len(of_kind))
        for kind in kinds
        if (of_kind := [one for one in cases if (one.system, one.death) == kind])
    }
    drawn: list[Case] = []
    while len(drawn) < number:
        drawn += [left[kind].pop() for kind in kinds]
    return sorted(drawn[:number], key=lambda case: case.number)


def names_of(points: Iterable[Point]) -> list[str]:
    """Return the names of points, each once."""
    return sorted({point.name for point in points})
