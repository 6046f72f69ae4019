"""What holds after every case: the world as before, each undo once, and a journal that is true."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bridge.model.event import Event, EventType
from bridge.model.experiment import Experiment
from bridge.model.moment import SECOND
from bridge.model.record import Phase, Record

_LEGAL: Final[Mapping[Phase, frozenset[Phase]]] = {
    Phase.PREPARED: frozenset({Phase.INJECTING, Phase.NOT_INJECTED, Phase.GONE}),
    Phase.INJECTING: frozenset(
        {
            Phase.INJECTED,
            Phase.REVERTING,
            Phase.NOT_INJECTED,
            Phase.GONE,
            Phase.KEPT,
        }
    ),
    Phase.INJECTED: frozenset({Phase.REVERTING, Phase.REVERTED, Phase.GONE, Phase.KEPT}),
    Phase.REVERTING: frozenset({Phase.REVERTED, Phase.GONE}),
}
"""Which phase may follow which; an end is final unless a late effect opens it again."""
_TOUCHED: Final = frozenset({Phase.INJECTING, Phase.INJECTED, Phase.REVERTING})


def untruths(
    experiment: Experiment, records: Sequence[Record], journal: Sequence[Event]
) -> list[str]:
    """Return in what the journal of a run that is over contradicts itself or the store."""
    found = _phases(records, journal)
    ended = [event for event in journal if event.type is EventType.EXPERIMENT_END]
    if not experiment.status.ended:
        return [*found, f"the run has not ended: {experiment.status}, {experiment.reason}"]
    if [event.details["experiment_state"]["status"] for event in ended] != [experiment.status]:
        found.append(f"the run is {experiment.status}, its journal ends {len(ended)} times")
    actions = {
        event.details["action_name"]: event.details["action_state"]["status"]
        for event in journal
        if event.type is EventType.ACTION_END
    }
    for name, action in experiment.actions.items():
        if not action.status.ended or actions.get(name) != action.status:
            found.append(f"action {name} is {action.status}, its journal says {actions.get(name)}")
    found += [
        f"{record.resource} is {record.phase} in a run that is over"
        for record in records
        if not record.phase.ended
    ]
    return found


def _phases(records: Sequence[Record], journal: Sequence[Event]) -> list[str]:
    found: list[str] = []
    # One resource may have had several records in turn: the journal names the resource.
    phases: defaultdict[str, list[Phase]] = defaultdict(list)
    late = any(event.type is EventType.LATE_EFFECT for event in journal)
    last_at = 0
    for event in journal:
        if event.at < last_at:
            found.append(f"the journal goes back in time at {event.type}")
        last_at = event.at
        if event.type is EventType.RECORD_PHASE:
            for resource in event.details["resources"]:
                phases[resource].append(Phase(event.details["phase"]))
    by_resource: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_resource[record.resource].append(record)
    for resource, own in by_resource.items():
        said = phases.pop(resource, [])
        if len(own) > 1:
            ends = Counter(phase for phase in said if phase.ended)
            if not late and ends != Counter(r.phase for r in own if r.phase.ended):
                found.append(f"{resource}: the journal's ends {dict(ends)} are not the records'")
            continue
        found += _steps(resource, said, late=late)
        if (said[-1] if said else Phase.PREPARED) is not own[0].phase:
            found.append(f"{resource} is {own[0].phase}, its journal says {said}")
    found += [f"the journal names {resource}, no record does" for resource in phases]
    return found


def _steps(resource: str, said: Iterable[Phase], *, late: bool) -> list[str]:
    before, found = Phase.PREPARED, []
    for phase in said:
        opened_again = late and before.ended and phase is Phase.REVERTING
        if phase not in _LEGAL.get(before, frozenset()) and not opened_again:
            found.append(f"{resource} went from {before} to {phase}")
        before = phase
    return found


def unannounced(step: str, stored: Mapping[str, Phase], records: Iterable[Record]) -> list[str]:
    """Return which records a step touches before a commit says so."""
    wanted = {"mark": Phase.INJECTING, "inject": Phase.INJECTING, "revert": Phase.REVERTING}
    if step not in wanted:
        return []
    return [
        f"{step} of {record.resource}, which is {stored.get(record.id, 'nowhere')} in the store"
        for record in records
        if stored.get(record.id) is not wanted[step]
    ]


def owed(journal: Sequence[Event]) -> int:
    """Return how many points a run has passed at least, by what its journal shows.

    Each time at which a record changed phase there was a commit; each fault begun or undone was
    a call to its provider. Both have a point before and one after.
    """
    phases = [event for event in journal if event.type is EventType.RECORD_PHASE]
    commits = {event.at for event in phases}
    calls = [e for e in phases if e.details["phase"] in {Phase.INJECTING, Phase.REVERTING}]
    return 2 * len(commits) + 2 * len(calls)


def lateness(experiment: Experiment, journal: Sequence[Event]) -> list[float]:
    """Return by how many seconds each undo was over later than its time had come."""
    stopped = [event.at for event in journal if event.type is EventType.STOP_REQUESTED]
    found = []
    for event in journal:
        if event.type is EventType.RECORD_PHASE and event.details["phase"] == Phase.REVERTED:
            ends = experiment.actions[event.details["action"]].ends_at
            planned = min([*stopped, *([] if ends is None else [ends])], default=event.at)
            found.append(max(0.0, (event.at - planned) / SECOND))
    return found
