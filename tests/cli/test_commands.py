"""Commands in this process: what they print and with which code they end."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from bridge.cli.exits import Exit
from tests.cli.doubles import World, document

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.yaml"
    path.write_text(yaml.safe_dump(document(seconds=1), sort_keys=False))
    return str(path)


def test_a_valid_template_is_said_so_with_its_warnings(command: Command, template: str) -> None:
    code, output, _ = command("validate", template)
    assert code == 0
    assert f"{template}:" in output
    assert "warning: stopConditions: nothing will stop a run" in output
    assert output.splitlines()[-1].startswith(f"{template}: valid (")


def test_errors_are_placed_in_the_file(command: Command, tmp_path: Path) -> None:
    wrong = document(seconds=1)
    wrong["actions"]["break"]["actionId"] = "aws:test:brake"
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(wrong, indent=2))
    line = path.read_text().splitlines().index('      "actionId": "aws:test:brake",') + 1
    code, output, _ = command("validate", str(path))
    assert code == 2
    assert f"{path}:{line}:7: error: actions.break.actionId:" in output
    assert 'did you mean "aws:test:break"?' in output
    code, output, _ = command("validate", str(path), "--json")
    found = json.loads(output)
    assert (code, found["valid"]) == (2, False)
    assert "actions.break.actionId" in {one["path"] for one in found["problems"]}


def test_a_template_comes_from_standard_input(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(document(seconds=1)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert command("validate", "-")[0] == 0


def test_a_run_completes_and_mends_everything(
    command: Command, template: str, world: World
) -> None:
    code, output, errors = command("run", template)
    assert code == 0, errors
    assert "break: one, two injected" in output
    assert "experiment completed" in output
    assert world.states == ["whole", "whole"]


def test_a_run_as_json_prints_one_document(command: Command, template: str) -> None:
    code, output, _ = command("run", template, "--json")
    found = json.loads(output)
    assert (code, found["status"]) == (0, "completed")
    assert [record["phase"] for record in found["records"]] == ["reverted", "reverted"]


def test_a_run_that_fails_says_why_and_the_mend(
    command: Command, template: str, world: World
) -> None:
    world.set(denied=True)
    code, _, errors = command("run", template)
    assert code == 1
    assert "actions.break: may not break things" in errors
    assert "    allow: [break]" in errors


def test_a_stop_condition_ends_a_run_with_its_own_code(
    command: Command, tmp_path: Path, world: World
) -> None:
    world.set(signal="triggered")
    path = tmp_path / "watched.json"
    path.write_text(json.dumps(document(signal=True)))
    code, _, errors = command("run", str(path))
    assert code == 3
    assert "Experiment halted by stop condition." in errors


def test_what_is_wrong_with_a_document_starts_nothing(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("description: x\n")
    code, output, errors = command("run", str(path))
    assert (code, output) == (2, "")
    assert f"{path}:1:1: error: actions: is required" in errors
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("validate", "missing.yaml"), 2, "missing.yaml: No such file"),
        (("actions", "aws:test:brake"), 2, 'did you mean "aws:test:break"'),
        (("serve", "--host", "0.0.0.0"), 2, "only loopback is allowed"),  # noqa: S104 - refused
        (("serve", "--host", "example.com"), 2, "only loopback is allowed"),
        (("nonsense",), 2, "No such command"),
        (("run",), 2, "Missing argument"),
    ],
)
def test_wrong_usage_is_told_without_a_stack_trace(
    command: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended, _, errors = command(*arguments)
    assert ended == code
    assert words in errors
    assert "Traceback" not in errors


def test_a_bridge_that_is_not_there_has_a_code_of_its_own(
    command: Command, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://127.0.0.1:9")
    for arguments in (("experiments",), ("stop", "EXPx"), ("watch", "EXPx"), ("run", template)):
        code, _, errors = command(*arguments)
        assert code == 5
        assert "no bridge answers at http://127.0.0.1:9" in errors


def test_an_address_that_is_none_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", "user:secret@bridge:4520")
    code, _, errors = command("experiments")
    assert code == 2
    assert "write it like http://127.0.0.1:4520" in errors
    assert "secret" not in errors


def test_settings_that_do_not_fit_are_named(
    command: Command, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_LEASE", "soon")
    code, _, errors = command("run", template)
    assert code == 2
    assert "FAULTBRIDGE_LEASE" in errors
    assert "not an ISO 8601 duration" in errors


def test_an_installation_without_a_name_runs_nothing(
    command: Command, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    monkeypatch.delenv("FAULTBRIDGE_INSTALLATION")
    for arguments in (("run", template), ("serve", "--port", "0"), ("rescue",)):
        code, _, errors = command(*arguments)
        assert code == 2
        assert "FAULTBRIDGE_INSTALLATION is not set" in errors


def test_schemas_are_printed_without_a_bridge(command: Command) -> None:
    schema = json.loads(command("schema", "networkchaos")[1])
    assert schema["title"] == "NetworkChaos"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "Workflow" in json.loads(command("schema")[1])["$defs"]
    listed = command("schema", "--list")[1]
    assert "NetworkChaos" in listed
    assert "Delays, loses" in listed


def test_a_kind_without_a_schema_is_told_the_nearest(command: Command) -> None:
    code, _, refusal = command("schema", "NetworkCaos")
    assert code == Exit.INVALID
    assert 'did you mean "NetworkChaos"?' in refusal


def test_actions_are_listed_without_a_bridge(command: Command) -> None:
    assert command("actions")[1].startswith("aws:test:break")
    described = command("actions", "aws:test:break")[1]
    assert "Things: aws:test:thing" in described
    assert "duration (required): How long things stay broken." in described
    assert json.loads(command("actions", "--json")[1])["actions"][0]["id"] == "aws:test:break"
