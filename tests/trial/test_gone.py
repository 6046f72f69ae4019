"""A resource that goes away meanwhile is told: once, and not looked for for ever."""

from __future__ import annotations

from bridge.model.record import Record
from providers.contract import Effect, OutcomeKind
from tests.trial.life import ACCEPTED, Life, Outcomes
from tests.trial.rig import Rig


async def told_gone(life: Life, record: Record, outcomes: Outcomes) -> bool:
    """Whether an answer of ``inject``, or the look that follows an unknown one, says it."""
    kind = outcomes[record.id].kind
    if kind is not OutcomeKind.UNKNOWN:
        return kind in {OutcomeKind.GONE, life.rig.gone_before}
    seen = await life.only([record]).observe()
    return seen[record.id].effect in {Effect.GONE, life.rig.gone_during[0]}


async def test_gone_before_the_fault_is_told(rig: Rig) -> None:
    ways = rig.ways_to_go()
    life = await (await Life.of(rig, 2 + len(ways))).prepared()
    gone = life.targets[1 : 1 + len(ways)]
    for way, record in zip(ways, gone, strict=True):
        way(record)
    outcomes = await life.inject()
    for record in gone:
        assert await told_gone(life, record, outcomes), outcomes[record.id]
    others = life.only([record for record in life.records if record not in gone])
    assert {outcomes[record.id].kind for record in others.records} <= ACCEPTED
    await others.settled()
    assert all(others.faulted())


async def test_vanished_under_the_call_is_told(vanishing: Rig) -> None:
    life = await (await Life.of(vanishing)).prepared()
    vanishing.at.emulator.vanish(operation=vanishing.effects[0])
    outcomes = await life.inject()
    assert await told_gone(life, life.targets[0], outcomes), outcomes


async def test_gone_during_the_fault_is_told_and_does_not_hold_up_the_others(rig: Rig) -> None:
    ways = rig.ways_to_go()
    life = await (await Life.of(rig, 2 + len(ways))).prepared()
    before = life.snapshots()
    await life.in_effect()
    gone = life.targets[1 : 1 + len(ways)]
    for way, record in zip(ways, gone, strict=True):
        way(record)
    effect, outcome = rig.gone_during
    for record in gone:
        assert (await life.observe())[record.id].effect is effect
        assert (await life.only([record]).revert())[record.id].kind is outcome
    others = life.only([record for record in life.records if record not in gone])
    if rig.undoings:
        await others.undone()
        assert others.snapshots() == {record.id: before[record.id] for record in others.records}


async def test_vanished_under_the_undoing_is_told(vanishing_undoable: Rig) -> None:
    rig = vanishing_undoable
    life = await (await Life.of(rig)).prepared()
    await life.in_effect()
    rig.at.emulator.vanish(operation=rig.undoings[0])
    outcomes = await life.undone()
    assert outcomes[life.targets[0].id].kind is rig.gone_during[1]
