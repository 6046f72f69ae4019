"""A world with three things, and a bench to run experiments on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.world import Bench, Thing


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on each system; what the machine decides must not depend on it."""
    if request.param == "sqlite":
        made = Bench()
    else:
        made = Bench(request.getfixturevalue("postgresql_url"))
    made.world.things = {name: Thing() for name in ("a", "b", "c")}
    yield made
    made.close()
