"""Commands over doubles: in this process, or as processes of their own."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.cli import main
from providers import registry
from tests.cli.doubles import PATH, World, install

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds after which a process that says nothing is a failure."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world of two things, and settings with which commands work on it fast."""
    path = tmp_path / "world.json"
    for name in [name for name in os.environ if name.startswith("FAULTBRIDGE_")]:
        monkeypatch.delenv(name)
    for name, value in {
        PATH: str(path),
        "FAULTBRIDGE_INSTALLATION": "test",
        "FAULTBRIDGE_DATA": str(tmp_path / "data"),
        "FAULTBRIDGE_MINIMUM_DURATION": "PT1S",
        "FAULTBRIDGE_STOP_POLL": "PT1S",
    }.items():
        monkeypatch.setenv(name, value)
    for name, table in install().items():
        monkeypatch.setattr(registry, name, table)
    return World(path).create(["one", "two"])


@pytest.fixture
def command(world: World, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process; return exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        output, errors = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, output, errors

    return run


class Running:
    """A command as a process, its lines as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.errors = ""
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def until(self, words: str) -> str:
        """Return the next line with these words in it."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, f"ended without {words!r}: {self.end()}"
            if words in line:
                return line

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and errors."""
        code = self.process.wait(timeout=PATIENCE)
        assert self.process.stderr
        if not self.process.stderr.closed:
            self.errors += self.process.stderr.read()
            self.process.stderr.close()
        return code, self.errors


@pytest.fixture
def start(world: World) -> Iterator[Callable[..., Running]]:
    """Start a command as a process of its own."""
    started: list[Running] = []

    def begin(*arguments: str) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.faultbridge_with_doubles", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Running(process))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.end()
        assert one.process.stdout
        one.process.stdout.close()
