"""Death and trouble while a Workflow, a Schedule or a ChaosEngine is at work.

Their removal takes several steps (an abort, a pause, a stop, then the deletion), so that there are
more points to die at than with a chaos resource of its own.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.crash.matrix import Matrix
from tests.crash.summary import note_tally
from tests.trial.kubernetes_kinds import KINDS
from tests.trial.rig import Rig, World

FULL = os.environ.get("FAULTBRIDGE_CRASH") == "full"
Worlds = Callable[[type[World]], World]
FEW = ("killed", "stopped", "frozen", "database lost")
"""What happens to them in `make test`; `make crash` lets everything happen."""


@pytest.mark.parametrize("rig", KINDS, ids=lambda rig: rig.kind)
async def test_one_target(rig: type[Rig], worlds: Worlds, record_property: Any) -> None:
    world = worlds(rig.world)
    draw = random.Random(f"one seed for ever/{rig.__name__}")  # noqa: S311 - a choice, no secret
    async with world.fresh():
        matrix = Matrix(rig, world)
        matrix.tally.title = f"{rig.fault} of {rig.__name__}"
        for kind in matrix.kinds if FULL else FEW:
            if FULL:
                await matrix.every_point(kind, at_most=40)
            else:
                await matrix.some(kind, draw, points=2)
    note_tally(record_property, matrix.tally)
    assert matrix.tally.complaints == []
