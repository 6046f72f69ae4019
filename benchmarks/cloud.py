"""The cloud that both sides work on: the AWS emulator in a process of its own, and its call log."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from emulator_process import BenchmarkError, EmulatorProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

TRANSITION_SECONDS: Final = 0.05
"""How long an emulated instance takes to stop or to start; none of it is measured."""
TAG: Final = "benchmark"
"""Key of the tag by which both sides choose their instances; the value is ``n`` and how many."""

_PATIENCE: Final = 30.0
"""Seconds until a world that does not come to rest counts as left behind."""
_LOOK_EVERY: Final = 0.05


class Cloud(EmulatorProcess):
    """The running emulator with the instances to stop, as a context manager."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """Describe a world with a group of instances of each size; nothing runs yet."""
        super().__init__(__file__)
        self._sizes = sizes

    def __enter__(self) -> Self:
        super().__enter__()
        self.role_arn: str = self.told["role_arn"]
        self.alarm_arn: str = self.told["alarm_arn"]
        self._ec2: Any = boto3.client(
            "ec2",
            endpoint_url=self.url,
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )
        for size in self._sizes:
            self._launch(size)
        return self

    def __exit__(self, *error: object) -> None:
        self._ec2.close()
        super().__exit__(*error)

    def wait_for_unmarking(self) -> None:
        """Wait until as many calls have removed marks as have written them.

        A run is over for its user before its marks are gone. Raises BenchmarkError.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            operations = [call.operation for call in self.calls()]
            if operations.count("DeleteTags") >= operations.count("CreateTags"):
                return
            time.sleep(_LOOK_EVERY)
        raise BenchmarkError("marks are left on the instances")

    def wait_for_running(self, size: int) -> None:
        """Wait until the instances of a group run. Raises BenchmarkError naming those that do not.

        The calls made here are not meant to be counted: read the log before.
        """
        deadline = time.monotonic() + _PATIENCE
        while others := [i for i, state in self._states(size).items() if state != "running"]:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"instances are not running again: {', '.join(others)}")
            time.sleep(_LOOK_EVERY)

    def _states(self, size: int) -> dict[str, str]:
        answer = self._ec2.describe_instances(
            Filters=[{"Name": f"tag:{TAG}", "Values": [f"n{size}"]}]
        )
        return {
            instance["InstanceId"]: instance["State"]["Name"]
            for reservation in answer["Reservations"]
            for instance in reservation["Instances"]
        }

    def _launch(self, size: int) -> None:
        tag = {"Key": TAG, "Value": f"n{size}"}
        self._ec2.run_instances(
            ImageId="ami-12c6146b",
            InstanceType="t3.small",
            MinCount=size,
            MaxCount=size,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [tag]}],
        )
        self.wait_for_running(size)


def _emulate() -> None:
    """Run the emulator until standard input ends."""
    from bridge.sandbox.aws.estate import build  # noqa: PLC0415 - only the child needs moto
    from bridge.sandbox.aws.server import AwsEmulator  # noqa: PLC0415 - the same

    with AwsEmulator(transition_seconds=TRANSITION_SECONDS) as emulator:
        estate = build(emulator)
        told = {
            "url": emulator.url,
            "environment": emulator.environment(),
            "role_arn": estate.role_arn,
            "alarm_arn": estate.alarm_arn,
        }
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _emulate()
