"""From what was measured at scale to tables, a verdict on what is expected, and JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from math import ceil
from statistics import median, median_low
from typing import TYPE_CHECKING, Any, Final

from fewest import CERTAIN, KINDS, PAGE, fewest
from report import Expectation
from rich.console import Console
from rich.table import Table
from turns import BridgeTurns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scale_stored import Latency
    from scale_waiting import Stopped, Waiting
    from turns import Turn

IDLE: Final = 0.02
"""At most this share of a processor while the most runs wait."""
DEEP: Final = 1.5
"""At most this much of the first page's time, for a page far down."""
OURS: Final = BridgeTurns.name
SAFETY: Final = tuple(kind for kind in KINDS if kind not in CERTAIN)
_COLUMNS: Final = tuple(kind for kind in KINDS if kind != "operations")
"""EC2 has no operations to ask for."""
_PACKAGES: Final = ("boto3", "chaostoolkit", "chaostoolkit-aws", "moto", "sqlalchemy")


@dataclass
class Measured:
    """All figures, by part."""

    waiting: list[tuple[str, Waiting]] = field(default_factory=list)
    stopped: list[tuple[str, Stopped]] = field(default_factory=list)
    turns: dict[int, dict[str, list[Turn]]] = field(default_factory=dict)
    stored: int = 0
    latencies: Sequence[Latency] = ()


