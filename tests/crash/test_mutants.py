"""One protection is taken out at a time, and the matrix must fail.

A test of a protection that cannot fail proves nothing. How many cases catch each mutant is
printed at the end of the tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.engine import calls, lease, turn
from bridge.model.moment import Micros
from bridge.model.record import Phase
from bridge.store import Store
from bridge.store.tables import experiments
from tests.crash.matrix import Matrix
from tests.crash.summary import note_line
from tests.engine.world import Bench, Thing, halt, things
from tests.trial.aws_rigs import StopInstances
from tests.trial.aws_world import AwsWorld
from tests.trial.rig import World

Worlds = Callable[[type[World]], World]


async def _cases(worlds: Worlds, kind: str) -> Matrix:
    """Play the cases of one kind that strike around the marking and the injection."""
    world = worlds(AwsWorld)
    async with world.fresh():
        matrix = Matrix(StopInstances, world)
        order = (await matrix.undisturbed(kind)).order
        for point, name in enumerate(order, 1):
            if any(step in name for step in ("mark", "inject", "observe")):
                await matrix.play(kind, point)
    return matrix


def _judge(mutant: str, matrix: Matrix, complaint: str, note: Any) -> None:
    said = [one for one in matrix.tally.complaints if complaint in one]
    cases = {one.partition("): ")[0] for one in said}
    note_line(note, _line(mutant, len(cases), matrix.tally.cases))
    assert cases, matrix.tally.complaints


def _line(mutant: str, caught: int, cases: int) -> str:
    return f'mutant "{mutant}": caught by {caught} of {cases} cases'


@pytest.mark.parametrize("kind", ["stopped", "database lost", "frozen"])
async def test_with_all_protections_nothing_is_wrong(worlds: Worlds, kind: str) -> None:
    assert (await _cases(worlds, kind)).tally.complaints == []


async def test_no_write_ahead_commit(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    whole = turn.Turn._commit

    async def only_afterwards(self: Any) -> None:
        in_flight = any(
            record.phase is Phase.INJECTING and not record.accepted
            for record in self._run.records.values()
        )
        if not in_flight:
            await whole(self)

    monkeypatch.setattr(turn.Turn, "_commit", only_afterwards)
    matrix = await _cases(worlds, "stopped")
    assert any("in the store" in one for one in matrix.tally.complaints)
    _judge("no write-ahead commit", matrix, "left behind", record_property)


async def test_no_mark(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    async def unmarked(*_given: Any) -> dict[str, list[str]]:
        return {}

    monkeypatch.setattr(calls, "_mark", unmarked)
    matrix = await _cases(worlds, "database lost")
    _judge("no mark", matrix, "left behind", record_property)


async def test_no_fence_check(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    def unchecked(self: Any, connection: Any, claim: Any, **values: Any) -> None:
        connection.execute(
            experiments.update().where(experiments.c.id == claim.experiment).values(**values)
        )

    monkeypatch.setattr(Store, "_compare_and_set", unchecked)
    matrix = await _cases(worlds, "frozen")
    # The other worker had ended the run; who was frozen goes on as if it had not.
    _judge("no fence check", matrix, "its journal ends 2 times", record_property)


async def test_no_late_effect_entry(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    async def silent(self: Any) -> None:
        return None

    monkeypatch.setattr(turn.Turn, "_report_late_effects", silent)
    matrix = await _cases(worlds, "frozen")
    _judge("no late-effect entry", matrix, "left behind", record_property)


# --- the lease, in real time ------------------------------------------------------------------


async def _second_worker_gets_it(monkeypatch: pytest.MonkeyPatch, step: str) -> bool:
    """Hold a call for three leases; say whether a second worker gets hold of the run."""
    bench = Bench(lease=timedelta(milliseconds=400))
    bench.world.things = {"t0": Thing()}
    monkeypatch.setattr(type(bench.world), "clock", lambda _self: Micros(time.time_ns() // 1000))
    bench.restart()
    bench.world.now = Micros(time.time_ns() // 1000)
    bench.world.frozen, bench.world.freeze_in = asyncio.Event(), step
    gate = bench.world.frozen
    run = await bench.start({"halt": halt(length="PT5H", target="t")}, {"t": things("t0")})
    slow = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    give_up = time.monotonic() + 1.2
    claimed = None
    while claimed is None and time.monotonic() < give_up:
        claimed = await bench.store.claim(run, owner="second", lease=Micros(1))
        await asyncio.sleep(0.01)
    gate.set()
    await slow
    return claimed is not None


@pytest.mark.parametrize("step", ["mark", "inject"])
async def test_a_lease_is_renewed_while_a_call_is_in_flight(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    assert not await _second_worker_gets_it(monkeypatch, step)


async def test_no_lease_renewal(monkeypatch: pytest.MonkeyPatch, record_property: Any) -> None:
    async def never(*_given: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(lease, "_renew", never)
    steps = ("mark", "inject")
    caught = [await _second_worker_gets_it(monkeypatch, step) for step in steps]
    note_line(record_property, _line("no lease renewal", sum(caught), len(steps)))
    assert all(caught)
