"""How a run ended, as an exit code and in words."""

from __future__ import annotations

from collections import Counter
from typing import Final

from bridge.cli.exits import Exit
from bridge.cli.output import clean
from bridge.client.documents import ExperimentDetail
from bridge.model.experiment import ExperimentStatus

_EXITS: Final = {
    ExperimentStatus.COMPLETED: Exit.COMPLETED,
    ExperimentStatus.FAILED: Exit.FAILED,
    ExperimentStatus.STOPPED: Exit.STOPPED,
    ExperimentStatus.CANCELLED: Exit.CANCELLED,
}


def verdict(experiment: ExperimentDetail) -> Exit:
    """Return the exit code of an ended run: a fault left behind outweighs every verdict."""
    return Exit.LEFT_BEHIND if experiment.left_behind else _EXITS[experiment.status]


def account(experiment: ExperimentDetail) -> list[str]:
    """Return how a run ended: verdict, records, errors with their mends, what is left behind."""
    lines = [f"{experiment.id} {experiment.status.value}: {experiment.reason}"]
    phases = Counter(record.phase.value for record in experiment.records)
    if phases:
        lines.append(", ".join(f"{count} {phase}" for phase, count in phases.items()))
    failures = experiment.errors or filter(None, [experiment.failure])
    for failure in failures:
        where = failure.location or "experiment"
        lines.append(f"{where}: {failure.reason}")
        if failure.mend:
            lines += ["To mend it:", *(f"    {line}" for line in failure.mend.splitlines())]
    for record in experiment.left_behind:
        why = f" ({record.last_error})" if record.last_error else ""
        lines.append(f"LEFT BEHIND: {record.resource}, {record.fault}{why}")
    return [clean(line) for line in lines]
