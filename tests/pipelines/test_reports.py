"""How a run ended, as JUnit XML and in Markdown."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.cli import junit, summary
from bridge.cli.exits import Exit
from bridge.cli.verdict import verdict
from bridge.client.documents import ExperimentDetail
from bridge.model.experiment import ActionStatus, ExperimentStatus
from bridge.model.record import Phase
from tests.cli.conftest import Running
from tests.cli.doubles import World, document

Command = Callable[..., tuple[int, str, str]]

_BEGAN = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
_ENDS = [one for one in ExperimentStatus if one.ended]
_TEXTS = st.text(max_size=40)
_AWKWARD = '</testcase> | [x](javascript:1) <img src=x> ``` \x00\x1b[31m\ud800\ufffe & "'


def _read(xml: str) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314 - our own


def _run(
    status: ExperimentStatus,
    actions: list[ActionStatus],
    phases: list[Phase],
    text: str = "because",
) -> ExperimentDetail:
    names = [f"a{index}" for index in range(len(actions))] or ["gone"]
    return ExperimentDetail.model_validate(
        {
            "id": "EXPabc",
            "templateId": "EXTabc",
            "description": text,
            "status": status,
            "reason": text,
            "createdAt": _BEGAN,
            "startedAt": _BEGAN,
            "endedAt": _BEGAN + timedelta(seconds=90),
            "now": _BEGAN,
            "actions": [
                {
                    "name": name,
                    "actionId": "aws:test:break",
                    "status": one,
                    "reason": text,
                    "startedAt": _BEGAN,
                    "endedAt": _BEGAN + timedelta(seconds=60),
                }
                for name, one in zip(names, actions, strict=False)
            ],
            "records": [
                {
                    "id": f"r{index}",
                    "action": names[index % len(names)],
                    "fault": "aws:test:break",
                    "resource": f"thing{index}{text}",
                    "phase": phase,
                    "ended": phase.ended,
                    "lastError": text,
                }
                for index, phase in enumerate(phases)
            ],
        }
    )


@settings(max_examples=40)
@given(
    st.sampled_from(_ENDS),
    st.lists(st.sampled_from([one for one in ActionStatus if one.ended]), min_size=1, max_size=3),
    st.lists(st.sampled_from(list(Phase)), max_size=4),
    _TEXTS,
)
@example(ExperimentStatus.COMPLETED, [ActionStatus.COMPLETED], [Phase.RELEASED], _AWKWARD)
@example(ExperimentStatus.CANCELLED, [ActionStatus.CANCELLED], [], "")
def test_xml_is_well_formed_and_its_verdict_is_the_exit_code(
    status: ExperimentStatus, actions: list[ActionStatus], phases: list[Phase], text: str
) -> None:
    run = _run(status, actions, phases, text)
    if status is ExperimentStatus.COMPLETED:  # FIS's rule: a failed action fails the run
        run = _run(status, [ActionStatus.COMPLETED for _ in actions], phases, text)
    suites = _read(junit.of_run(run))
    bad = suites.findall(".//failure") + suites.findall(".//error")
    assert bool(bad) == (verdict(run) is not Exit.COMPLETED)
    for element in (suites, suites[0]):
        for kind in ("failure", "error"):
            assert int(element.attrib[f"{kind}s"]) == len(suites.findall(f".//{kind}"))
        assert int(element.attrib["skipped"]) == len(suites.findall(".//skipped"))
        assert int(element.attrib["tests"]) == len(suites.findall(".//testcase"))


@settings(max_examples=40)
@given(_TEXTS)
@example(_AWKWARD)
def test_a_summary_holds_others_text_as_text(text: str) -> None:
    run = _run(ExperimentStatus.FAILED, [ActionStatus.FAILED], [Phase.RELEASED], text)
    bare = _run(ExperimentStatus.FAILED, [ActionStatus.FAILED], [Phase.RELEASED], "x")
    written, plain = summary.of_run(run), summary.of_run(bare)
    unescaped = re.compile(r"(?<!\\)(?:\\\\)*([|<>\[\]])")
    assert written.count("\n") == plain.count("\n")
    assert unescaped.findall(written) == unescaped.findall(plain)


def test_each_action_and_each_undo_is_a_case() -> None:
    run = _run(
        ExperimentStatus.FAILED,
        [ActionStatus.COMPLETED, ActionStatus.FAILED, ActionStatus.CANCELLED],
        [Phase.KEPT, Phase.RELEASED],
    )
    cases = {
        one.attrib["name"]: [child.tag for child in one]
        for one in _read(junit.of_run(run)).iter("testcase")
    }
    assert cases == {
        "verdict": ["error"],
        "a0": [],
        "a0: undone": ["skipped"],
        "a1": ["failure"],
        "a1: undone": ["error"],
        "a2": ["skipped"],
    }


def test_what_is_left_behind_stands_first_in_the_summary() -> None:
    phases = [*[Phase.REVERTED] * 200, Phase.RELEASED]
    written = summary.of_run(_run(ExperimentStatus.STOPPED, [ActionStatus.STOPPED], phases))
    assert "left behind" in written.split("thing", 2)[1]
    assert "and 101 more resources" in written
    assert written.startswith("### 🚨")


# --- the commands -------------------------------------------------------------------------


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.yaml"
    path.write_text(yaml.safe_dump(document(seconds=1)))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "junit.xml", tmp_path / "summary.md"


def _options(files: tuple[Path, Path]) -> list[str]:
    return ["--junit", str(files[0]), "--summary", str(files[1])]


def _counts(path: Path) -> dict[str, Any]:
    suites = _read(path.read_text("utf-8"))
    return {name: int(suites.attrib[name]) for name in ("tests", "failures", "errors")}


def test_a_run_writes_both(command: Command, template: str, files: tuple[Path, Path]) -> None:
    files[1].write_text("before\n")
    code, _, errors = command("run", template, *_options(files))
    assert code == 0, errors
    assert _counts(files[0]) == {"tests": 3, "failures": 0, "errors": 0}
    assert files[1].read_text().startswith("before\n### ✅ Break things")
    assert "| arn:aws:test:us-east-1:123456789012:thing/one |" in files[1].read_text()


def test_a_run_that_fails_is_a_failure_with_its_mend(
    command: Command, template: str, world: World, files: tuple[Path, Path]
) -> None:
    world.set(denied=True)
    assert command("run", template, *_options(files))[0] == 1
    assert _counts(files[0])["failures"] == 1
    assert "allow: [break]" in files[0].read_text()
    assert "```text\nallow: [break]\n```" in files[1].read_text()


def test_what_never_began_is_an_error(
    command: Command,
    template: str,
    files: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = files[0].with_name("wrong.yaml")
    wrong.write_text("description: x\n")
    assert command("run", str(wrong), *_options(files))[0] == 2
    assert _counts(files[0]) == {"tests": 1, "failures": 0, "errors": 1}
    assert "actions: is required" in files[0].read_text()
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://127.0.0.1:9")
    assert command("run", template, "--wait", *_options(files))[0] == 5
    assert "no bridge answers" in files[0].read_text()
    assert command("watch", "EXPx", *_options(files))[0] == 5
    assert files[1].read_text().count("Exit code 5") == 2


def test_reports_that_could_never_be_written_are_refused_first(
    command: Command, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, errors = command("run", template, "--junit", str(tmp_path / "none" / "junit.xml"))
    assert code == 2
    assert "--junit: " in errors
    assert not (tmp_path / "data").exists()
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://127.0.0.1:9")
    code, _, errors = command("run", template, "--summary", str(tmp_path / "summary.md"))
    assert code == 2
    assert "add --wait" in errors


@pytest.mark.pipelines
def test_a_signal_ends_in_reports_too(
    start: Callable[..., Running], tmp_path: Path, files: tuple[Path, Path]
) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(yaml.safe_dump(document(seconds=60)))
    running = start("run", str(path), *_options(files))
    running.until("injected")
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 3
    assert _counts(files[0])["failures"] == 2
    assert "**stopped**: SIGTERM to" in files[1].read_text()
