"""What must hold after every case, whatever died: the world, each undo, and the journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.model.event import Event, EventType
from bridge.model.experiment import Experiment, ExperimentStatus
from bridge.model.moment import SECOND
from bridge.model.record import Phase, Record
from tests.crash_processes.points import Point
from tests.crash_processes.world import Effect

STOP: Final = "StopWorkers"

_NEXT: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({Phase.INJECTING, Phase.NOT_INJECTED}),
    Phase.INJECTING: frozenset({Phase.INJECTED, Phase.REVERTING, Phase.NOT_INJECTED}),
    Phase.INJECTED: frozenset({Phase.REVERTING}),
    Phase.REVERTING: frozenset({Phase.REVERTED}),
    Phase.REVERTED: frozenset(),
    Phase.NOT_INJECTED: frozenset(),
}
_UNDONE: Final = frozenset({Phase.REVERTED, Phase.NOT_INJECTED})


def kind_of(record: Record) -> str:
    """Return under which name the world's effects on a record's resource stand."""
    return "instance" if record.fault == "aws:ec2:stop-instances" else "networkchaos"


def violations(
    experiment: Experiment,
    records: Sequence[Record],
    journal: Sequence[Event],
    effects: Mapping[str, Sequence[Effect]],
) -> list[str]:
    """Say what is not as it must be once a run has ended and is closed."""
    late = [one for one in journal if one.type is EventType.LATE_EFFECT]
    injected_late = {
        r for one in late if one.details["call"] == "inject" for r in one.details["records"]
    }
    found = _unexpected_end(experiment, journal)
    phases = _phases(journal)
    for record in records:
        name = f"{record.action}: "
        again = record.id in injected_late
        happened = effects[kind_of(record)]
        found += [name + one for one in _effects(happened, most=1 + len(late) if again else 1)]
        found += [name + one for one in _order(phases[record.resource], again=again)]
        begun = next(
            (at for at, phase in phases[record.resource] if phase == Phase.INJECTING), None
        )
        if happened and (begun is None or begun > happened[0].at * SECOND):
            found.append(name + "touched before the journal says so")
        end = Phase.REVERTED if happened else record.phase
        if record.phase not in _UNDONE or record.phase is not end:
            found.append(name + f"its record ends as {record.phase}, with {len(happened)} effects")
        if record.marked is not False and record.called_at is not None:
            found.append(name + f"its record says marked: {record.marked}")
    if not records and any(effects.values()):
        found.append("touched without a record")
    return found


def _unexpected_end(experiment: Experiment, journal: Sequence[Event]) -> list[str]:
    """A fault of seconds may be over before the next bridge is there to make it."""
    found = []
    fair = (
        experiment.status is ExperimentStatus.COMPLETED
        or "time was over before" in experiment.reason
        or "was away" in experiment.reason
        or "enough" in experiment.reason
    )
    if not fair:
        found.append(f"ended as {experiment.status}: {experiment.reason}")
    ends = [one for one in journal if one.type is EventType.EXPERIMENT_END]
    starts = [one for one in journal if one.type is EventType.EXPERIMENT_START]
    if len(ends) != 1 or len(starts) > 1:
        found.append(f"the journal has {len(starts)} starts and {len(ends)} ends")
    return found


def _effects(happened: Sequence[Effect], *, most: int) -> list[str]:
    down = [one for one in happened if one.became == "down"]
    up = [one for one in happened if one.became == "up"]
    if len(down) != len(up):
        return [f"took effect {len(down)} times and was undone {len(up)} times"]
    return [f"took effect and was undone {len(down)} times"] if len(down) > most else []


def _phases(journal: Sequence[Event]) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in journal:
        if event.type is EventType.RECORD_PHASE:
            for resource in event.details["resources"]:
                found[resource].append((event.at, event.details["phase"]))
    return found


def _order(phases: Sequence[tuple[int, str]], *, again: bool) -> list[str]:
    before = ""
    for _, phase in phases:
        reopened = again and phase == Phase.REVERTING and before in _UNDONE
        if phase not in _NEXT[before] and not reopened:
            return [f"in the journal {phase} comes after {before or 'nothing'}"]
        before = phase
    return []


def lateness(
    experiment: Experiment, journal: Sequence[Event], effects: Mapping[str, Sequence[Effect]]
) -> float | None:
    """Return how many seconds after its planned time the instance was started again."""
    up = [one.at for one in effects["instance"] if one.became == "up"]
    planned = experiment.actions[STOP].ends_at
    if not up or planned is None:
        return None
    asked = [one.at for one in journal if one.type is EventType.STOP_REQUESTED]
    return up[0] - min([planned, *asked]) / SECOND


def implied_points(records: Sequence[Record], journal: Sequence[Event]) -> set[str]:
    """Return the points that a run must have passed, by what its journal says of it."""
    names = {"after a claim", "before a commit", "after a commit"}
    phases = _phases(journal)
    calls = {
        Phase.INJECTING: ("prepare", "mark", "inject"),
        Phase.REVERTING: ("revert",),
        Phase.REVERTED: ("unmark",),
    }
    for record in records:
        for _, phase in phases[record.resource]:
            for call in calls.get(Phase(phase), ()):
                names |= {f"{side} {call} of {record.fault}" for side in ("before", "after")}
    return names


def fewest_points(journal: Sequence[Event], points: Sequence[Point]) -> str:
    """Say it where fewer commits passed a point than the journal shows; empty if not."""
    # A record's next phase is another commit; different records may share one.
    most: dict[str, int] = defaultdict(int)
    for event in journal:
        if event.type is EventType.RECORD_PHASE:
            for resource in event.details["resources"]:
                most[resource] += 1
    shown = max(most.values(), default=0)
    passed = sum(one.name == "after a commit" for one in points)
    return "" if passed >= shown else f"{passed} commits passed a point, the journal shows {shown}"
