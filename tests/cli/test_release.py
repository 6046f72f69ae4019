"""`faultbridge release` against a bridge that runs as a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Running
from tests.cli.doubles import THING, World, document
from tests.cli.test_commands import Command
from tests.cli.test_serve import served

Start = Callable[..., Running]


@pytest.fixture
def stuck(
    start: Start,
    command: Command,
    tmp_path: Path,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """A run that is stopped and cannot undo what it did to two things."""
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=300)))
    served(start, monkeypatch)
    world.set(stubborn=True)
    experiment = command("run", str(path))[1].strip()
    watching = start("watch", experiment)
    watching.until("one, two injected")
    command("stop", experiment)
    watching.until("trying again: it is stuck")
    return experiment


def test_what_is_stuck_is_listed_and_released_on_an_operator_s_word(
    stuck: str, command: Command
) -> None:
    code, output, _ = command("release", stuck)
    assert code == 0
    assert f"{stuck}/break/0  reverting  {THING}one" in output
    assert "it is stuck" in output

    code, _, errors = command("release", stuck, "--action", "break")
    assert code == 2
    assert "--reason: say why" in errors
    code, _, errors = command("release", stuck, "--action", "break", "--reason", "burnt down")
    assert code == 2
    assert f"{stuck}/break/0  {THING}one" in errors
    assert "does not undo the fault" in errors
    assert "Nothing was done; repeat it with --yes" in errors

    how = ("--reason", "burnt down", "--yes")
    code, output, errors = command("release", stuck, f"{stuck}/break/0", *how)
    assert code == 0, errors
    assert f"{stuck}/break/0  released  released by an operator: burnt down" in output
    assert "one given up: burnt down" in errors
    code, output, _ = command("release", stuck, "--action", "break", *how, "--json")
    assert code == 0
    assert [record["id"] for record in json.loads(output)] == [f"{stuck}/break/1"]
    assert command("watch", stuck)[0] == 6
    assert command("release", stuck)[1] == ""


def test_what_cannot_be_released_is_refused(stuck: str, command: Command) -> None:
    for arguments, words in (
        (("nothing", "--yes"), 'has no record "nothing"'),
        (("--action", "other", "--yes"), 'has no action "other"; it has break'),
        (("--remove-webhooks", "--record-only"), "--remove-webhooks is for a release by force"),
    ):
        code, _, errors = command("release", stuck, *arguments)
        assert code == 2
        assert words in errors
