"""Faultbridge's side: a resident bridge in a process of its own, driven by boto3 as FIS is."""

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
from cloud import TAG, BenchmarkError
from measurement import Sample, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloud import Cloud

SETTINGS: Final = {
    "FAULTBRIDGE_INSTALLATION": "bench",
    "FAULTBRIDGE_MINIMUM_DURATION": "PT1S",
    # Each run reads its stop conditions before its first fault, which is counted. The poll after
    # that is one call for all runs of an account and belongs to none of them.
    "FAULTBRIDGE_STOP_POLL": "PT1M",
}
FAULT_SECONDS: Final = 1
"""How long the instances stay stopped, on either side."""

_ENDED: Final = frozenset({"completed", "stopped", "failed", "cancelled"})
_PATIENCE: Final = 60.0
_LOOK_EVERY: Final = 0.1


class BridgeSide:
    """A running bridge with a template for each group of instances, as a context manager."""

    name = "faultbridge"

    def __init__(self, cloud: Cloud, sizes: Sequence[int]) -> None:
        """Describe it; nothing runs yet."""
        self._cloud = cloud
        self._sizes = sizes
        self._sent_at = 0.0

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
        program = Path(sys.executable).with_name("faultbridge")
        process = subprocess.Popen(
            [program, "serve", "--port", "0", "--data", data],
            env={**os.environ, **self._cloud.environment, **SETTINGS},
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
        self._fis: Any = boto3.client(
            "fis",
            endpoint_url=url[0],
            region_name=self._cloud.environment["AWS_REGION"],
            aws_access_key_id=self._cloud.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._cloud.environment["AWS_SECRET_ACCESS_KEY"],
        )
        stack.callback(self._fis.close)
        self._fis.meta.events.register("before-send.fis.StartExperiment", self._note_sending)
        self._templates = {size: self._create_template(size) for size in self._sizes}

    def run(self, size: int) -> Sample:
        """Stop a group and start it again; raises BenchmarkError unless all went well."""
        self._cloud.forget_calls()
        answer = self._fis.start_experiment(experimentTemplateId=self._templates[size])
        # Not asked before the fault's end: the bridge has nothing else to do than what is measured.
        time.sleep(FAULT_SECONDS)
        state = self._ended(answer["experiment"]["id"])
        if state["status"] != "completed":
            raise BenchmarkError(f"Faultbridge's run of {size} {state['status']}: {state}")
        self._cloud.wait_for_unmarking()
        measured = sample(self._sent_at, self._cloud.calls())
        self._cloud.wait_for_running(size)
        return measured

    def _note_sending(self, **_: object) -> None:
        self._sent_at = time.time()

    def _ended(self, experiment: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            state: dict[str, Any] = self._fis.get_experiment(id=experiment)["experiment"]["state"]
            if state["status"] in _ENDED:
                return state
            time.sleep(_LOOK_EVERY)
        raise BenchmarkError(f"Faultbridge's run {experiment} does not end")

    def _create_template(self, size: int) -> str:
        answer = self._fis.create_experiment_template(
            description=f"Stop {size} instances and start them again",
            roleArn=self._cloud.role_arn,
            stopConditions=[{"source": "aws:cloudwatch:alarm", "value": self._cloud.alarm_arn}],
            targets={
                "group": {
                    "resourceType": "aws:ec2:instance",
                    "resourceTags": {TAG: f"n{size}"},
                    "selectionMode": "ALL",
                }
            },
            actions={
                "stop": {
                    "actionId": "aws:ec2:stop-instances",
                    "parameters": {"startInstancesAfterDuration": f"PT{FAULT_SECONDS}S"},
                    "targets": {"Instances": "group"},
                }
            },
        )
        return str(answer["experimentTemplate"]["id"])


def _end(process: subprocess.Popen[str]) -> None:
    """Let the bridge drain."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
