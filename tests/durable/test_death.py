"""An invocation dies: between two operations, within a look, and before its result is kept.

Lambda makes it again, or gives the execution up. Nothing is left behind either way.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from tests.crash.invariants import lateness, owed, untruths
from tests.crash.summary import Tally, note_tally
from tests.durable.conftest import lambda_service
from tests.durable.lambda_service import LambdaService, Points
from tests.engine.world import action, halt, things

if TYPE_CHECKING:
    from tests.engine.world import Bench

FULL = os.environ.get("FAULTBRIDGE_CRASH") == "full"
EVERY = 1 if FULL else 13
"""In `make test` every thirteenth point is struck, in each of the ways another."""
_STOPPED_AFTER = Micros(30 * SECOND)


async def _run(bench: Bench) -> str:
    bench.world.settle = 2 * SECOND
    return await bench.start(
        {
            "halt": halt(length="PT2M", target="most"),
            "flicker": action("flicker", limit="PT1M").model_copy(
                update={"targets": {"Things": "one"}}
            ),
            "wait": action("pause", after=("halt",), duration="PT1M"),
        },
        {"most": things("a", "b"), "one": things("c")},
    )


def _play(service: LambdaService, run: str, *, stopped: bool) -> None:
    bench = service.bench
    if stopped:

        def stop() -> None:
            store = bench.store
            request = Request(experiment=run, kind=RequestKind.STOP, at=store.now(), details={})
            asyncio.run(store.append(request))
            service.ask(run)

        service.clock.before.append((Micros(bench.world.now + _STOPPED_AFTER), stop))
    service.ask(run)
    service.finish()
    # What Lambda gave up, or never got to know of, the rule of each minute takes up again.
    for _ in range(20):
        if not asyncio.run(bench.store.is_open(run)):
            return
        bench.world.now = Micros(bench.world.now + 60 * SECOND)
        asyncio.run(service.dispatcher.sweep())
        service.finish()
    raise AssertionError("the run does not come to an end")


def _die_at(tally: Tally, point: int, database: str, *, stopped: bool, for_good: bool) -> list[str]:
    """Run with a death at the given point (none if negative); return the points passed."""
    with lambda_service(database) as service:
        bench = service.bench
        service.dead_for_good = for_good
        run = asyncio.run(_run(bench))
        points = Points(point)
        service.strike(points)
        _play(service, run, stopped=stopped)
        experiment = asyncio.run(bench.run(run))
        journal = asyncio.run(bench.store.journal(run))
        complaints = untruths(experiment, asyncio.run(bench.store.records(run)), journal)
        late = lateness(experiment, journal)
        complaints += [
            f"{name} is {state}, marked {sorted(marks)}"
            for name, (state, marks) in bench.world.snapshot().items()
            if state != "running" or marks
        ]
        complaints += [f"{what} {n} times" for what, n in bench.world.effects.items() if n > 1]
        # One that Lambda makes again waits for its own lease; one that it gives up, for the rule.
        allowed = 90 if for_good else 25
        complaints += [f"undone {seconds} s late" for seconds in late if seconds > allowed]
        if point < 0 and len(points.passed) < owed(journal):
            complaints.append(f"{len(points.passed)} points, its journal shows {owed(journal)}")
        if point > 0 and not points.struck:
            complaints.append("the point was never passed")
        tally.add(f"point {point}, {points.struck}", points.struck, late, complaints)
        return points.passed


@pytest.mark.parametrize("for_good", [False, True], ids=["made again", "given up"])
@pytest.mark.parametrize("stopped", [False, True], ids=["to the end", "stopped"])
def test_death_at_every_point_leaves_nothing_behind(
    stopped: bool, for_good: bool, record_property: Any
) -> None:
    way = f"{'stopped' if stopped else 'to the end'}, {'given up' if for_good else 'made again'}"
    tally = Tally(f"durable loop, {way}")
    points = _die_at(tally, -1, "sqlite://", stopped=stopped, for_good=for_good)
    assert {"before step", "unsaved step", "after step", "before wait", "after wait"} <= set(points)
    assert sum(name.endswith("commit") for name in points) >= 14
    first = 1 + (2 * stopped + for_good) % EVERY
    for point in range(first, len(points) + 1, EVERY):
        _die_at(tally, point, "sqlite://", stopped=stopped, for_good=for_good)
    note_tally(record_property, tally)
    assert tally.complaints == []


def test_on_postgresql_too(postgresql: Any, record_property: Any) -> None:
    tally = Tally("durable loop, PostgreSQL")
    every = 3 if FULL else 40

    def die_at(point: int, *, for_good: bool) -> list[str]:
        url = postgresql.database()
        try:
            return _die_at(tally, point, url, stopped=False, for_good=for_good)
        finally:
            postgresql.give_back(url)

    points = die_at(-1, for_good=False)
    for point in range(every // 2 + 1, len(points) + 1, every):
        die_at(point, for_good=point % 2 == 0)
    note_tally(record_property, tally)
    assert tally.complaints == []
