"""The two sides that take turns on one world, and what is measured of each of their runs.

A run has two halves. Down: from the request that starts it until the last look that found the
last machine stopped. Up: from the end of the fault's duration until the run is over, all machines
running. Between them both sides have nothing to do, and that time is not counted; the script
leaves it out.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from bare_script import LOOK_PAUSE, THREADS
from bridge_process import BridgeProcess
from emulator_process import BenchmarkError, Child
from fewest import counted, fewest, kinds_of
from worlds import TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator_process import Call
    from worlds import World

SETTINGS: Final = {
    "FAULTBRIDGE_INSTALLATION": "bench",
    "FAULTBRIDGE_MINIMUM_DURATION": "PT1S",
    "FAULTBRIDGE_CLOUD_THREADS": str(THREADS),
    "FAULTBRIDGE_POLL_SHORTEST": f"PT{LOOK_PAUSE}S",
}
WARM_UP: Final = 5
"""Machines of the run before the first that counts: it loads the SDK and fetches tokens."""
_WARM_UP_SECONDS: Final = 10
_PATIENCE: Final = 600.0
_LOOK_EVERY: Final = 1


@dataclass(frozen=True)
class Turn:
    """One run of one side. Times in seconds."""

    down: float
    up: float
    cpu: float
    """Processor time of the side's own process."""
    emulator_cpu: float
    """Processor time of the emulator meanwhile."""
    marks: float = 0.0
    """The part of ``down`` and ``up`` that passed with marks: each moment is counted to the call
    that arrived last."""
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def wall(self) -> float:
        """Both halves."""
        return self.down + self.up


class BridgeTurns:
    """A resident bridge with a template for the world, as a context manager."""

    name = "faultbridge"

    def __init__(self, world: World, duration: int) -> None:
        """Describe it; the fault lasts ``duration`` seconds from the action's start."""
        self._world = world
        self._duration = duration

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            settings = {**self._world.environment, **SETTINGS}
            self._bridge = stack.enter_context(BridgeProcess(settings))
            few = min(WARM_UP, self._world.size)
            warm_up = self._bridge.create(self._document(f"COUNT({few})", _WARM_UP_SECONDS))
            self._bridge.ended(self._bridge.start(warm_up))
            self._wait_for_unmarking(few)
            self._world.prove_untouched()
            self._template = self._bridge.create(self._document("ALL", self._duration))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self) -> Turn:
        """Stop all machines and start them again; raises BenchmarkError unless all went well."""
        self._world.forget_calls()
        before, emulator_before = self._bridge.cpu_seconds(), self._world.cpu_seconds()
        experiment = self._bridge.start(self._template)
        # Not asked before the fault's end: the bridge has nothing else to do than what is measured.
        time.sleep(self._duration)
        ended = self._bridge.ended(experiment, _PATIENCE)
        self._wait_for_unmarking(self._world.size)
        used = self._bridge.cpu_seconds() - before
        emulator_used = self._world.cpu_seconds() - emulator_before
        calls = self._world.calls()
        self._world.prove_untouched()
        (action,) = ended["actions"].values()
        over = action["startTime"].timestamp() + self._duration
        return self._judged(calls, over, ended["endTime"].timestamp(), used, emulator_used)

    def _judged(
        self, calls: Sequence[Call], over: float, ended: float, cpu: float, emulator_cpu: float
    ) -> Turn:
        kinds = kinds_of(self._world.cloud, calls, ended)
        last_down = max(n for n, call in enumerate(calls) if call.at < over)
        down = calls[last_down].at + calls[last_down].handling
        needed = fewest(self._world.cloud, self._world.size)["effects"]
        stopped = kinds[:last_down].count("effects") >= needed
        if not stopped or kinds[last_down] != "observation" or down > over:
            raise BenchmarkError(
                f"the fault was over before {self._world.size} machines were seen to be stopped; "
                "give it longer with --duration"
            )
        marks = 0.0
        for number, (call, kind) in enumerate(zip(calls, kinds, strict=True)):
            if kind == "marks" and call.at < ended:
                after = calls[number + 1].at if number + 1 < len(calls) else ended
                marks += min(after, ended) - call.at
        return Turn(
            down=down - self._bridge.sent_at,
            up=ended - over,
            cpu=cpu,
            emulator_cpu=emulator_cpu,
            marks=marks,
            calls=counted(kinds),
        )

    def _wait_for_unmarking(self, size: int) -> None:
        """Wait until the machines are as they were: a run is over before its marks are gone."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
            marks = [c for c in self._world.calls() if c.operation in _MARKING]
            if len(marks) >= (2 if self._world.cloud == "aws" else 2 * size):
                return
        raise BenchmarkError(f"marks are left in {self._world.cloud}")

    def _document(self, mode: str, seconds: int) -> dict[str, Any]:
        told = self._world.told
        key, value = TAG
        return {
            "description": f"Stop machines in {self._world.cloud} and start them again",
            "roleArn": told["role"],
            "stopConditions": [{"source": "none"}],
            "targets": {
                "machines": {
                    **told["target"],
                    "resourceTags": {key: value},
                    "selectionMode": mode,
                }
            },
            "actions": {
                "stop": {
                    "actionId": told["action"],
                    "parameters": {"startInstancesAfterDuration": f"PT{seconds}S"},
                    "targets": {"Instances": "machines"},
                }
            },
        }


_MARKING: Final = (
    "CreateTags",
    "DeleteTags",
    "instances.setLabels",
    "Tags_UpdateAtScope",
)


class BareTurns:
    """The bare script, waiting in a process of its own, as a context manager."""

    name = "bare SDK"

    def __init__(self, world: World) -> None:
        """Describe it; nothing runs yet."""
        self._world = world

    def __enter__(self) -> Self:
        script = str(Path(__file__).with_name("bare_script.py"))
        self._child = Child(
            script,
            self._world.cloud,
            json.dumps(self._world.told),
            environment=self._world.environment,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def run(self) -> Turn:
        """Stop all machines and start them again. Raises BenchmarkError."""
        self._world.forget_calls()
        before = self._world.cpu_seconds()
        told = self._child.ask("run")
        if told["machines"] != self._world.size:
            raise BenchmarkError(f"the bare script found {told['machines']} machines")
        used = self._world.cpu_seconds() - before
        calls = self._world.calls()
        self._world.prove_untouched()
        kinds = kinds_of(self._world.cloud, calls, calls[-1].at)
        return Turn(told["down"], told["up"], told["cpu"], used, calls=counted(kinds))
