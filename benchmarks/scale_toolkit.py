"""Chaos Toolkit on the same many instances: what it can do of a whole run.

It finds them by their tag, stops them in one call, and starts them again as a rollback after a
pause. It does not look whether they have stopped or run, makes sure of no right, and leaves nothing
on them that says how to undo it.

Run as a script it is a process that has imported everything; each line on standard input is a run.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Self

from emulator_process import BenchmarkError, Child
from fewest import counted, kinds_of
from turns import Turn
from worlds import TAG

if TYPE_CHECKING:
    from worlds import World

PAUSE: Final = 10
"""Seconds between stop and start, not counted: the emulator's instances have stopped by then."""


class ToolkitTurns:
    """Chaos Toolkit, waiting in a process of its own, as a context manager."""

    name = "chaostoolkit warm"

    def __init__(self, world: World) -> None:
        """Describe it; nothing runs yet."""
        self._world = world

    def __enter__(self) -> Self:
        self._child = Child(
            __file__, self._world.environment["AWS_REGION"], environment=self._world.environment
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def run(self) -> Turn:
        """Stop all instances and start them again. Raises BenchmarkError."""
        self._world.forget_calls()
        before = self._world.cpu_seconds()
        told = self._child.ask("run")
        if told["status"] != "completed":
            raise BenchmarkError(f"Chaos Toolkit's run: {told['status']}")
        used = self._world.cpu_seconds() - before
        calls = self._world.calls()
        self._world.prove_untouched()
        kinds = kinds_of("aws", calls, calls[-1].at)
        stop = next(c for c, kind in zip(calls, kinds, strict=True) if kind == "effects")
        down = stop.at + stop.handling - told["began"]
        up = told["ended"] - told["began"] - down - PAUSE
        return Turn(down, up, told["cpu"], used, calls=counted(kinds))


def experiment(region: str) -> dict[str, Any]:
    """Stop the instances by their tag; start them again as a rollback."""

    def activity(function: str) -> dict[str, Any]:
        key, value = TAG
        return {
            "type": "action",
            "name": function,
            "provider": {
                "type": "python",
                "module": "chaosaws.ec2.actions",
                "func": function,
                "arguments": {"filters": [{"Name": f"tag:{key}", "Values": [value]}]},
            },
        }

    return {
        "title": "Stop many instances and start them again",
        "description": "What the bridge is compared with",
        "configuration": {"aws_region": region},
        "method": [activity("stop_instances")],
        "rollbacks": [{**activity("start_instances"), "pauses": {"before": PAUSE}}],
    }


def _serve(region: str) -> None:
    # Imported here, before anything is measured: only this process needs them.
    import_module("chaosaws.ec2.actions")
    run_experiment = import_module("chaoslib.experiment").run_experiment
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        began, used = time.time(), time.process_time()
        journal = run_experiment(experiment(region))
        told = {
            "began": began,
            "ended": time.time(),
            "cpu": time.process_time() - used,
            "status": journal["status"],
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
