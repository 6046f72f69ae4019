"""A world with three things, and a bench to run experiments on them."""

from __future__ import annotations

import pytest

from tests.engine.world import Bench, Thing


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.world.things = {name: Thing() for name in ("a", "b", "c")}
    return made
