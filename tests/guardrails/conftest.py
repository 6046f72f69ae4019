"""Benches with guardrails, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.world import Bench, Thing

MakeBench = Callable[..., Bench]


@pytest.fixture
def bench_with() -> MakeBench:
    """Return a maker of benches with three things, under the guardrails that are given."""

    def made(**rules: Any) -> Bench:
        bench = Bench(**rules)
        bench.world.things = {name: Thing() for name in ("a", "b", "c")}
        return bench

    return made
