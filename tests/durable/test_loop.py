"""A run that is advanced by durable executions, in the local runner's skipped time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bridge.model.experiment import ExperimentStatus
from bridge.model.moment import SECOND
from providers.contract import StopState
from tests.durable.lambda_service import LambdaService
from tests.engine.world import Bench, Thing, action, halt


@pytest.fixture
def service() -> Iterator[LambdaService]:
    bench = Bench()
    bench.world.things = {name: Thing() for name in ("a", "b", "c")}
    made = LambdaService(bench)
    yield made
    made.close()
    bench.close()


def test_a_run_goes_through_in_one_execution(service: LambdaService) -> None:
    bench = service.bench
    run = asyncio.run(
        bench.start(
            {"halt": halt(length="PT2H"), "then": action("pause", after=("halt",), duration="PT1M")}
        )
    )
    before = bench.world.now
    service.ask(run)
    service.until(lambda: service.over(f"{run}-1"))
    ended = asyncio.run(bench.run(run))
    assert ended.status is ExperimentStatus.COMPLETED
    assert 7260 <= (bench.world.now - before) / SECOND < 7270
    assert list(service.started) == [f"{run}-1"]
    assert {t.state for t in bench.world.things.values()} == {"running"}
