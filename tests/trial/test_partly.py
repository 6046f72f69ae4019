"""Of many targets each has its own answer, and none is held up by another."""

from __future__ import annotations

from providers.contract import OutcomeKind
from tests.trial.life import ACCEPTED, Life
from tests.trial.rig import Rig
from tests.trial.test_gone import told_gone


async def test_what_was_refused_and_what_was_done_is_told_of_each(rig: Rig) -> None:
    life = await (await Life.of(rig, 3)).prepared()
    before = life.snapshots()
    code, status = rig.at.refusal
    rig.at.emulator.fail(operation=rig.effects[0], error=code, status=status)
    outcomes = await life.inject()
    accepted = [r for r in life.records if outcomes[r.id].kind in ACCEPTED]
    refused = [r for r in life.records if outcomes[r.id].kind is OutcomeKind.REJECTED]
    assert len(accepted) + len(refused) == len(life.records), outcomes
    assert len(accepted) >= len(life.records) - 1
    assert all(outcomes[record.id].reason for record in refused)
    done = await life.only(accepted).settled()
    assert all(done.faulted())
    if not rig.no_trace:
        assert not any(life.only(refused).faulted())
    if rig.undoings:
        await done.undone()
        assert life.snapshots() == before


async def test_one_bad_among_many_keeps_no_other_from_being_injected_or_undone(rig: Rig) -> None:
    life = await (await Life.of(rig, rig.many)).prepared()
    bad, later = life.targets[rig.many // 3], life.targets[rig.many // 2]
    good = life.only([record for record in life.records if record is not bad])
    rest = good.only([record for record in good.records if record is not later])
    some = rest.only(rest.records[:: max(1, rig.many // 10)])
    before = some.snapshots()
    rig.remove(bad)
    outcomes = await life.inject()
    assert await told_gone(life, bad, outcomes), outcomes[bad.id]
    assert {outcomes[record.id].kind for record in good.records} <= ACCEPTED
    await good.settled()  # of all; and what a look says of some of them is true:
    assert all(some.faulted())
    rig.remove(later)
    if rig.undoings:
        reverted = await good.undone()
        assert reverted[later.id].kind is rig.gone_during[1]
        assert {reverted[record.id].kind for record in rest.records} == {OutcomeKind.DONE}
        assert some.snapshots() == before
