"""Real bridges, killed with SIGKILL at their points, beside a world that goes on.

`make crash` kills at every point that a run passes, `make test` at a few spread over them.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.client import AsyncClient, StartRequest
from tests.crash.processes import World, bridge, document, ended

AT_ONCE = 4
IN_SLICE = 5
"""Deaths in `make test`; the whole matrix has one at every point."""


@dataclass(frozen=True)
class Case:
    """What came of one death."""

    point: int
    name: str
    status: str
    left: list[str]
    reason: str = ""

    @property
    def wrong(self) -> bool:
        """Whether something is left, or the run ended otherwise than it may.

        A fault of seconds may be over before the next bridge is there to make it.
        """
        late = "time was over before" in self.reason
        return bool(self.left) or not (self.status == "completed" or late)


async def _die_and_go_on(world: World, tmp_path: Path, point: int) -> Case:
    case, data = f"p{point}", tmp_path / f"p{point}"
    instance = await asyncio.to_thread(world.launch, case)
    async with bridge(world, data, die_at=point) as (process, url):
        async with AsyncClient(url) as client:
            started = await client.start(StartRequest(template=document(case)))
        end = asyncio.create_task(ended(url, started.id))
        died = asyncio.create_task(process.wait())
        await asyncio.wait({end, died}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        # A bridge is out of reach before it is known to be dead; and the last points lie behind
        # the end that everybody sees.
        await asyncio.wait({died}, timeout=1)
        survived = not died.done()
        end.cancel()
        died.cancel()
        await asyncio.gather(end, died, return_exceptions=True)
    points = (data.parent / f"{data.name}.points").read_text().splitlines()
    async with bridge(world, data) as (_, url):
        status = await asyncio.wait_for(ended(url, started.id), 60)
        async with AsyncClient(url) as client:
            reason = (await client.experiment(started.id)).reason
        async with asyncio.timeout(20):
            while left := await asyncio.to_thread(world.left_behind, instance, started.id):
                if not any(mark.startswith("faultbridge:") for mark in left):
                    break
                await asyncio.sleep(0.2)  # marks are removed after the end
    killed = "" if survived else points[-1].split(" ", 1)[1]
    return Case(point, killed or "no death", status, left, reason)


async def test_sigkill_at_its_points_leaves_nothing_behind(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = await _die_and_go_on(world, tmp_path, 10_000)
    assert (whole.status, whole.left) == ("completed", [])
    points = (tmp_path / "p10000.points").read_text().splitlines()
    assert len(points) >= 40
    chosen = list(range(1, len(points) + 1))
    full = os.environ.get("FAULTBRIDGE_CRASH") == "full"
    if not full:
        chosen = chosen[2 :: len(chosen) // IN_SLICE][:IN_SLICE]
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(point: int) -> Case:
        async with slots:
            return await _die_and_go_on(world, tmp_path, point)

    cases = await asyncio.gather(*map(one, chosen))
    left = [case for case in cases if case.wrong]
    kills = [case for case in cases if case.name != "no death"]
    with capsys.disabled():
        print(f"\n{len(points)} points, {len(kills)} killed with SIGKILL, {len(left)} leftovers")  # noqa: T201 - the result
        for case in cases if full else ():
            print(f"  {case.point:3} {case.name}: {case.status} {case.left or ''}")  # noqa: T201 - the result
    assert left == []
    # How often a run looks at its resources varies, so the last points may not be reached.
    assert len(kills) >= (40 if full else IN_SLICE // 2)
