"""The figures of a matrix: cases, deaths by kind and by point, lateness, leftovers."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.crash_processes.cases import DEATHS, SYSTEMS
from tests.crash_processes.stage import Result


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the report."""
    died = [one for one in results if one.died]
    left = [one for one in results if one.left]
    wrong = [one for one in results if one.wrong]
    lines = [
        (
            f"{len(results)} cases, {len(died)} deaths, {len(left)} with leftovers, "
            f"{len(wrong)} wrong otherwise"
        ),
        "",
        f"{'':28}{'cases':>6} {'deaths':>6}  undo after its planned time: min / median / max",
    ]
    for system in SYSTEMS:
        for death in DEATHS:
            of = [r for r in results if (r.case.system, r.case.death) == (system, death)]
            if of:
                deaths = sum(one.died for one in of)
                late = _spread(one.late for one in of if one.died and not one.case.stopped)
                lines.append(f"{system:11}{death:18}{len(of):5} {deaths:6}  {late}")
    woken = _spread(one.whole_after for one in results)
    lines += ["", f"woken after the run's end, until all was as before: {woken}", ""]
    ends = Counter(one.status for one in results)
    lines += ["ends: " + ", ".join(f"{number} {end}" for end, number in ends.most_common()), ""]
    return lines + by_point(died)


def by_point(died: Iterable[Result]) -> list[str]:
    """Return how many deaths came at each point."""
    counted = Counter(one.case.moment for one in died)
    return [f"{number:5}  {name}" for name, number in sorted(counted.items(), key=_by_name)]


def _by_name(entry: tuple[str, int]) -> tuple[str, str]:
    words = entry[0].split(" ", 1)
    return words[-1], words[0]


def _spread(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{min(known):.1f} / {statistics.median(known):.1f} / {max(known):.1f} s"


def told(result: Result) -> str:
    """Return one case and what came of it, in a line."""
    line = f"{result.case} -> {result.status}" + " (no death)" * (not result.died)
    wrong = [*(f"left: {one}" for one in result.left), *result.wrong]
    return line + "".join(f"\n      {one}" for one in wrong)
