"""`faultbridge lever` against a bridge that runs as a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Running
from tests.cli.doubles import World, document
from tests.cli.test_commands import Command
from tests.cli.test_serve import served

Start = Callable[..., Running]


def test_an_operator_stops_everything_and_allows_it_again(
    start: Start,
    command: Command,
    tmp_path: Path,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=300)))
    served(start, monkeypatch)
    assert command("lever")[1].startswith("disengaged: ")
    experiment = command("run", str(path))[1].strip()
    watching = start("watch", experiment)
    watching.until("one, two injected")
    code, output, errors = command("lever", "engage", "--reason", "the shop is on fire")
    assert code == 0
    assert "the shop is on fire" in output
    assert "told to stop: 1" in errors
    watching.until("experiment stopped")
    assert watching.end()[0] == 3
    assert world.states == ["whole", "whole"]
    code, _, errors = command("run", str(path), "--wait")
    assert code == 4
    assert "The safety lever is engaged: the shop is on fire" in errors
    assert json.loads(command("lever", "--json")[1])["reason"] == "the shop is on fire"
    code, output, _ = command("lever", "disengage")
    assert (code, output.split(" ")[0]) == (0, "disengaged")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lever", "pull"), '"pull" is no move of the lever; write show'),
        (("lever", "--reason", "x"), "--reason is for engage and disengage"),
        (("lever", "engage", "--reason", "x" * 513), "shorten it to 512"),
    ],
)
def test_wrong_usage(command: Command, arguments: tuple[str, ...], words: str) -> None:
    code, _, errors = command(*arguments)
    assert code == 2
    assert words in errors


def test_no_bridge_no_lever(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://127.0.0.1:9")
    for arguments in (("lever",), ("lever", "engage")):
        assert command(*arguments)[0] == 5
