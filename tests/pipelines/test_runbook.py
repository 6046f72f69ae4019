"""`faultbridge runbook`: what it finds out, and what it says where nobody could tell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.cli.runbook_page import Subject, page
from bridge.client.preflight import Preflight, PreflightFinding
from tests.cli.doubles import World, document
from tests.pipelines.github import ROOT
from tests.pipelines.markdown import commands, section

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.yaml"
    path.write_text(yaml.safe_dump(document(seconds=2, signal=True)))
    return str(path)


def _preflight(**changes: Any) -> Preflight:
    plan = {
        "description": "d",
        "identity": "arn:aws:iam::123456789012:role/r",
        "targets": [
            {
                "name": "all",
                "resourceType": "aws:ec2:instance",
                "selectionMode": "COUNT(1)",
                "taken": 1,
                "resources": [f"arn:aws:ec2:us-east-1:1:instance/i-{n}" for n in range(30)],
            }
        ],
        "actions": [
            {
                "name": "stop",
                "actionId": "aws:ec2:stop-instances",
                "targets": ["all"],
                "ends": "lasts",
                "length": "PT2M",
                "undo": "restores",
                "byHand": {"says": "s", "undo": ["aws start {name}"], "note": ["aws look {name}"]},
            }
        ],
        "stopConditions": [{"source": "aws:cloudwatch:alarm", "value": "an alarm"}],
        **changes,
    }
    return Preflight.model_validate({"passed": True, "findings": [], "plan": plan})


def _page(found: Preflight) -> str:
    assert found.plan is not None
    return page(Subject("t.json"), found, found.plan, "# grants")


def test_it_is_filled_in_and_always_the_same(command: Command, template: str) -> None:
    code, output, errors = command("runbook", template)
    assert code == 0, errors
    assert command("runbook", template)[1] == output
    assert "# Game day: Break things" in output
    assert "`arn:aws:test:us-east-1:123456789012:thing/one`" in section(output, "## Blast radius")
    assert "| `the signal that stops it` | `test:signal` | OK |" in output
    assert "Undoing would mend it." in section(output, "## Undo by hand")
    assert "________" in section(output, "## Hypothesis")
    assert f"faultbridge validate {template} --preflight" in commands(output)


def test_all_that_may_be_drawn_is_named(command: Command, tmp_path: Path) -> None:
    one_of_two = document(seconds=2)
    one_of_two["targets"]["all"]["selectionMode"] = "COUNT(1)"
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(one_of_two))
    radius = section(command("runbook", str(tmp_path / "one.yaml"))[1], "## Blast radius")
    assert "| 1 of 2 (COUNT(1)) |" in radius
    assert "thing/one`" in radius
    assert "thing/two`" in radius


def test_a_condition_that_is_met_now_is_told(command: Command, template: str, world: World) -> None:
    world.set(signal="triggered")
    assert "**triggered: no run can begin**" in command("runbook", template)[1]


def test_what_is_missing_is_told() -> None:
    right: dict[str, Any] = {"identity": "experiment", "need": "required", "place": "account 1"}
    found = _preflight().model_copy(
        update={
            "passed": False,
            "findings": (
                PreflightFinding(what="ec2:StopInstances", verdict="missing", **right),
                PreflightFinding(what="ec2:StartInstances", verdict="cannot-check", **right),
                PreflightFinding(what="ec2:DescribeInstances", verdict="ok", **right),
            ),
        }
    )
    rights = section(_page(found), "## Rights")
    assert "The preflight **fails** now. Of what is required: 1 there, 1 **missing**" in rights
    assert "| `ec2:StopInstances` | **missing** | account 1 |" in rights
    assert "| `ec2:StartInstances` | not asked | account 1 |" in rights
    assert "ec2:DescribeInstances" not in rights


def test_it_is_written_to_a_file(command: Command, template: str, tmp_path: Path) -> None:
    code, output, errors = command("runbook", template, "-o", str(tmp_path / "day.md"))
    assert (code, output) == (0, "")
    assert "written: " in errors
    assert (tmp_path / "day.md").read_text() == command("runbook", template)[1]
    code, _, errors = command("runbook", template, "-o", str(tmp_path / "none" / "day.md"))
    assert code == 2
    assert "--output: " in errors


def test_what_nobody_could_tell_is_not_asked() -> None:
    target = {
        "name": "all",
        "resourceType": "aws:ec2:instance",
        "selectionMode": "ALL",
        "problem": "no credentials",
    }
    written = _page(_preflight(targets=[target]))
    assert "not asked: no credentials" in section(written, "## Blast radius")
    assert "| not asked |" in section(written, "## Blast radius")
    assert "not asked, or only heard when it is pushed" in section(written, "## Stop conditions")
    assert "aws start NAME" in commands(section(written, "## Undo by hand"))


def test_many_resources_are_cut_off_and_counted() -> None:
    written = _page(_preflight())
    assert "and 10 more" in section(written, "## Blast radius")
    assert "The same for 10 more, by their own names." in written
    assert len(commands(section(written, "## Undo by hand"))) == 40


@settings(max_examples=40)
@given(st.text(max_size=50))
@example("`x` | </details> ```sh\nrm -rf /\n``` **")
def test_words_of_others_add_no_command_and_no_cell(text: str) -> None:
    plain, odd = _page(_preflight()), _page(_preflight(description=text))
    assert commands(odd) == commands(plain)
    assert odd.count("\n## ") == plain.count("\n## ")
    cells = re.compile(r"(?<!\\)\|")
    assert len(cells.findall(odd)) == len(cells.findall(plain))


# --- its commands -------------------------------------------------------------------------


def test_the_commands_of_a_runbook_run_as_they_stand(  # noqa: PLR0917 - fixtures
    command: Command,
    bridge: str,
    template: str,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", bridge)
    monkeypatch.chdir(tmp_path)
    experiment = ""
    for line in commands(section(command("runbook", template)[1], "## Commands")):
        start = re.fullmatch(r"EXPERIMENT=\$\((.*)\)", line)
        words = shlex.split((start[1] if start else line).replace('"$EXPERIMENT"', experiment))
        code, output, errors = command(*words[1:])
        assert code == 0, (line, errors)
        experiment = output.strip() if start else experiment
    assert experiment.startswith("EXP")
    assert (tmp_path / "junit.xml").exists()
    assert world.states == ["whole", "whole"]


def test_a_stored_template_has_a_runbook_and_runs(
    command: Command, bridge: str, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", bridge)
    command("run", template, "--wait")
    listed = command("experiments", "--json")[1]
    stored = yaml.safe_load(listed)["experiments"][0]["templateId"]
    code, output, errors = command("runbook", stored)
    assert code == 0, errors
    assert f"EXPERIMENT=$(faultbridge run {stored})" in commands(output)
    code, output, errors = command("run", stored, "--wait")
    assert code == 0, errors
    code, _, errors = command("run", stored, "--role", "arn:aws:iam::123456789012:role/x")
    assert code == 2
    assert "--role" in errors


def test_the_example_has_the_form_of_a_written_one(command: Command, template: str) -> None:
    written = command("runbook", template)[1]
    shown = (ROOT / "examples/runbooks/game-day.md").read_text("utf-8")
    assert re.findall(r"^## .*", shown, re.MULTILINE) == re.findall(
        r"^## .*", written, re.MULTILINE
    )
    ours = commands(section(written, "## Commands"))
    name = os.path.relpath(ROOT / "examples/fis/carts-latency.json", ROOT)
    assert commands(section(shown, "## Commands")) == [
        line.replace(template, name) for line in ours
    ]
