"""Every fault of every provider, on the emulated clouds: death and trouble at every point.

``make crash`` strikes at every point; `make test` at a choice that is the same each time. The
cases are named in `tests.crash.cases`, what must hold after each in `tests.crash.invariants`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.crash.matrix import Matrix, eligible
from tests.crash.summary import note_tally
from tests.trial.register import rigs
from tests.trial.rig import Rig, World

FULL = os.environ.get("FAULTBRIDGE_CRASH") == "full"
Worlds = Callable[[type[World]], World]

RIGS = list(rigs().values())
MANY = (
    "aws:ec2:stop-instances",
    "azure:compute:power-off-scale-set-instances",
    "gcp:compute:stop-instances",
)
"""Faults that are struck with a hundred targets in `make test` too; others take longer."""
FEWER = {"aws:eks:inject-kubernetes-custom-resource": 10}
"""An action takes one cluster, so that these are as many actions; a hundred take half a minute."""


def _drawn(rig: type[Rig]) -> random.Random:
    return random.Random(f"one seed for ever/{rig.fault}")  # noqa: S311 - a choice, no secret


@pytest.mark.parametrize("rig", RIGS, ids=lambda rig: rig.fault)
async def test_one_target(rig: type[Rig], worlds: Worlds, record_property: Any) -> None:
    world = worlds(rig.world)
    draw = _drawn(rig)
    async with world.fresh():
        matrix = Matrix(rig, world)
        if FULL:
            for kind in matrix.kinds:
                await matrix.every_point(kind)
        else:
            await matrix.some("killed", draw, points=3)
            others = [kind for kind in matrix.kinds if kind != "killed"]
            await matrix.some(others[RIGS.index(rig) % len(others)], draw, points=2)
    note_tally(record_property, matrix.tally)
    assert matrix.tally.complaints == []


@pytest.mark.parametrize(
    "rig", [rig for rig in RIGS if FULL or rig.fault in MANY], ids=lambda rig: rig.fault
)
async def test_many_targets(rig: type[Rig], worlds: Worlds, record_property: Any) -> None:
    """Strike once at each point by its name: the first, a middle or the last of those."""
    world = worlds(rig.world)
    draw = _drawn(rig)
    async with world.fresh():
        matrix = Matrix(rig, world, FEWER.get(rig.fault, 100))
        order = (await matrix.undisturbed("killed")).order
        names = sorted(set(order)) if FULL else [draw.choice(order)]
        for number, name in enumerate(names):
            kind = (
                matrix.kinds[(number + RIGS.index(rig)) % len(matrix.kinds)] if FULL else "killed"
            )
            named = [point for point in eligible(kind, order) if order[point - 1] == name]
            await matrix.play(kind, draw.choice(named or eligible(kind, order)))
    note_tally(record_property, matrix.tally)
    assert matrix.tally.complaints == []
