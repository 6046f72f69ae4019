"""A run of several actions on doubles: death at every commit and around every provider call.

The engine is thrown away at a point and a new one started on the same database. The doubles
are quick, so that a hundred targets are struck at every point, too (`make crash`).
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND
from tests.crash.invariants import lateness, owed, untruths
from tests.crash.summary import Tally, note_tally
from tests.engine.world import Bench, Killed, Thing, action, halt, things

FULL = os.environ.get("FAULTBRIDGE_CRASH") == "full"
EVERY = 1 if FULL else 4
"""In `make test` every fourth point is struck, in each of the four ways another fourth."""


def _bench(count: int) -> Bench:
    bench = Bench()
    bench.world.settle = 2 * SECOND
    bench.world.things = {f"t{n}": Thing() for n in range(count)}
    bench.world.things["other"] = Thing()
    return bench


async def _three_actions(bench: Bench) -> str:
    """Halt most things for five minutes, one more in a way that ends by itself, then wait."""
    names = [name for name in bench.world.things if name != "other"]
    return await bench.start(
        {
            "halt": halt(length="PT5M", target="most"),
            "flicker": action("flicker", limit="PT2M").model_copy(
                update={"targets": {"Things": "one"}}
            ),
            "wait": action("pause", after=("halt",), duration="PT1M"),
        },
        {"most": things(*names), "one": things("other")},
    )


async def _live(bench: Bench, run: str, stop_at: float | None) -> None:
    if stop_at is not None:
        await bench.drive(seconds=stop_at)
        await bench.store.append(
            Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})
        )
    await bench.drive()


async def _die_at(
    tally: Tally, point: int, count: int, *, stop_at: float | None, leases_free: bool
) -> list[str]:
    """Run with a death at the given point (none if negative); return the points passed."""
    bench = _bench(count)
    passed: list[str] = []

    def hook(name: str) -> None:
        passed.append(" ".join(name.split()[:2]))
        if len(passed) == point:
            raise Killed

    run = await _three_actions(bench)
    bench.world.hook = hook
    try:
        await _live(bench, run, stop_at)
    except Killed:
        bench.restart()
        if leases_free:
            await bench.store.take_over()
        # Whoever wanted to stop it asks again, since the request may have died with the process.
        await _live(bench, run, None if stop_at is None else 0.0)
    experiment = await bench.run(run)
    journal = await bench.store.journal(run)
    complaints = [*_leftovers(bench)]
    complaints += untruths(experiment, await bench.store.records(run), journal)
    if point < 0 and len(passed) < owed(journal):
        complaints.append(f"{len(passed)} points, its journal shows {owed(journal)}")
    struck = passed[point - 1] if 0 < point <= len(passed) else ""
    if point > 0 and not struck:
        complaints.append("the point was never passed")
    tally.add(f"point {point}, {struck}", struck, lateness(experiment, journal), complaints)
    return passed


def _leftovers(bench: Bench) -> list[str]:
    found = [
        f"{name} is {state}, marked {sorted(marks)}"
        for name, (state, marks) in bench.world.snapshot().items()
        if state != "running" or marks
    ]
    return found + [f"{what} {n} times" for what, n in bench.world.effects.items() if n > 1]


@pytest.mark.parametrize("count", [1, 3, 100] if FULL else [3])
@pytest.mark.parametrize("leases_free", [True, False], ids=["lock", "lease"])
@pytest.mark.parametrize("stop_at", [None, 30.0], ids=["to the end", "stopped"])
async def test_death_at_every_point_leaves_nothing_behind(
    stop_at: float | None, leases_free: bool, count: int, record_property: Any
) -> None:
    way = f"{'stopped' if stop_at else 'to the end'}, {'lock' if leases_free else 'lease'}"
    tally = Tally(f"three actions, {count} targets, {way}")
    points = await _die_at(tally, -1, count, stop_at=stop_at, leases_free=leases_free)
    assert len(points) >= 40
    assert sum(name.endswith("commit") for name in points) >= 20
    first = 1 + (2 * bool(stop_at) + leases_free) % EVERY
    for point in range(first, len(points) + 1, EVERY):
        await _die_at(tally, point, count, stop_at=stop_at, leases_free=leases_free)
    note_tally(record_property, tally)
    assert tally.complaints == []
