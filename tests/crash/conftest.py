"""One world for all real bridges of this folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.crash.processes import ROOT, World


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
