"""How a run looks on a terminal, and as lines."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from bridge.cli.live import Drawing, Lines, picture, view_on
from bridge.cli.output import console
from bridge.cli.timeline import named, sentence, since
from bridge.client.documents import (
    ExperimentAction,
    ExperimentDetail,
    ExperimentRecord,
    JournalEvent,
    StopConditionReading,
)
from bridge.model.event import EventType
from bridge.model.experiment import ActionStatus, ExperimentStatus
from bridge.model.record import Phase

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(number: int, phase: Phase = Phase.INJECTED, error: str | None = None) -> Any:
    return ExperimentRecord(
        id=f"EXP/stop/{number}",
        action="stop",
        fault="aws:ec2:stop-instances",
        resource=f"arn:aws:ec2:us-east-1:123456789012:instance/i-{number}",
        phase=phase,
        ended=phase.ended,
        last_error=error,
    )


def experiment(**changes: Any) -> ExperimentDetail:
    values: dict[str, Any] = {
        "id": "EXPabc",
        "template_id": "EXTabc",
        "description": "Break things",
        "status": ExperimentStatus.RUNNING,
        "created_at": BEGAN,
        "now": BEGAN + timedelta(seconds=15),
        "actions": (
            ExperimentAction(
                name="stop",
                action_id="aws:ec2:stop-instances",
                status=ActionStatus.RUNNING,
                started_at=BEGAN,
                ends_at=BEGAN + timedelta(minutes=1),
            ),
        ),
        "records": (record(1), record(2, Phase.REVERTING, "throttled\x1b[2J")),
        "stop_conditions": (
            StopConditionReading(
                source="aws:cloudwatch:alarm",
                value="arn:aws:cloudwatch:us-east-1:123456789012:alarm:latency",
                state="clear",
                read_at=BEGAN + timedelta(seconds=12),
            ),
        ),
    }
    return ExperimentDetail(**{**values, **changes})


def event(kind: EventType, seconds: float = 0, **details: Any) -> JournalEvent:
    return JournalEvent(
        sequence=1, type=kind, at=BEGAN + timedelta(seconds=seconds), details=details
    )


def drawn(shown: ExperimentDetail, *, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(shown, shown.now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_picture_shows_actions_records_and_stop_conditions() -> None:
    head, action, one, two, condition = drawn(experiment()).splitlines()
    assert "EXPabc" in head
    assert "running" in head
    assert "45.0s left" in action
    assert action.count("━") == 6, "a quarter of the bar"
    assert "i-1" in one
    assert "injected" in one
    assert "reverting" in two
    assert "throttled" in two
    assert "\x1b" not in two
    assert "latency" in condition
    assert "read 3 s ago" in condition


def test_many_records_are_counted_and_the_open_ones_shown() -> None:
    records = [record(n, Phase.REVERTED) for n in range(20)]
    records[19] = record(19, Phase.REVERTING, "stuck")
    text = drawn(experiment(records=tuple(records)))
    assert "i-19" in text
    assert "12 reverted" in text


def test_lines_say_what_happened_and_when() -> None:
    out = io.StringIO()
    view = view_on(Console(file=out, width=40))
    assert isinstance(view, Lines)
    with view:
        view.update(
            experiment(),
            [
                event(EventType.TARGET_RESOLUTION_START, target_name="all"),
                event(
                    EventType.RECORD_PHASE,
                    2.34,
                    action="stop",
                    phase="injected",
                    resources=[f"arn:instance/i-{n}" for n in range(5)],
                ),
            ],
        )
    assert out.getvalue() == "    +2.3s  stop: i-0, i-1, i-2 and 2 more injected\n"


def test_a_drawing_leaves_its_timeline_behind() -> None:
    out = io.StringIO()
    view = view_on(Console(file=out, width=100, force_terminal=True, color_system=None))
    assert isinstance(view, Drawing)
    with view:
        view.update(experiment(), [event(EventType.EXPERIMENT_START)])
        view.update(
            experiment(status=ExperimentStatus.STOPPED, reason="Experiment stopped."),
            [
                event(
                    EventType.EXPERIMENT_END,
                    61,
                    experiment_state={"status": "stopped", "reason": "alarm"},
                )
            ],
        )
    *_, first, last = out.getvalue().splitlines()
    assert first.removeprefix("\x1b[?25h") == "    +0.0s  experiment starts"
    assert last == "    +1:01  experiment stopped: alarm"


class Gone(io.StringIO):
    """A stream that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("terminal", [True, False])
def test_a_reader_that_has_gone_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    gone = Gone()
    monkeypatch.setattr(gone, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", gone)
    with view_on(console()) as view:
        assert isinstance(view, Drawing) is terminal
        view.update(experiment(), [event(EventType.EXPERIMENT_START)])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "+0.0s"), (59.96, "+60.0s"), (61.5, "+1:01"), (3661, "+1:01:01")]
)
def test_times_are_counted_from_the_beginning(seconds: float, text: str) -> None:
    assert since(BEGAN, BEGAN + timedelta(seconds=seconds)) == text


def test_every_entry_of_the_journal_has_a_sentence_or_none_on_purpose() -> None:
    silent = {
        EventType.TARGET_RESOLUTION_START,
        EventType.TARGET_RESOLUTION_END,
    }
    assert {kind for kind in EventType if sentence(event(kind)) is None} == silent


def test_what_others_wrote_cannot_reach_the_terminal() -> None:
    hostile = event(EventType.STOP_REQUESTED, cause="user", reason="\x1b]0;title\x07\nnext line")
    words = sentence(hostile)
    assert words
    assert words.isprintable()
    assert named(["arn:thing/\x1b[2J"]).isprintable()
