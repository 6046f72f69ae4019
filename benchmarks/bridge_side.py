"""Faultbridge's side: a resident bridge in a process of its own, driven by boto3 as FIS is."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from bridge_process import BridgeProcess
from cloud import TAG
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


class BridgeSide:
    """A running bridge with a template for each group of instances, as a context manager."""

    name = "faultbridge"

    def __init__(self, cloud: Cloud, sizes: Sequence[int]) -> None:
        """Describe it; nothing runs yet."""
        self._cloud = cloud
        self._sizes = sizes

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            settings = {**self._cloud.environment, **SETTINGS}
            self._bridge = stack.enter_context(BridgeProcess(settings))
            self._templates = {size: self._create_template(size) for size in self._sizes}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, size: int) -> Sample:
        """Stop a group and start it again; raises BenchmarkError unless all went well."""
        self._cloud.forget_calls()
        experiment = self._bridge.start(self._templates[size])
        # Not asked before the fault's end: the bridge has nothing else to do than what is measured.
        time.sleep(FAULT_SECONDS)
        self._bridge.ended(experiment)
        self._cloud.wait_for_unmarking()
        measured = sample(self._bridge.sent_at, self._cloud.calls())
        self._cloud.wait_for_running(size)
        return measured

    def _create_template(self, size: int) -> str:
        return self._bridge.create(
            {
                "description": f"Stop {size} instances and start them again",
                "roleArn": self._cloud.role_arn,
                "stopConditions": [
                    {"source": "aws:cloudwatch:alarm", "value": self._cloud.alarm_arn}
                ],
                "targets": {
                    "group": {
                        "resourceType": "aws:ec2:instance",
                        "resourceTags": {TAG: f"n{size}"},
                        "selectionMode": "ALL",
                    }
                },
                "actions": {
                    "stop": {
                        "actionId": "aws:ec2:stop-instances",
                        "parameters": {"startInstancesAfterDuration": f"PT{FAULT_SECONDS}S"},
                        "targets": {"Instances": "group"},
                    }
                },
            }
        )
