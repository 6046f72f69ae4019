"""`faultbridge run` as a process that is told to end: it undoes first."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli.embedded import TOGETHER
from tests.cli.conftest import PATIENCE, ROOT, Running
from tests.cli.doubles import World, document

Start = Callable[..., Running]

BROKEN = "one, two injected"


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=300)))
    return str(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_undoes_and_exits_as_stopped(
    start: Start, template: str, world: World, number: signal.Signals
) -> None:
    run = start("run", template)
    run.until(BROKEN)
    assert world.states == ["broken", "broken"]
    run.signal(number)
    code, errors = run.end()
    assert code == 3, errors
    assert f"{number.name} to `faultbridge run`." in errors
    assert world.states == ["whole", "whole"]
    with world.open() as found:
        assert found["marks"] == {}


def test_a_second_signal_leaves_at_once_and_says_how_to_undo(
    start: Start, template: str, world: World, tmp_path: Path
) -> None:
    world.set(stubborn=True)
    run = start("run", template)
    run.until(BROKEN)
    run.signal(signal.SIGINT)
    run.signal(signal.SIGINT)  # `timeout` signals the process and its group: meant as one
    run.until("trying again: it is stuck")
    time.sleep(TOGETHER)
    run.signal(signal.SIGINT)
    code, errors = run.end()
    assert code == 6
    assert "FAULTBRIDGE_INSTALLATION=test" in errors
    assert " rescue\n" in errors
    assert f" serve --data {tmp_path / 'data'}\n" in errors
    assert world.states == ["broken", "broken"]


def test_rescue_undoes_what_was_left(start: Start, template: str, world: World) -> None:
    run = start("run", template)
    run.until(BROKEN)
    run.signal(signal.SIGKILL)
    run.end()
    looked = start("rescue", "--dry-run")
    assert "would revert" in looked.until("/one")
    assert looked.end()[0] == 0
    assert world.states == ["broken", "broken"]
    rescued = start("rescue", "--json")
    code, errors = rescued.end()
    assert code == 0, errors
    assert world.states == ["whole", "whole"]


def test_the_next_run_ends_what_a_killed_one_left(
    start: Start, template: str, world: World, tmp_path: Path
) -> None:
    first = start("run", template)
    first.until(BROKEN)
    first.signal(signal.SIGKILL)
    first.end()
    world.set(stubborn=True)
    path = tmp_path / "again.json"
    path.write_text(json.dumps(document(seconds=1)))
    second = start("run", str(path))
    # The things are held by the first run, so the second fails at once; then there is waiting.
    second.until("experiment failed")
    second.signal(signal.SIGTERM)
    give_up_at = time.monotonic() + PATIENCE
    while world.reverts < 3:
        assert second.process.poll() is None, second.end()
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    world.set(stubborn=False)
    code, errors = second.end()
    assert (code, "what earlier runs left here" in errors) == (1, True)
    assert world.states == ["whole", "whole"]


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_terminal_that_closes_does_not_keep_it_from_undoing(
    template: str, world: World, terminal: bool
) -> None:
    reading, writing = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.faultbridge_with_doubles", "run", template],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(writing)
    seen = b""
    while b"injected" not in seen:
        seen += os.read(reading, 4096)
    assert (b"\x1b[" in seen) is terminal
    os.close(reading)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=PATIENCE) == 3
    assert world.states == ["whole", "whole"]
