"""A world with three things, and a Lambda service whose executions run experiments on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.durable.lambda_service import LambdaService
from tests.engine.world import Bench, Thing


@contextmanager
def lambda_service(database: str = "sqlite://") -> Iterator[LambdaService]:
    """Serve a fresh world."""
    bench = Bench(database)
    bench.world.things = {name: Thing() for name in ("a", "b", "c")}
    service = LambdaService(bench)
    try:
        yield service
    finally:
        service.close()
        bench.close()


@pytest.fixture
def service() -> Iterator[LambdaService]:
    """A Lambda service on a database in memory."""
    with lambda_service() as made:
        yield made
