"""A few cases of the soak; ``make soak N=…`` plays as many as are asked for."""

from __future__ import annotations

import pytest

from tests.crash.soak import played

FOUND = (172,)
"""Seeds that once found something: what cannot be undone, shared with what can, ended never."""


@pytest.mark.parametrize("seed", [*range(1, 26), *FOUND])
async def test_random_runs_leave_nothing_behind(seed: int) -> None:
    case, found = await played(seed)
    assert found == [], f"seed {seed}: " + "; ".join(case.story)


async def test_a_case_follows_from_its_seed() -> None:
    first, again = [(await played(12))[0] for _ in range(2)]
    assert len(first.story) == len(again.story) > 0
    assert first.world.snapshot() == again.world.snapshot()
    assert [len(call) for call in first.world.calls] == [len(call) for call in again.world.calls]
