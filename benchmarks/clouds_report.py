"""From the runs of both sides to a table per cloud, a verdict on what is expected, and JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from math import ceil
from statistics import median, median_low
from typing import TYPE_CHECKING, Any, Final

from bare_script import LOOK_PAUSE, THREADS
from fewest import CERTAIN, KINDS, PAGE, fewest
from report import Expectation
from rich.console import Console
from rich.table import Table
from turns import BareTurns, BridgeTurns
from worlds import TRANSITION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from turns import Turn

    Turns = Mapping[str, Mapping[int, Mapping[str, Sequence[Turn]]]]

OURS, BARE = BridgeTurns.name, BareTurns.name
AGAINST_BARE: Final = 1.5
"""At most this much of the bare script's time, for the most machines and without the marks."""
MORE_LOOKS: Final = 1.2
"""At most this much of the looks a second at the fewest machines, at the most."""
_TIMES: Final = """{cloud}: seconds of a whole run, without the fault's own duration:
until all are stopped, until all run again, what of both passed with marks, processor time of
the side and of the emulator; ours by the bare script's, and so without the marks"""
_PACKAGES: Final = ("boto3", "google-cloud-compute", "azure-mgmt-compute", "moto")


class CloudsReport:
    """The turns of all clouds, sizes and sides, judged."""

    def __init__(self, turns: Turns) -> None:
        """Take turns by cloud, size and side."""
        self._turns = turns

    def show(self) -> None:
        """Print two tables for each cloud, and the expectations."""
        console = Console(highlight=False, width=None if os.isatty(1) else 120)
        for cloud in self._turns:
            console.print(self._calls(cloud))
            console.print(self._times(cloud))
        for expectation in self.expectations():
            verdict = "met    " if expectation.met else "NOT MET"
            console.print(f"{verdict}  {expectation.expected}: {expectation.measured}")

    def as_document(self) -> dict[str, Any]:
        """Everything that was measured, for other programs."""
        return {
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "packages": {name: version(name) for name in _PACKAGES},
            "threads": THREADS,
            "look_pause": LOOK_PAUSE,
            "transition_seconds": TRANSITION_SECONDS,
            "turns": [
                {"cloud": cloud, "machines": size, "side": side, **asdict(turn)}
                for cloud, sizes in self._turns.items()
                for size, sides in sizes.items()
                for side, turns in sides.items()
                for turn in turns
            ],
            "fewest": [
                {"cloud": cloud, "machines": size, **fewest(cloud, size)}
                for cloud, sizes in self._turns.items()
                for size in sizes
            ],
            "expectations": [asdict(expectation) for expectation in self.expectations()],
        }

    def expectations(self) -> list[Expectation]:
        """Judge what is expected of the bridge, cloud by cloud."""
        return [one for cloud in self._turns for one in self._expectations(cloud)]

    def _expectations(self, cloud: str) -> list[Expectation]:
        sizes = self._turns[cloud]
        few, many = min(sizes), max(sizes)
        changes = {
            size: [(counts[kind], fewest(cloud, size)[kind]) for kind in CERTAIN]
            for size in sizes
            for counts in (self._counts(cloud, size),)
        }
        without = self._ratio(cloud, many, lambda turn: turn.wall - turn.marks)
        looks = {size: self._looks_a_second(cloud, size) for size in sizes}
        return [
            Expectation(
                f"{cloud}: no stop and no start more than needed",
                ", ".join(
                    f"{sum(made for made, _ in each)} of {sum(need for _, need in each)} at {size}"
                    for size, each in changes.items()
                ),
                all(made == need for each in changes.values() for made, need in each),
            ),
            Expectation(
                f"{cloud}: at most {AGAINST_BARE} of the bare script's time at {many} machines, "
                "without the marks",
                f"{without:.2f}",
                without <= AGAINST_BARE,
            ),
            Expectation(
                f"{cloud}: looks a second do not grow with the machines",
                ", ".join(f"{looks[size]:.2f} at {size}" for size in sizes),
                looks[many] <= MORE_LOOKS * looks[few],
            ),
        ]

    def _counts(self, cloud: str, size: int) -> dict[str, int]:
        turns = self._turns[cloud][size][OURS]
        return {kind: median_low(turn.calls[kind] for turn in turns) for kind in KINDS}

    def _looks_a_second(self, cloud: str, size: int) -> float:
        pages = ceil(size / PAGE[cloud])
        return median(
            turn.calls["observation"] / pages / turn.wall for turn in self._turns[cloud][size][OURS]
        )

    def _median(self, cloud: str, size: int, side: str, of: Callable[[Turn], float]) -> float:
        return median(of(turn) for turn in self._turns[cloud][size][side])

    def _ratio(self, cloud: str, size: int, of: Callable[[Turn], float]) -> float:
        return self._median(cloud, size, OURS, of) / self._median(cloud, size, BARE, of)

    def _calls(self, cloud: str) -> Table:
        table = Table(title=f"{cloud}: API calls of a whole run, and the fewest possible")
        table.add_column("machines", justify="right")
        table.add_column("")
        for heading in ("all", *KINDS):
            table.add_column(heading, justify="right")
        for size in self._turns[cloud]:
            for name, counts in (
                (OURS, self._counts(cloud, size)),
                ("fewest", fewest(cloud, size)),
            ):
                numbers = [sum(counts.values()), *counts.values()]
                table.add_row(str(size), name, *map(str, numbers))
            table.add_section()
        return table

    def _times(self, cloud: str) -> Table:
        table = Table(title=_TIMES.format(cloud=cloud))
        table.add_column("machines", justify="right")
        table.add_column("side", no_wrap=True)
        for heading in (
            "median",
            "min-max",
            "stopped",
            "running",
            "marks",
            "CPU",
            "emulator's",
            "ours / it",
            "no marks",
        ):
            table.add_column(heading, justify="right", no_wrap=True)
        for size, sides in self._turns[cloud].items():
            for side, turns in sides.items():
                walls = [turn.wall for turn in turns]
                ratios = ["", ""]
                if side == BARE:
                    ratios = [
                        f"{self._ratio(cloud, size, lambda turn: turn.wall):.2f}",
                        f"{self._ratio(cloud, size, lambda turn: turn.wall - turn.marks):.2f}",
                    ]
                numbers = [
                    self._median(cloud, size, side, of)
                    for of in (_down, _up, _marks, _cpu, _emulator_cpu)
                ]
                table.add_row(
                    str(size),
                    side,
                    _s(median(walls)),
                    f"{min(walls):.1f}-{max(walls):.1f}",
                    *map(_s, numbers),
                    *ratios,
                )
            table.add_section()
        return table


def _down(turn: Turn) -> float:
    return turn.down


def _up(turn: Turn) -> float:
    return turn.up


def _marks(turn: Turn) -> float:
    return turn.marks


def _cpu(turn: Turn) -> float:
    return turn.cpu


def _emulator_cpu(turn: Turn) -> float:
    return turn.emulator_cpu


def _s(seconds: float) -> str:
    return f"{seconds:.2f}"
