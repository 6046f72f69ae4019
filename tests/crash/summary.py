"""What all crash tests came to, printed at the end, whichever process they ran in."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

_TALLY: Final = "crash tally"
_LINE: Final = "crash line"

Note = Any
"""pytest's ``record_property``."""


@dataclass
class Tally:
    """What the cases of one fault came to."""

    title: str
    cases: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def add(self, name: str, struck: str, late: Iterable[float], complaints: Iterable[str]) -> None:
        """Take in a case: the point at which it was struck, and what did not hold after it."""
        self.cases += 1
        self.late += late
        if struck:
            self.struck[struck] += 1
        self.complaints += [f"{name}: {complaint}" for complaint in complaints]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, for the summary at the end of all tests."""
        return {
            "title": self.title,
            "cases": self.cases,
            "struck": dict(self.struck),
            "late": self.late,
            "leftovers": len(self.complaints),
        }


def summary(tallies: Iterable[dict[str, Any]]) -> list[str]:
    """Put tallies into words: cases, strikes by point, lateness, leftovers."""
    found = list(tallies)
    struck: Counter[str] = Counter()
    late: list[float] = []
    for one in found:
        struck.update(one["struck"])
        late += one["late"]
    lines = [f"{one['title']}: {one['cases']} cases, {one['leftovers']} wrong" for one in found]
    points = ", ".join(f"{name} {times}" for name, times in sorted(struck.items()))
    cases, wrong = (sum(one[key] for one in found) for key in ("cases", "leftovers"))
    lines.append(f"all: {cases} cases, {sum(struck.values())} struck, {wrong} wrong")
    lines.append(f"by point: {points}")
    if late:
        lines.append(
            f"undone later than planned, of {len(late)}: min {min(late):.1f} s, "
            f"median {statistics.median(late):.1f} s, max {max(late):.1f} s"
        )
    return lines


def note_tally(note: Note, tally: Tally) -> None:
    """Keep what the cases of one test came to."""
    note(_TALLY, json.dumps(tally.as_dict()))


def note_line(note: Note, line: str) -> None:
    """Keep a line to be printed as it is."""
    note(_LINE, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print cases, deaths by point, lateness and leftovers, and which mutants were caught."""
    tallies, lines = [], []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            for name, value in report.user_properties:
                if name == _TALLY:
                    tallies.append(json.loads(value))
                elif name == _LINE:
                    lines.append(value)
    if tallies or lines:
        terminalreporter.section("crash matrix")
    for line in [*(summary(tallies) if tallies else []), *sorted(lines)]:
        terminalreporter.line(line)
