"""From samples to a table, a verdict on each expectation, and a JSON document."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from statistics import median, median_low
from typing import TYPE_CHECKING, Any, Final

from measurement import EFFECTS, SAFETY
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measurement import Sample

    Samples = Mapping[int, Mapping[str, Sequence[Sample]]]

OURS, COLD, WARM = "faultbridge", "chaostoolkit cold", "chaostoolkit warm"
AGAINST_COLD: Final = 1 / 3
"""At most this much of a cold start's time, for the fewest instances."""
AGAINST_WARM: Final = 1.2
"""At most this much of a warm start's time, for the most instances."""
_PACKAGES: Final = ("chaostoolkit", "chaostoolkit-lib", "chaostoolkit-aws", "boto3", "moto")


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected, and what came out."""

    expected: str
    measured: str
    met: bool


class Report:
    """The samples of all sizes and sides, judged."""

    def __init__(self, samples: Samples) -> None:
        """Take samples by size and side."""
        self._samples = samples
        self._fewest, self._most = min(samples), max(samples)

    def show(self) -> None:
        """Print the table, the calls and the expectations."""
        console = Console(highlight=False, width=None if os.isatty(1) else 120)
        console.print(self._times())
        console.print(self._calls())
        for expectation in self.expectations():
            verdict = "met    " if expectation.met else "NOT MET"
            console.print(f"{verdict}  {expectation.expected}: {expectation.measured}")

    def as_document(self) -> dict[str, Any]:
        """Everything that was measured, for other programs."""
        return {
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "packages": {name: version(name) for name in _PACKAGES},
            "samples": [
                {"instances": size, "side": side, **asdict(sample)}
                for size, sides in self._samples.items()
                for side, samples in sides.items()
                for sample in samples
            ],
            "expectations": [asdict(expectation) for expectation in self.expectations()],
        }

    def expectations(self) -> list[Expectation]:
        """Judge what is expected of the bridge."""
        cold, warm = self._ratio(self._fewest, COLD), self._ratio(self._most, WARM)
        ours = {size: self._counts(size, OURS, "effects") for size in self._samples}
        theirs = {size: self._counts(size, COLD, "effects") for size in self._samples}
        safety = {size: self._counts(size, OURS, "safety") for size in self._samples}
        first = safety[self._fewest]
        return [
            Expectation(
                f"at most a third of cold at {self._fewest} instance(s)",
                f"{cold:.2f}",
                cold <= AGAINST_COLD,
            ),
            Expectation(
                f"at most {AGAINST_WARM} of warm at {self._most} instances",
                f"{warm:.2f}",
                warm <= AGAINST_WARM,
            ),
            Expectation(
                "as many effect calls as Chaos Toolkit",
                _each({n: f"{sum(ours[n])} and {sum(theirs[n])}" for n in ours}),
                ours == theirs,
            ),
            Expectation(
                "safety calls do not grow with the instances",
                _each({n: str(sum(counts)) for n, counts in safety.items()}),
                all(counts == first for counts in safety.values()),
            ),
        ]

    def _median(self, size: int, side: str) -> float:
        return median(sample.seconds for sample in self._samples[size][side])

    def _ratio(self, size: int, side: str) -> float:
        return self._median(size, OURS) / self._median(size, side)

    def _counts(self, size: int, side: str, kind: str) -> list[int]:
        names = EFFECTS if kind == "effects" else SAFETY
        samples = self._samples[size][side]
        return [median_low(getattr(sample, kind)[name] for sample in samples) for name in names]

    def _times(self) -> Table:
        table = Table(title="Start request → first StopInstances arriving, without moto's handling")
        for heading in ("instances", "side", "median", "min-max", "moto", "ours / it"):
            table.add_column(heading, justify="left" if heading == "side" else "right")
        for size, sides in self._samples.items():
            for side, samples in sides.items():
                seconds = [sample.seconds for sample in samples]
                table.add_row(
                    str(size),
                    side,
                    f"{_ms(median(seconds))} ms",
                    f"{_ms(min(seconds))}-{_ms(max(seconds))}",
                    _ms(median(sample.handled for sample in samples)),
                    "" if side == OURS else f"{self._ratio(size, side):.2f}",
                )
            table.add_section()
        return table

    def _calls(self) -> Table:
        table = Table(title="API calls of one run: effects (Stop, Start), and those for safety")
        table.add_column("instances", justify="right")
        table.add_column("side")
        for heading in ("effects", "safety", *SAFETY):
            table.add_column(heading, justify="right")
        for size, sides in self._samples.items():
            for side in sides:
                safety = self._counts(size, side, "safety")
                effects = sum(self._counts(size, side, "effects"))
                counts = [effects, sum(safety), *safety]
                table.add_row(str(size), side, *map(str, counts))
            table.add_section()
        return table


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _each(by_size: Mapping[int, str]) -> str:
    return ", ".join(f"{text} at {size}" for size, text in by_size.items())
