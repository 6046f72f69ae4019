"""A fault from the first look to the last: it changes only what it says, once, and back again."""

from __future__ import annotations

from providers.contract import Effect, OutcomeKind
from tests.trial.life import ACCEPTED, Life, calls_of, changing, kinds
from tests.trial.rig import Rig


async def test_review_prepare_and_observe_only_read(rig: Rig) -> None:
    resources = rig.build(2)
    life = Life(rig, await rig.session(), rig.records_of(resources))
    before = rig.at.state()
    with calls_of(rig) as looking:
        await life.prepared()
        await life.observe()
    assert [call.operation for call in looking if not rig.at.is_read(call)] == []
    assert looking, "prepare must look"
    with calls_of(rig):
        assert await rig.code.review(life.session, rig.given, resources) == []
    assert rig.at.state() == before


async def test_undone_all_is_as_before(undoable: Rig) -> None:
    life = await (await Life.of(undoable, 2)).prepared()
    before = life.snapshots()
    assert not any(life.faulted())
    await life.mark()
    await life.in_effect()
    assert all(life.faulted())
    await life.undone()
    await life.unmark()
    assert not any(life.faulted())
    assert life.snapshots() == before
    assert await life.effects() <= {Effect.ABSENT}


async def test_injecting_twice_is_once(once: Rig) -> None:
    life = await (await Life.of(once, 2)).prepared()
    await life.in_effect()
    first = life.traces()
    assert set(kinds(await life.inject())) <= ACCEPTED
    await life.settled()
    assert life.traces() == first


async def test_reverting_twice_is_once(undoable: Rig) -> None:
    life = await (await Life.of(undoable, 2)).prepared()
    before = life.snapshots()
    await life.in_effect()
    await life.undone()
    first = life.traces()
    with calls_of(undoable) as again:
        assert set(kinds(await life.revert())) == {OutcomeKind.DONE}
    assert changing(undoable, again) == []
    undoable.at.settle()
    assert life.traces() == first
    assert life.snapshots() == before


async def test_undoing_what_was_never_done_does_nothing(undoable: Rig) -> None:
    life = await (await Life.of(undoable, 2)).prepared()
    first = life.traces()
    with calls_of(undoable) as calls:
        assert set(kinds(await life.revert())) == {OutcomeKind.DONE}
        assert await life.only([]).revert() == {}
    assert changing(undoable, calls) == []
    assert life.traces() == first


async def test_what_cannot_be_undone_is_not_touched_by_reverting(irreversible: Rig) -> None:
    life = await (await Life.of(irreversible, 2)).prepared()
    await life.in_effect()
    first = life.traces()
    with calls_of(irreversible) as calls:
        assert set(kinds(await life.revert())) == {OutcomeKind.DONE}
    assert [call.operation for call in calls if not irreversible.at.is_read(call)] == []
    assert life.traces() == first


async def test_what_is_faulted_already_stays_so(preventable: Rig) -> None:
    life = await Life.of(preventable, 3)
    theirs = life.targets[0]
    preventable.make_faulted(theirs)
    assert preventable.is_faulted(theirs)
    first = preventable.trace(theirs)
    outcomes = await life.prepare()
    left = [record_id for record_id, one in outcomes.items() if one.kind is OutcomeKind.LEFT]
    assert left == [theirs.id]
    assert outcomes[theirs.id].reason
    mine = life.only([record for record in life.records if record is not theirs])
    await mine.in_effect()
    await mine.undone()
    assert preventable.trace(theirs) == first


async def test_what_leaves_no_trace_is_never_called_done_by_a_look(untelling: Rig) -> None:
    life = await (await Life.of(untelling, 1)).prepared()
    await life.in_effect()
    assert await life.effects() == {Effect.UNKNOWN}
