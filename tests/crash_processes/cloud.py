"""The sandbox as a process of its own that writes down what calls brought about.

A log of calls does not tell an effect from a repetition without one: an instance that is stopped
already is not stopped again. Each line is the time, a resource, and what became of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bridge.cli.listening import signalled
from bridge.sandbox.aws.instance_life import InstanceLife
from bridge.sandbox.kubernetes.objects import ObjectStore
from bridge.sandbox.world import World, write_files

TRANSITION: Final = 0.4
"""Seconds that an instance takes to stop or to start."""
EFFECTS: Final = "effects"
"""Name of the file in the sandbox's directory."""


def _write_down(file: Path) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def add(resource: str, became: str) -> None:
        line = json.dumps({"at": time.time(), "resource": resource, "became": became})
        os.write(handle, line.encode() + b"\n")

    down, up, record = InstanceLife.go_down, InstanceLife.come_up, ObjectStore._record

    def go_down(self: InstanceLife, instance: Any) -> None:
        add(instance.id, "down")
        down(self, instance)

    def come_up(self: InstanceLife, instance: Any) -> None:
        # The first time is its launch.
        add(instance.id, "launched" if instance.id in self.cloud.never_ran else "up")
        up(self, instance)

    def recorded(self: ObjectStore, kind: Any, key: Any, obj: Any, previous: Any) -> Any:
        if key.group == "chaos-mesh.org" and kind != "MODIFIED":
            owner = json.dumps(obj["metadata"].get("annotations", {}))
            add(f"{key.resource} {owner}", "down" if kind == "ADDED" else "up")
        return record(self, kind, key, obj, previous)

    InstanceLife.go_down = go_down  # type: ignore[method-assign] # to write it down
    InstanceLife.come_up = come_up  # type: ignore[method-assign] # the same
    ObjectStore._record = recorded  # type: ignore[method-assign] # the same


async def _keep_up(directory: Path) -> None:
    ended = signalled()
    async with World(transition_seconds=TRANSITION) as world:
        write_files(directory, world.environment(), world.kubeconfig())
        await ended.wait()


if __name__ == "__main__":
    with suppress(PermissionError):
        os.nice(-10)  # all cases wait for this one process
    _write_down(Path(sys.argv[1]) / EFFECTS)
    asyncio.run(_keep_up(Path(sys.argv[1])))
