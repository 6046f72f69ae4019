"""A run drawn as it happens: in place on a terminal, as plain lines elsewhere.

Give it the console of `bridge.cli.output`: Rich's own would end the process, and with it the
undoing of faults, when whoever reads it goes away.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bridge.cli.output import clean
from bridge.cli.timeline import sentence, short, since
from bridge.client.documents import (
    ExperimentAction,
    ExperimentDetail,
    ExperimentRecord,
    JournalEvent,
    StopConditionReading,
)
from bridge.model.experiment import ActionStatus, ExperimentStatus
from bridge.model.record import Phase

_FRAMES_PER_SECOND: Final = 8
_BAR: Final = 24
_RECORDS_SHOWN: Final = 8
"""Records drawn per action; those that need attention come first, the others are counted."""

_STATUS: Final = {
    "completed": "green",
    "running": "cyan",
    "initiating": "cyan",
    "stopping": "yellow",
    "stopped": "yellow",
    "failed": "bold red",
}
_PHASE: Final = {
    Phase.INJECTING: "magenta",
    Phase.INJECTED: "magenta",
    Phase.REVERTING: "yellow",
    Phase.REVERTED: "green",
    Phase.KEPT: "blue",
    Phase.RELEASED: "bold red",
}
_READING: Final = {"clear": "green", "triggered": "bold red", "unreadable": "yellow"}


class View(Protocol):
    """Somewhere a run is shown while it goes on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def update(self, experiment: ExperimentDetail, events: Sequence[JournalEvent]) -> None:
        """Show the run as it is now, and what has happened since the last update."""


def view_on(console: Console) -> View:
    """Return the view that fits where the console writes to."""
    return Drawing(console) if console.is_terminal else Lines(console)


class Lines:
    """One line for each thing that happens."""

    def __init__(self, console: Console) -> None:
        """Write to a console."""
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def update(self, experiment: ExperimentDetail, events: Sequence[JournalEvent]) -> None:
        """Write what has happened since the last update."""
        _write(self._console, timeline(experiment, events))


class Drawing:
    """A picture of the run, drawn again in place; the timeline stays when it is closed."""

    def __init__(self, console: Console) -> None:
        """Draw on a terminal."""
        self._console = console
        self._events: list[JournalEvent] = []
        self._experiment: ExperimentDetail | None = None
        self._seen = 0.0
        self._live = Live(
            console=console,
            get_renderable=self._picture,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=sys.stderr.isatty(),  # what is told meanwhile goes above the picture
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        if self._experiment is not None:
            _write(self._console, timeline(self._experiment, self._events))

    def update(self, experiment: ExperimentDetail, events: Sequence[JournalEvent]) -> None:
        """Draw the run as it is now."""
        self._experiment = experiment
        self._seen = time.monotonic()
        self._events += events

    def _picture(self) -> RenderableType:
        if self._experiment is None:
            return Text("…")
        passed = timedelta(seconds=time.monotonic() - self._seen)
        return picture(self._experiment, self._experiment.now + passed)


def picture(experiment: ExperimentDetail, now: datetime) -> RenderableType:
    """Return a run as it is at a time of its bridge's clock."""
    status = experiment.status.value
    head = Text.assemble(
        (experiment.id, "bold"),
        "  ",
        (status, _STATUS.get(status, "")),
        f"  {since(experiment.created_at, experiment.ended_at or now)[1:]}  ",
        (clean(experiment.description), "dim"),
    )
    rows = Table.grid(padding=(0, 2))
    for _ in range(4):
        rows.add_column(no_wrap=True, overflow="ellipsis")
    for action in experiment.actions:
        _action_rows(rows, action, experiment, now)
    for condition in experiment.stop_conditions:
        _condition_row(rows, condition, now)
    parts: list[RenderableType] = [head, rows]
    if experiment.status is ExperimentStatus.STOPPING or experiment.status.ended:
        parts.append(Text(clean(experiment.reason), _STATUS.get(status, "")))
    return Group(*parts)


def timeline(experiment: ExperimentDetail, events: Iterable[JournalEvent]) -> Iterator[Text]:
    """Yield what happened, each with its time since the beginning."""
    for event in events:
        words = sentence(event)
        if words is not None:
            when = since(experiment.created_at, event.at)
            yield Text.assemble((f"{when:>9}  ", "dim"), words)


def _action_rows(
    rows: Table, action: ExperimentAction, experiment: ExperimentDetail, now: datetime
) -> None:
    status = action.status.value
    rows.add_row(
        Text(clean(action.name), "bold"),
        ProgressBar(
            total=1.0,
            completed=_done(action, now),
            width=_BAR,
            complete_style="cyan",
            finished_style="green",
        ),
        Text(status, _STATUS.get(status, "")),
        Text(_remaining(action, now) or clean(action.action_template or action.action_id), "dim"),
    )
    records = [record for record in experiment.records if record.action == action.name]
    records.sort(key=lambda record: record.ended)
    for record in records[:_RECORDS_SHOWN]:
        _record_row(rows, record)
    rest = Counter(record.phase.value for record in records[_RECORDS_SHOWN:])
    if rest:
        counted = ", ".join(f"{count} {phase}" for phase, count in rest.items())
        rows.add_row("", Text(f"… and {counted}", "dim"), "", "")


def _record_row(rows: Table, record: ExperimentRecord) -> None:
    rows.add_row(
        "",
        Text(short(record.resource)),
        Text(record.phase.value, _PHASE.get(record.phase, "dim")),
        Text(clean(record.last_error or ""), "yellow"),
    )


def _condition_row(rows: Table, condition: StopConditionReading, now: datetime) -> None:
    state = condition.state or "not read yet"
    age = ""
    if condition.read_at is not None:
        age = f"read {max((now - condition.read_at).total_seconds(), 0):.0f} s ago"
    rows.add_row(
        Text("stop condition", "bold"),
        Text(short(condition.value or condition.source)),
        Text(state, _READING.get(state, "dim")),
        Text(age, "dim"),
    )


def _done(action: ExperimentAction, now: datetime) -> float:
    if action.status in {ActionStatus.COMPLETED, ActionStatus.SKIPPED}:
        return 1.0
    if action.started_at is None or action.ends_at is None:
        return 0.0
    length = (action.ends_at - action.started_at).total_seconds()
    passed = ((action.ended_at or now) - action.started_at).total_seconds()
    return min(max(passed / length, 0.0), 1.0) if length > 0 else 1.0


def _remaining(action: ExperimentAction, now: datetime) -> str:
    if action.status.ended or action.ends_at is None:
        return ""
    left = max(action.ends_at - now, timedelta())
    return f"{since(now, now + left)[1:]} left"


def _write(console: Console, lines: Iterable[Text]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True)
