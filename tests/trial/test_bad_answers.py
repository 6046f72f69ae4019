"""Throttled, failed, without a reply, or failed in the end: noticed, and undone all the same."""

from __future__ import annotations

import math

import pytest

from providers.contract import Effect, OutcomeKind
from tests.trial.life import ACCEPTED, Life, calls_of, kinds
from tests.trial.rig import Rig

TROUBLES = ("throttled", "failed")
ON_ITS_WAY = {Effect.PRESENT, Effect.APPLYING, Effect.ENDED}


def upset(rig: Rig, trouble: str, operation: str) -> None:
    """Let the next call of an operation be throttled, or fail."""
    if trouble == "throttled":
        rig.at.emulator.throttle(operation=operation)
    else:
        code, status = rig.at.failure
        rig.at.emulator.fail(operation=operation, error=code, status=status)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_call_that_was_not_taken_is_sent_again(rig: Rig, trouble: str) -> None:
    life = await (await Life.of(rig)).prepared()
    upset(rig, trouble, rig.effects[0])
    with calls_of(rig) as calls:
        outcomes = await life.try_inject()
        if rig.at.repeats:
            assert kinds(outcomes) == [OutcomeKind.UNKNOWN]
            assert await life.effects() == {Effect.ABSENT}
            outcomes = await life.inject()
        await life.settled()
        assert all(life.faulted())
    assert set(kinds(outcomes)) <= ACCEPTED, outcomes
    first, second = [call.status for call in calls if call.operation == rig.effects[0]]
    assert first >= 400 > second


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_an_undoing_that_was_not_taken_is_sent_again(undoable: Rig, trouble: str) -> None:
    life = await (await Life.of(undoable)).prepared()
    before = life.snapshots()
    await life.in_effect()
    upset(undoable, trouble, undoable.undoings[0])
    with calls_of(undoable) as calls:
        outcomes = await life.try_revert()
    refused, *more = [call.status for call in calls if call.operation == undoable.undoings[0]]
    assert refused >= 400
    if undoable.at.repeats:
        assert more == []
    else:
        assert [status < 400 for status in more] == [True]
        assert set(kinds(outcomes)) <= ACCEPTED, outcomes
    await life.undone()
    assert life.snapshots() == before


@pytest.mark.parametrize("times", [1, math.inf])
async def test_a_lost_reply_is_noticed(rig: Rig, times: float) -> None:
    life = await (await Life.of(rig)).prepared()
    before = life.snapshots()
    rig.at.emulator.lose_reply(operation=rig.effects[0], times=times)
    outcomes = await life.try_inject()
    rig.at.emulator.behave()
    assert set(kinds(outcomes)) <= {*ACCEPTED, OutcomeKind.UNKNOWN}, outcomes
    targets = life.only(life.targets)
    if rig.known_by_answer:
        assert await targets.effects() == {Effect.UNKNOWN}
        rig.at.settle()
    elif not rig.no_trace:
        assert await targets.effects() <= ON_ITS_WAY
        await life.settled()
    assert all(life.faulted())
    if rig.undoings:
        await life.undone()
        assert life.snapshots() == before


async def test_the_lost_reply_of_every_call_on_the_way_is_made_good(undoable: Rig) -> None:
    for operation in undoable.effects[1:]:
        life = await (await Life.of(undoable)).prepared()
        before = life.snapshots()
        undoable.at.emulator.lose_reply(operation=operation, times=math.inf)
        await life.try_inject()
        undoable.at.emulator.behave()
        await life.until_in_effect()
        assert all(life.faulted())
        await life.undone()
        assert life.snapshots() == before


@pytest.mark.parametrize("times", [1, math.inf])
async def test_the_lost_reply_of_an_undoing_is_noticed(undoable: Rig, times: float) -> None:
    for operation in undoable.undoings:
        life = await (await Life.of(undoable)).prepared()
        before = life.snapshots()
        await life.in_effect()
        undoable.at.emulator.lose_reply(operation=operation, times=times)
        await life.try_revert()
        undoable.at.emulator.behave()
        undoable.at.settle()
        await life.undone()
        assert life.snapshots() == before


async def test_what_fails_after_it_was_accepted_is_noticed(late: Rig) -> None:
    life = await (await Life.of(late)).prepared()
    before = life.snapshots()
    late.at.emulator.fail_late(operation=late.effects[0], error=late.at.failure[0])
    outcomes = await life.inject()
    assert set(kinds(outcomes)) <= ACCEPTED, outcomes
    late.at.expire()
    targets = life.only(life.targets)
    assert await targets.effects() <= late.late_failure
    assert not any(targets.faulted())
    if late.undoings:
        await life.undone()
        assert life.snapshots() == before


async def test_what_cannot_fail_later_does_not(never_late: Rig) -> None:
    life = await (await Life.of(never_late)).prepared()
    never_late.at.emulator.fail_late(operation=never_late.effects[0])
    await life.in_effect()
    never_late.at.expire()
    assert all(life.faulted())


async def test_an_undoing_that_fails_after_it_was_accepted_is_done_again(undoable: Rig) -> None:
    life = await (await Life.of(undoable)).prepared()
    before = life.snapshots()
    await life.in_effect()
    undoable.at.emulator.fail_late(operation=undoable.undoings[0], error=undoable.at.failure[0])
    assert {outcome.kind for outcome in (await life.revert()).values()} <= ACCEPTED
    undoable.at.settle()
    for record in life.targets:
        undoable.mend(record)
    await life.undone()
    assert life.snapshots() == before
