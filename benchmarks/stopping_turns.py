"""One run that is stopped in one of several ways, and when its undo came."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
import httpx
from bridge_process import BridgeProcess
from cloud import TAG
from emulator_process import BenchmarkError
from measurement import busy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cloud import Cloud
    from emulator_process import Call

TOKEN: Final = "a-token-of-the-benchmark"  # noqa: S105 - of a bridge on loopback that ends with it
POLL_SECONDS: Final = 5
"""How often the bridge reads its alarms: the default."""
SETTINGS: Final = {
    "FAULTBRIDGE_INSTALLATION": "bench",
    "FAULTBRIDGE_MINIMUM_DURATION": "PT1S",
    "FAULTBRIDGE_STOP_POLL": f"PT{POLL_SECONDS}S",
    "FAULTBRIDGE_SIGNAL_TOKENS": TOKEN,
}
WAYS: Final = ("pushed alert", "pushed event", "user", "polled alarm")

_ALERT: Final = "CartsDown"
_FAULT_SECONDS: Final = 300
_PATIENCE: Final = 60.0
_LOOK_EVERY: Final = 0.02


@dataclass(frozen=True)
class Turn:
    """Seconds from sending what stops a run."""

    answered: float
    """Until whoever sent it had an answer."""
    begins: float
    """Until the undo's first call arrived at the cloud: it looks before it acts."""
    first: float
    """Until the first call that reverts arrived there."""
    ours: float
    """Of that, what passed while the cloud was not busy with the look that comes before it."""
    last_call: float
    """Until the last call that reverts was answered."""
    reverted: float
    """Until the bridge had seen the last target run again, and had written that down."""


class StoppingTurns:
    """A running bridge with a template for each size, as a context manager."""

    def __init__(self, cloud: Cloud, sizes: Sequence[int]) -> None:
        """Describe it; nothing runs yet."""
        self._cloud = cloud
        self._sizes = sizes

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            environment = {**self._cloud.environment, **SETTINGS}
            self._bridge = stack.enter_context(BridgeProcess(environment))
            self._http = stack.enter_context(httpx.Client(base_url=self._bridge.url, timeout=30))
            self._alarms: Any = boto3.client(
                "cloudwatch",
                endpoint_url=self._cloud.url,
                region_name=environment["AWS_REGION"],
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            )
            stack.callback(self._alarms.close)
            self._templates = {size: self._create(size) for size in self._sizes}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, way: str, size: int) -> Turn:
        """Stop a group's instances, stop the run, and see them run again.

        Raises BenchmarkError unless the run ends stopped with every instance running.
        """
        run = self._bridge.start(self._templates[size])
        self._wait(run, lambda found: found["actions"][0]["status"] == "running")
        self._cloud.forget_calls()
        sent = time.time()
        self._send(way, run)
        answered = time.time()
        ended = self._wait(run, lambda found: found["endedAt"] is not None)
        if ended["status"] != "stopped":
            raise BenchmarkError(f"the run {run} {ended['status']}: {ended['reason']}")
        calls = self._until_unmarked()
        turn = _turn(sent, answered, calls, self._reverted(run, size))
        self._after(way)
        self._cloud.wait_for_running(size)
        return turn

    def _send(self, way: str, run: str) -> None:
        if way == "user":
            self._http.post(f"/v1/experiments/{run}/stop", json={}).raise_for_status()
        elif way == "polled alarm":
            self._turn_alarm("ALARM")
        else:
            signal = self._alert("firing") if way == "pushed alert" else self._event("ALARM")
            if self._push(signal)["stopped"] != [run]:
                raise BenchmarkError(f"the signal has not stopped the run {run}")

    def _after(self, way: str) -> None:
        """Take back what was said, so that the next run may begin."""
        if way == "polled alarm":
            self._turn_alarm("OK")
        elif way == "pushed alert":
            self._push(self._alert("resolved"))

    def _push(self, signal: Mapping[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {TOKEN}"}
        answer = self._http.post("/v1/signals", json=signal, headers=headers)
        return answer.raise_for_status().json()

    def _turn_alarm(self, state: str) -> None:
        name = self._cloud.alarm_arn.rpartition(":")[2]
        self._alarms.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a benchmark")

    def _event(self, state: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {
            "id": now,
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "time": now,
            "resources": [self._cloud.alarm_arn],
            "detail": {"state": {"value": state, "reason": "a benchmark", "timestamp": now}},
        }

    def _alert(self, status: str) -> dict[str, Any]:
        labels = {"alertname": _ALERT, "severity": "critical"}
        return {"version": "4", "alerts": [{"status": status, "labels": labels}]}

    def _wait(self, run: str, holds: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                found = self._http.get(f"/v1/experiments/{run}").raise_for_status().json()
            except httpx.ConnectError:
                raise BenchmarkError(f"the bridge has ended: {self._bridge.last_words()}") from None
            if holds(found):
                return found
            time.sleep(_LOOK_EVERY)
        raise BenchmarkError(f"the run {run} does not come so far: {found['status']}")

    def _until_unmarked(self) -> list[Call]:
        """Return the calls since the stop, once one has removed the marks."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            calls = self._cloud.calls()
            if any(call.operation == "DeleteTags" for call in calls):
                return calls
            time.sleep(_LOOK_EVERY)
        raise BenchmarkError("marks are left on the instances")

    def _reverted(self, run: str, size: int) -> float:
        """Return when the last target was reverted, in seconds since the epoch."""
        answer = self._http.get(f"/v1/experiments/{run}/events").raise_for_status().json()
        phases = [
            event
            for event in answer["events"]
            if event["type"] == "record-phase" and event["details"]["phase"] == "reverted"
        ]
        count = sum(len(event["details"]["resources"]) for event in phases)
        if count != size:
            raise BenchmarkError(f"{count} of {size} instances were reverted")
        return max(datetime.fromisoformat(event["at"]).timestamp() for event in phases)

    def _create(self, size: int) -> str:
        return self._bridge.create(
            {
                "description": f"Stop {size} instances until somebody stops the run",
                "roleArn": self._cloud.role_arn,
                "stopConditions": [
                    {"source": "aws:cloudwatch:alarm", "value": self._cloud.alarm_arn},
                    {
                        "source": "prometheus:alertmanager:alert",
                        "value": f'ALERTS{{alertname="{_ALERT}"}}',
                    },
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
                        "parameters": {"startInstancesAfterDuration": f"PT{_FAULT_SECONDS}S"},
                        "targets": {"Instances": "group"},
                    }
                },
            }
        )


def _turn(sent: float, answered: float, calls: Sequence[Call], reverted: float) -> Turn:
    starts = [call for call in calls if call.operation == "StartInstances"]
    if not starts:
        raise BenchmarkError("no instance was started again")
    first = starts[0].at
    # The poll of the alarms goes on beside it.
    before = [call for call in calls if sent <= call.at < first and call.service == "ec2"]
    return Turn(
        answered=answered - sent,
        begins=(before[0].at if before else first) - sent,
        first=first - sent,
        ours=first - sent - busy(before, first),
        last_call=max(call.at + call.handling for call in starts) - sent,
        reverted=reverted - sent,
    )
