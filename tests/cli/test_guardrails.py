"""Guardrails as who types commands meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.doubles import World, document

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=2), indent=2))
    return str(path)


def test_validate_says_which_one_a_template_breaks_and_where(
    command: Command, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_MAXIMUM_SHARE", "50")
    code, output, _ = command("validate", template)
    line = Path(template).read_text().splitlines().index('      "selectionMode": "ALL"') + 1
    assert code == 2
    assert f"{template}:{line}:" in output
    assert "error: targets.all.selectionMode: guardrail FAULTBRIDGE_MAXIMUM_SHARE (50): " in output


@pytest.mark.parametrize(
    "broken",
    [
        ("PROTECTED_TAGS", "env=prod", "cannot be told which tags"),
        ("MAXIMUM_TARGETS", "1", 'action "break" would touch 2'),
        ("MAXIMUM_TARGETS_AT_ONCE", "1", 'action "break" would touch 2'),
    ],
)
def test_a_run_that_breaks_one_fails_before_its_first_fault(
    command: Command,
    template: str,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[str, str, str],
) -> None:
    variable, value, words = broken
    monkeypatch.setenv(f"FAULTBRIDGE_{variable}", value)
    code, output, errors = command("run", template)
    assert code == 1
    assert f"guardrail FAULTBRIDGE_{variable} ({value}): " in errors
    assert words in errors
    assert "injected" not in output
    assert world.states == ["whole", "whole"]


def test_a_run_in_a_closed_window_is_cancelled(
    command: Command, template: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_EXCLUDED_WINDOWS", "daily 00:00-24:00 UTC")
    code, _, errors = command("run", template)
    assert code == 4
    assert 'no run may be in "daily 00:00-24:00 UTC"' in errors
    assert world.states == ["whole", "whole"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("EXCLUDED_WINDOWS", "Mon 09:00-17:00", "names no time zone; add one"),
        ("MAXIMUM_SHARE", "150", "less than or equal to 100"),
        ("MAXIMUM_RUN_DURATION", "2h", "is not an ISO 8601 duration"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(
    command: Command,
    template: str,
    monkeypatch: pytest.MonkeyPatch,
    wrong: tuple[str, str, str],
) -> None:
    variable, value, words = wrong
    monkeypatch.setenv(f"FAULTBRIDGE_{variable}", value)
    for arguments in (("validate", template), ("serve",)):
        code, _, errors = command(*arguments)
        assert code == 2
        assert f"FAULTBRIDGE_{variable}: " in errors
        assert words in errors
