"""`faultbridge serve` as a process, and the commands that speak to it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Running
from tests.cli.doubles import World, document
from tests.cli.test_commands import Command

Start = Callable[..., Running]


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=300)))
    return str(path)


def served(start: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Start a bridge on a free port, and have commands speak to it."""
    bridge = start("serve", "--port", "0")
    line = bridge.until("ready on http://127.0.0.1:")
    url = next(word for word in line.split() if word.startswith("http://"))
    monkeypatch.setenv("FAULTBRIDGE_URL", url)
    return bridge


def test_a_run_on_a_bridge_from_start_to_stop(
    start: Start,
    command: Command,
    template: str,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(start, monkeypatch)
    code, output, errors = command("run", template)
    assert code == 0
    experiment = output.strip()
    assert f"faultbridge watch {experiment}" in errors
    watching = start("watch", experiment)
    watching.until("one, two injected")
    assert f"{experiment}  running" in command("experiments")[1]
    code, output, _ = command("stop", experiment)
    assert (code, "is told to stop" in output) == (0, True)
    watching.until("experiment stopped")
    assert watching.end()[0] == 3
    assert world.states == ["whole", "whole"]
    assert "has ended already: stopped" in command("stop", experiment)[1]
    assert command("watch", experiment)[0] == 3
    assert command("stop", "EXPnone")[0] == 2


def test_waiting_for_a_run_on_a_bridge_tells_its_verdict(
    start: Start,
    command: Command,
    tmp_path: Path,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(start, monkeypatch)
    path = tmp_path / "short.json"
    path.write_text(json.dumps(document(seconds=1)))
    assert command("validate", str(path))[0] == 0
    assert command("actions", "aws:test:break")[0] == 0
    code, output, _ = command("run", str(path), "--wait", "--json")
    assert (code, json.loads(output)["status"]) == (0, "completed")
    world.set(denied=True)
    assert command("run", str(path), "--wait")[0] == 1


def test_a_drained_bridge_leaves_faults_to_the_next(
    start: Start,
    command: Command,
    template: str,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = served(start, monkeypatch)
    experiment = command("run", template)[1].strip()
    watching = start("watch", experiment)
    watching.until("one, two injected")
    watching.signal(signal.SIGINT)
    code, errors = watching.end()
    assert (code, "the experiment goes on" in errors) == (130, True)
    first.signal(signal.SIGTERM)
    code, errors = first.end()
    assert (code, "draining" in errors) == (0, True)
    assert world.states == ["broken", "broken"]
    second = served(start, monkeypatch)
    command("stop", experiment)
    assert command("watch", experiment)[0] == 3
    assert world.states == ["whole", "whole"]
    second.signal(signal.SIGINT)
    assert second.end()[0] == 0


def test_rescue_leaves_a_living_bridges_runs_alone(
    start: Start,
    command: Command,
    template: str,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(start, monkeypatch)
    experiment = command("run", template)[1].strip()
    start("watch", experiment).until("one, two injected")
    assert "its run is open" in command("rescue")[1]
    monkeypatch.delenv("FAULTBRIDGE_URL")
    code, output, _ = command("rescue", "--json")
    assert code == 0
    assert {one["verdict"] for one in json.loads(output)["findings"]} == {"its run is open"}
    assert world.states == ["broken", "broken"]


def test_a_second_bridge_on_the_same_data_or_port_is_refused(
    start: Start, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(start, monkeypatch)
    code, _, errors = command("serve", "--port", "0")
    assert (code, "is in use by another bridge" in errors) == (5, True)
    port = os.environ["FAULTBRIDGE_URL"].rpartition(":")[2]
    code, _, errors = command("serve", "--data", str(tmp_path / "other"), "--port", port)
    assert (code, f"cannot listen on 127.0.0.1 port {port}" in errors) == (5, True)
