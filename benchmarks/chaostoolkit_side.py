"""Chaos Toolkit's side: the same fault, cold (its command) and warm (imported already)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bridge_side import FAULT_SECONDS
from cloud import TAG
from emulator_process import BenchmarkError
from measurement import Sample, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud import Cloud


def experiment(size: int, region: str) -> dict[str, Any]:
    """Stop a group by its tag; start it again as a rollback, after as long as the bridge does."""

    def activity(function: str) -> dict[str, Any]:
        filters = [{"Name": f"tag:{TAG}", "Values": [f"n{size}"]}]
        return {
            "type": "action",
            "name": function,
            "provider": {
                "type": "python",
                "module": "chaosaws.ec2.actions",
                "func": function,
                "arguments": {"filters": filters},
            },
        }

    return {
        "title": f"Stop {size} instances and start them again",
        "description": "What the bridge is compared with",
        "configuration": {"aws_region": region},
        "method": [activity("stop_instances")],
        "rollbacks": [{**activity("start_instances"), "pauses": {"before": FAULT_SECONDS}}],
    }


class _ChaosToolkit:
    """What cold and warm share: a folder with an experiment for each group of instances."""

    def __init__(self, cloud: Cloud, sizes: Sequence[int]) -> None:
        self._cloud = cloud
        self._sizes = sizes
        self._environment = {**os.environ, **cloud.environment}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        region = self._cloud.environment["AWS_REGION"]
        for size in self._sizes:
            self._file(size).write_text(json.dumps(experiment(size, region)))
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def _file(self, size: int) -> Path:
        return Path(self._folder.name, f"n{size}.json")

    def _judged(self, started: float, size: int, status: str) -> Sample:
        if status != "completed":
            raise BenchmarkError(f"Chaos Toolkit's run of {size}: {status}")
        measured = sample(started, self._cloud.calls())
        self._cloud.wait_for_running(size)
        return measured


class ColdSide(_ChaosToolkit):
    """``chaos run``, measured from the start of its process."""

    name = "chaostoolkit cold"

    def run(self, size: int) -> Sample:
        """Stop a group and start it again; raises BenchmarkError unless all went well."""
        journal = Path(self._folder.name, "journal.json")
        journal.unlink(missing_ok=True)
        program = Path(sys.executable).with_name("chaos")
        self._cloud.forget_calls()
        started = time.time()
        done = subprocess.run(
            # The version check asks a server on the Internet.
            [program, "--no-version-check", "run", "--journal-path", journal, self._file(size)],
            cwd=self._folder.name,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not journal.exists():
            raise BenchmarkError(f"Chaos Toolkit's command failed:\n{done.stderr}{done.stdout}")
        return self._judged(started, size, json.loads(journal.read_text())["status"])


class WarmSide(_ChaosToolkit):
    """``run_experiment`` in a process that has imported everything, from its call on."""

    name = "chaostoolkit warm"

    def __enter__(self) -> Self:
        super().__enter__()
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=self._folder.name,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()
        super().__exit__(*error)

    def run(self, size: int) -> Sample:
        """Stop a group and start it again; raises BenchmarkError unless all went well."""
        self._cloud.forget_calls()
        if self._process.stdin is None or self._process.stdout is None:
            raise BenchmarkError("the process has no pipes")
        print(self._file(size), file=self._process.stdin, flush=True)
        if not (line := self._process.stdout.readline()):
            raise BenchmarkError("Chaos Toolkit's process ended")
        told = json.loads(line)
        return self._judged(told["started"], size, told["status"])


def _serve() -> None:
    """Run the experiment of each file named on standard input; tell when it began and how it is."""
    # Imported here, before anything is measured: only this process needs them.
    import_module("chaosaws.ec2.actions")
    run_experiment = import_module("chaoslib.experiment").run_experiment

    for line in sys.stdin:
        document = json.loads(Path(line.strip()).read_text())
        started = time.time()
        journal = run_experiment(document)
        print(json.dumps({"started": started, "status": journal["status"]}), flush=True)


if __name__ == "__main__":
    _serve()
