"""A resident bridge in a process of its own, driven by boto3 as FIS is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from emulator_process import BenchmarkError, cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDED: Final = frozenset({"completed", "stopped", "failed", "cancelled"})
_PATIENCE: Final = 60.0
_LOOK_EVERY: Final = 0.1


class BridgeProcess:
    """A running bridge and a client of its FIS dialect, as a context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Describe a bridge with these variables; nothing runs yet."""
        self._environment = environment
        self.sent_at = 0.0
        """When the last StartExperiment was sent, in seconds since the epoch."""
        self.url = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        # Beside this file rather than in a memory disk: a commit has to reach a real one.
        folder = tempfile.TemporaryDirectory(prefix=".data-", dir=Path(__file__).parent)
        data = stack.enter_context(folder)
        # A pipe that nobody reads would hold the bridge up once it is full.
        errors = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115 - the stack closes it
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", "serve", "--port", "0", "--data", data],
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        stack.callback(_end, process)
        line = process.stdout.readline() if process.stdout else ""
        if (url := re.search(r"http://[^\s,]+", line)) is None:
            _end(process)
            errors.seek(0)
            raise BenchmarkError(f"the bridge did not start:\n{errors.read()}")
        self._process, self._errors = process, errors
        self._pid = process.pid
        self.url = url[0]
        self.fis: Any = boto3.client(
            "fis",
            endpoint_url=url[0],
            region_name=self._environment["AWS_REGION"],
            aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
        )
        stack.callback(self.fis.close)
        self.fis.meta.events.register("before-send.fis.StartExperiment", self._note_sending)

    def cpu_seconds(self) -> float:
        """Return the processor time that the bridge has used so far."""
        return cpu_seconds(self._pid)

    def last_words(self) -> str:
        """Return how the bridge ended, and what it wrote on standard error."""
        self._errors.seek(0)
        return f"exit code {self._process.poll()}\n{self._errors.read()}"

    def create(self, document: Mapping[str, Any]) -> str:
        """Create an experiment template and return its id."""
        answer = self.fis.create_experiment_template(**document)
        return str(answer["experimentTemplate"]["id"])

    def start(self, template: str) -> str:
        """Start an experiment and return its id."""
        answer = self.fis.start_experiment(experimentTemplateId=template)
        return str(answer["experiment"]["id"])

    def ended(self, experiment: str, patience: float = _PATIENCE) -> dict[str, Any]:
        """Wait for the end of a run and return it.

        Raises BenchmarkError unless it completes within ``patience`` seconds.
        """
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.fis.get_experiment(id=experiment)["experiment"]
            state = found["state"]
            if state["status"] == "completed":
                return found
            if state["status"] in _ENDED:
                raise BenchmarkError(f"Faultbridge's run {experiment} {state['status']}: {state}")
            time.sleep(_LOOK_EVERY)
        raise BenchmarkError(f"Faultbridge's run {experiment} does not end")

    def _note_sending(self, **_: object) -> None:
        self.sent_at = time.time()


def _end(process: subprocess.Popen[str]) -> None:
    """Let the bridge drain."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
