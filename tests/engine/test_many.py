"""Many runs that wait and many targets: what each costs does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.model.experiment import ExperimentStatus
from bridge.model.moment import MINUTE, SECOND, Micros
from providers.contract import StopState
from tests.engine.world import Bench, Thing, action, halt

HOUR = 60 * MINUTE


@contextmanager
def statements(bench: Bench) -> Iterator[list[str]]:
    """Collect what is sent to the database within a block."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(bench._database, "before_cursor_execute", note)
    yield seen
    sa.event.remove(bench._database, "before_cursor_execute", note)


def _bench(targets: int = 1) -> Bench:
    bench = Bench()
    bench.world.things = {f"thing-{number:04}": Thing() for number in range(targets)}
    bench.world.alarms = {"alarm": StopState.CLEAR}
    return bench


async def _advanced(bench: Bench, run: str) -> int:
    """Advance a run as far as it goes now; return how many statements that took."""
    with statements(bench) as seen:
        await bench.engine.advance(run)
    return len(seen)


async def test_an_advance_takes_as_many_statements_for_a_thousand_targets_as_for_one() -> None:
    taken: dict[int, list[int]] = {}
    for targets in (1, 1000):
        bench = _bench(targets)
        run = await bench.start({"halt": halt(length="PT1M")})
        taken[targets] = [await _advanced(bench, run)]
        bench.world.now = Micros(bench.world.now + MINUTE)
        taken[targets].append(await _advanced(bench, run))
    # More only where a list is too long for one `IN (…)`: two look-ups of who holds what.
    for one, thousand in zip(taken[1], taken[1000], strict=True):
        assert thousand <= one + 4, taken


async def test_an_advance_takes_as_many_statements_however_many_runs_wait() -> None:
    bench = _bench()
    first = await bench.start({"wait": action("pause", duration="PT1H")})
    alone = await _advanced(bench, first)
    for _ in range(50):
        await bench.engine.advance(await bench.start({"wait": action("pause", duration="PT1H")}))
    among_many = await bench.start({"wait": action("pause", duration="PT1H")})
    assert await _advanced(bench, among_many) == alone


async def test_a_run_that_waits_sleeps_until_its_end_though_its_alarm_is_watched() -> None:
    bench = _bench()
    began = bench.world.now
    run = await bench.start({"wait": action("pause", duration="PT1H")}, stop_conditions=("alarm",))
    await bench.engine.advance(run)
    assert (await bench.store.next_due() or 0) >= began + HOUR


@pytest.mark.parametrize("runs", [1, 30])
async def test_a_poll_takes_as_many_statements_however_many_runs_watch(runs: int) -> None:
    bench = _bench()
    for _ in range(runs):
        pause = {"wait": action("pause", duration="PT1H")}
        await bench.engine.advance(await bench.start(pause, stop_conditions=("alarm",)))
    await bench.engine.stop_watch.poll()
    bench.world.now = Micros(bench.world.now + 6 * SECOND)
    with statements(bench) as seen:
        await bench.engine.stop_watch.poll()
    # What is watched; whose turn it is; the reading written; and how old it is.
    assert len([one for one in seen if not one.startswith("BEGIN")]) == 5, seen


async def test_a_broken_poll_does_not_keep_a_run_going() -> None:
    bench = _bench()
    run = await bench.start({"halt": halt(length="PT1H")}, stop_conditions=("alarm",))
    await bench.drive(seconds=10)

    async def broken(*_: Any, **__: Any) -> bool:
        raise RuntimeError("no poll")

    bench.store.claim_poll = broken  # type: ignore[method-assign] # what breaks
    bench.world.broken = "it cannot be undone for now"
    bench.woken.clear()
    for seconds in (50, 20):
        assert bench.woken == []
        bench.world.now = Micros(bench.world.now + seconds * SECOND)
        with pytest.raises(RuntimeError, match="no poll"):
            await bench.engine.stop_watch.poll()
    assert bench.woken == [run]
    assert await bench.store.due() == [run]
    await bench.engine.advance(run)
    assert (await bench.run(run)).status is ExperimentStatus.STOPPING
    # It is undoing by now, at a pace of its own, and is not woken for this again.
    bench.woken.clear()
    due = await bench.store.next_due()
    with pytest.raises(RuntimeError, match="no poll"):
        await bench.engine.stop_watch.poll()
    assert bench.woken == []
    assert await bench.store.next_due() == due
