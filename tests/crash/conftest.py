"""The worlds that bridges die in: emulated in this process, and a sandbox for real ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.crash.processes import ROOT, World
from tests.trial.rig import World as EmulatedWorld


@pytest.fixture(scope="package")
def worlds() -> Iterator[Callable[[type[EmulatedWorld]], EmulatedWorld]]:
    """The emulated clouds of this process, each started when it is first needed."""
    started: dict[type[EmulatedWorld], EmulatedWorld] = {}
    with ExitStack() as stack:

        def world(kind: type[EmulatedWorld]) -> EmulatedWorld:
            if kind not in started:
                started[kind] = kind()
                stack.enter_context(started[kind].shared())
            return started[kind]

        yield world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("sandbox")
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.cli", "sandbox", "--clouds-only", "--dir", str(directory)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    ready = directory / "sandbox.env"
    give_up = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, "the sandbox ended"
        assert time.monotonic() < give_up, "the sandbox does not start"
        time.sleep(0.05)
    lines = ready.read_text().splitlines()
    yield World(dict(line.split("=", 1) for line in lines))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
