"""Die at every commit, and before and after every provider call, in process and virtual time.

The engine is thrown away at a point and a new one started on the same database. Afterwards the
world must equal the world before, and nothing may have taken effect twice. The mutants at the
end take one protection out each, and must be caught.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from bridge.engine import advance, lease
from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase
from bridge.store import Store
from bridge.store.tables import experiments
from tests.engine.world import SCOPE, Bench, Killed, Thing, action, halt, things


def _bench(count: int = 3) -> Bench:
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


async def _die_at(point: int, *, stop_at: float | None, leases_free: bool) -> tuple[int, Bench]:
    """Run with a death at the given point (none if negative); return points passed, and all."""
    bench = _bench()
    passed = 0

    def hook(_name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == point:
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
    return passed, bench


async def _leftovers(bench: Bench) -> list[str]:
    found = [
        f"{name} is {state}, marked {sorted(marks)}"
        for name, (state, marks) in bench.world.snapshot().items()
        if state != "running" or marks
    ]
    found += [f"{what} {n} times" for what, n in bench.world.effects.items() if n > 1]
    return found


@pytest.mark.parametrize("leases_free", [True, False], ids=["lock", "lease"])
@pytest.mark.parametrize("stop_at", [None, 30.0], ids=["to the end", "stopped"])
async def test_death_at_every_point_leaves_nothing_behind(
    stop_at: float | None, leases_free: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    points, bench = await _die_at(-1, stop_at=stop_at, leases_free=leases_free)
    assert await _leftovers(bench) == []
    journal = [call for call in bench.world.calls if "commit" in call]
    assert points >= 40
    assert len(journal) >= 10
    leftovers: dict[int, list[str]] = {}
    for point in range(1, points + 1):
        _, bench = await _die_at(point, stop_at=stop_at, leases_free=leases_free)
        found = await _leftovers(bench)
        if found:
            leftovers[point] = found
        (run,) = await bench.store.experiments(SCOPE)
        assert run.status.ended, f"point {point}: still {run.status}"
    with capsys.disabled():
        # The figures are the test's result as much as its verdict is.
        print(f"\n{points} points, {len(leftovers)} with leftovers", end=" ")  # noqa: T201 - shown on purpose
    assert leftovers == {}


# --- the mutants ----------------------------------------------------------------------------


async def test_without_the_write_ahead_commit_a_death_leaves_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = advance._Advance._commit

    async def only_afterwards(self: Any) -> None:
        in_flight = any(
            record.phase is Phase.INJECTING and not record.accepted
            for record in self._run.records.values()
        )
        if not in_flight:
            await whole(self)

    monkeypatch.setattr(advance._Advance, "_commit", only_afterwards)
    points, _ = await _die_at(-1, stop_at=None, leases_free=True)
    found = []
    for point in range(1, points + 1):
        _, bench = await _die_at(point, stop_at=None, leases_free=True)
        found += await _leftovers(bench)
    assert found


async def _frozen_worker() -> tuple[Bench, ExperimentStatus]:
    """Freeze a worker between its last check and its effect; end the run; let it go on."""
    bench = _bench()
    bench.world.frozen = gate = asyncio.Event()
    run = await bench.start({"halt": halt(length="PT5H", target="t")}, {"t": things("t0")})
    frozen = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    bench.world.now += 20 * SECOND  # type: ignore[assignment] # its lease ends
    await bench.store.append(
        Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now(), details={})
    )
    bench.engine = bench.other_engine()
    await bench.drive(seconds=600)
    status = (await bench.run(run)).status
    gate.set()
    await frozen
    bench.world.now += 15 * SECOND  # type: ignore[assignment]
    await bench.drive(seconds=60)
    return bench, status


async def test_what_a_frozen_worker_does_after_the_run_has_ended_is_undone() -> None:
    bench, status = await _frozen_worker()
    assert status is ExperimentStatus.STOPPED
    assert bench.world.effects["stopped", "t0"] == 1
    assert bench.world.look("t0") == "running"
    (run,) = await bench.store.experiments(SCOPE)
    assert run.status is ExperimentStatus.STOPPED
    assert "late-effect" in [event.type for event in await bench.store.journal(run.id)]


async def test_without_the_fence_check_a_frozen_worker_leaves_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unchecked(self: Any, connection: Any, claim: Any, **values: Any) -> None:
        connection.execute(
            experiments.update().where(experiments.c.id == claim.experiment).values(**values)
        )

    monkeypatch.setattr(Store, "_compare_and_set", unchecked)
    bench, _ = await _frozen_worker()
    assert bench.world.look("t0") != "running"


async def test_without_the_late_effect_entry_a_frozen_worker_leaves_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(self: Any) -> None:
        return None

    monkeypatch.setattr(advance._Advance, "_report_late_effects", silent)
    bench, _ = await _frozen_worker()
    assert bench.world.look("t0") != "running"


async def _slow_call(monkeypatch: pytest.MonkeyPatch, *, renewed: bool) -> int:
    """Hold a call for five leases and let a second worker try all the while.

    Returns how often the second worker got hold of the run.
    """
    bench = Bench(lease=timedelta(milliseconds=200))
    bench.world.things = {"t0": Thing()}
    monkeypatch.setattr(type(bench.world), "clock", lambda _self: Micros(time.time_ns() // 1000))
    bench.restart()
    if not renewed:

        async def never(*_args: Any) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(lease, "_renew", never)
    bench.world.now = Micros(time.time_ns() // 1000)
    bench.world.frozen = gate = asyncio.Event()
    run = await bench.start({"halt": halt(length="PT5H", target="t")}, {"t": things("t0")})
    slow = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    taken = 0
    give_up = time.monotonic() + 1.0
    while time.monotonic() < give_up:
        claimed = await bench.store.claim(run, owner="second", lease=Micros(1))
        if claimed is not None:
            taken += 1
            break
        await asyncio.sleep(0.01)
    gate.set()
    await slow
    return taken


async def test_a_lease_is_renewed_while_a_call_is_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await _slow_call(monkeypatch, renewed=True) == 0


async def test_without_renewal_a_second_worker_takes_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await _slow_call(monkeypatch, renewed=False) == 1
