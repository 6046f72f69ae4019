"""A sandbox in a process of its own, and another shell that has read its variables."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_BESIDE = Path(sys.executable).parent
AWS = shutil.which("aws", path=f"{_BESIDE}{os.pathsep}{os.environ['PATH']}")
KUBECTL = shutil.which("kubectl")

needs_aws = pytest.mark.skipif(AWS is None, reason="no AWS CLI on this machine")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="no kubectl on this machine")


@dataclass(frozen=True)
class Shell:
    """Another shell, which has read sandbox.env."""

    environment: dict[str, str]

    def run(self, program: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program as a user would."""
        assert program is not None
        return subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.environment},
        )

    def aws(self, *arguments: str) -> Any:
        """Run the AWS CLI; return what it answered."""
        done = self.run(AWS, *arguments, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl; return what it printed."""
        done = self.run(KUBECTL, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def states(self) -> list[str]:
        """Return the states of all instances."""
        answer = self.aws("ec2", "describe-instances")
        return [
            instance["State"]["Name"]
            for reservation in answer["Reservations"]
            for instance in reservation["Instances"]
        ]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    directory = tmp_path_factory.mktemp("sandbox")
    process = subprocess.Popen(
        [
            sys.executable,
            *("-m", "bridge.cli", "sandbox", "--port", "0", "--dir", str(directory)),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ready = directory / "sandbox.env"
    until(lambda: ready.exists() or process.poll() is not None)
    assert process.poll() is None
    # Read by a shell, as a user's would: quotes and blanks must survive it.
    sourced = subprocess.run(
        ["sh", "-c", f"set -a; . {ready}; exec env -0"],
        capture_output=True,
        check=True,
        env={},
    )
    pairs = sourced.stdout.decode().rstrip("\0").split("\0")
    yield Shell(dict(pair.split("=", 1) for pair in pairs if not pair.startswith("PWD=")))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, "it does not come about"
        time.sleep(0.1)