class ScaleReport:
    """What was measured, judged."""

    def __init__(self, measured: Measured, database: str) -> None:
        """Take the figures; ``database`` is the URL that was given."""
        self._measured = measured
        self._database = database.partition(":")[0] or "sqlite"

    def show(self) -> None:
        """Print a table for each part, and the expectations."""
        console = Console(highlight=False, width=None if os.isatty(1) else 120)
        for table in (*self._waiting(), *self._stopped(), *self._targets(), *self._stored()):
            console.print(table)
        for expectation in self.expectations():
            verdict = "met    " if expectation.met else "NOT MET"
            console.print(f"{verdict}  {expectation.expected}: {expectation.measured}")

    def as_document(self) -> dict[str, Any]:
        """Everything that was measured, for other programs."""
        measured = self._measured
        return {
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "database": self._database,
            "packages": {name: version(name) for name in _PACKAGES},
            "waiting": [{"kind": kind, **asdict(one)} for kind, one in measured.waiting],
            "stopped": [{"kind": kind, **asdict(one)} for kind, one in measured.stopped],
            "turns": [
                {"instances": size, "side": side, **asdict(turn)}
                for size, sides in measured.turns.items()
                for side, turns in sides.items()
                for turn in turns
            ],
            "stored": measured.stored,
            "latencies": [asdict(one) for one in measured.latencies],
            "expectations": [asdict(expectation) for expectation in self.expectations()],
        }

    # --- expectations ------------------------------------------------------------------------

    def expectations(self) -> list[Expectation]:
        """Judge what is expected of the bridge."""
        measured = self._measured
        found: list[Expectation] = []
        if measured.waiting:
            found += self._about_waiting()
        if measured.turns:
            found += self._about_targets()
        if measured.latencies:
            found += self._about_stored()
        return found

    def _about_waiting(self) -> Iterable[Expectation]:
        grown = {
            f"{one.runs} {kind}": (
                one.after.tasks - one.before.tasks,
                one.after.threads - one.before.threads,
                one.after.descriptors - one.before.descriptors,
            )
            for kind, one in self._measured.waiting
        }
        yield Expectation(
            "a waiting run costs no task, no thread, no file and no connection",
            "; ".join(f"{name}: {', '.join(map(str, more))}" for name, more in grown.items()),
            all(more <= 0 for each in grown.values() for more in each),
        )
        most = max(one.runs for _, one in self._measured.waiting)
        idle = {kind: one.idle for kind, one in self._measured.waiting if one.runs == most}
        yield Expectation(
            f"at most {IDLE:.0%} of a processor while {most} runs wait",
            ", ".join(f"{share:.2%} {kind}" for kind, share in idle.items()),
            all(share <= IDLE for share in idle.values()),
        )

    def _about_targets(self) -> Iterable[Expectation]:
        sizes = sorted(self._measured.turns)
        changes = {
            size: [(self._counts(size, OURS)[kind], fewest("aws", size)[kind]) for kind in CERTAIN]
            for size in sizes
        }
        yield Expectation(
            "no stop and no start more than EC2's API needs",
            ", ".join(
                f"{sum(made for made, _ in each)} of {sum(need for _, need in each)} at {size}"
                for size, each in changes.items()
            ),
            all(made == need for each in changes.values() for made, need in each),
        )
        safety = {
            size: sum(self._counts(size, OURS)[kind] for kind in SAFETY) / _pages(size)
            for size in sizes
        }
        yield Expectation(
            "calls for safety grow with the API's page size only",
            ", ".join(f"{calls:g} a page at {size}" for size, calls in safety.items()),
            all(calls <= safety[sizes[0]] for calls in safety.values()),
        )

    def _about_stored(self) -> Iterable[Expectation]:
        by = {(one.way, one.what): one.median for one in self._measured.latencies}
        ratios = {
            f"{way} {what}": seconds / by[way, "list, page 1"]
            for (way, what), seconds in by.items()
            if what.startswith("list, page") and what != "list, page 1"
        }
        yield Expectation(
            f"a page far down takes at most {DEEP} of the first, of {self._measured.stored}",
            ", ".join(f"{ratio:.2f} {name}" for name, ratio in ratios.items()),
            all(ratio <= DEEP for ratio in ratios.values()),
        )

    # --- tables ------------------------------------------------------------------------------

    def _waiting(self) -> Iterable[Table]:
        if self._measured.waiting:
            table = _table(
                f"Runs that wait, on {self._database}: started a second until answered and until "
                "they wait; processor time and memory of each; and the process while all wait",
                *("runs", "", "answered/s", "waiting/s", "CPU ms", "KiB", "idle CPU"),
                *("tasks", "threads", "files"),
            )
            for kind, one in self._measured.waiting:
                table.add_row(
                    str(one.runs),
                    kind,
                    f"{one.runs / one.answered:.0f}",
                    f"{one.runs / one.settled:.0f}",
                    f"{one.cpu / one.runs * 1000:.1f}",
                    f"{one.each / 1024:.1f}",
                    f"{one.idle:.2%}",
                    *(str(n) for n in (one.after.tasks, one.after.threads, one.after.descriptors)),
                )
            yield table

    def _stopped(self) -> Iterable[Table]:
        if self._measured.stopped:
            table = _table(
                "Stopped at once: seconds until the last request was answered, until all were "
                "undone and over",
                *("runs", "", "how", "answered", "over", "over/s", "CPU ms"),
            )
            for kind, one in self._measured.stopped:
                table.add_row(
                    str(one.runs),
                    kind,
                    one.how,
                    f"{one.answered:.2f}",
                    f"{one.ended:.2f}",
                    f"{one.runs / one.ended:.0f}",
                    f"{one.cpu / one.runs * 1000:.1f}",
                )
            yield table

    def _targets(self) -> Iterable[Table]:
        if self._measured.turns:
            table = _table(
                "One run of many EC2 instances: calls by what they are for; seconds without the "
                "fault's own duration, of the side's processor, and ours by its",
                *("N", "side", "calls", *_COLUMNS, "time", "CPU", "ours / it"),
            )
            for size, sides in self._measured.turns.items():
                needed = fewest("aws", size)
                table.add_row(
                    str(size), "fewest", *map(str, (sum(needed.values()), *needed.values()))
                )
                ours = median(turn.wall for turn in sides[OURS])
                for side, turns in sides.items():
                    counts = self._counts(size, side)
                    wall = median(turn.wall for turn in turns)
                    table.add_row(
                        str(size),
                        side,
                        *map(str, (sum(counts.values()), *(counts[kind] for kind in _COLUMNS))),
                        f"{wall:.2f}",
                        f"{median(turn.cpu for turn in turns):.2f}",
                        "" if side == OURS else f"{ours / wall:.2f}",
                    )
                table.add_section()
            yield table

    def _stored(self) -> Iterable[Table]:
        if self._measured.latencies:
            table = _table(
                f"{self._measured.stored} experiments stored, on {self._database}: milliseconds",
                *("API", "request", "median", "min-max"),
            )
            for one in self._measured.latencies:
                least, most = min(one.seconds) * 1000, max(one.seconds) * 1000
                table.add_row(
                    one.way, one.what, f"{one.median * 1000:.1f}", f"{least:.1f}-{most:.1f}"
                )
            yield table

    def _counts(self, size: int, side: str) -> dict[str, int]:
        turns = self._measured.turns[size][side]
        return {kind: median_low(turn.calls[kind] for turn in turns) for kind in KINDS}


def _pages(size: int) -> int:
    return ceil(size / PAGE["aws"])


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title)
    for heading in headings:
        words = heading in ("", "side", "how", "API", "request")
        justify = "left" if words else "right"
        table.add_column(heading, justify=justify, no_wrap=words)
    return table
