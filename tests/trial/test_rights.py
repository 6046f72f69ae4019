"""What a fault asks of the identity is what it declares, and it sends nothing after its lease."""

from __future__ import annotations

from contextlib import suppress
from fnmatch import fnmatchcase

import pytest

from providers import registry
from providers.contract import FenceLostError, Guard
from tests.trial.life import Life, calls_of, changing
from tests.trial.rig import Rig


async def test_every_right_that_is_asked_is_declared_and_the_other_way_round(rig: Rig) -> None:
    resources = rig.build(2)
    life = Life(rig, await rig.session(), rig.records_of(resources))
    with calls_of(rig) as calls:
        await rig.code.review(life.session, rig.given, resources)
        await life.prepared()
        await life.mark()
        await life.in_effect()
        await life.observe()
        if rig.undoings:
            await life.undone()
        await life.unmark()
    asked = {right for call in calls for right in call.rights} - rig.at.others_rights.keys()
    declared = rig.code.permissions
    names = [permission.name for permission in declared]
    undeclared = [right for right in asked if not any(fnmatchcase(right, n) for n in names)]
    assert sorted(undeclared) == []
    needed = [permission.name for permission in declared if permission.need == "required"]
    unused = [name for name in needed if not any(fnmatchcase(right, name) for right in asked)]
    assert unused == [], "declare what is not always called as indirect or optional"
    assert {permission.need for permission in declared} <= {"required", "indirect", "optional"}
    assert all(permission.note for permission in declared if permission.need != "required")


def test_the_resolver_declares_its_own_rights(rig: Rig) -> None:
    assert rig.code.target is not None
    assert registry.resolver(rig.code.target.resource_type).permissions


class Counting(Guard):
    """A lease that is over after so many calls."""

    def __init__(self, calls: int) -> None:
        super().__init__(Guard.clock() + 3600)
        self.left = calls

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise FenceLostError("the lease is over")


async def test_nothing_is_sent_after_the_lease(rig: Rig) -> None:
    life = await (await Life.of(rig, 2)).prepared()
    before = life.traces()
    late = await life.under(Guard(0))
    with calls_of(rig) as calls:
        with pytest.raises(FenceLostError):
            await late.inject()
        with suppress(FenceLostError):
            await late.mark()
    assert [call.operation for call in calls if not rig.at.is_read(call)] == []
    rig.at.settle()
    assert life.traces() == before


async def test_nothing_is_undone_after_the_lease(undoable: Rig) -> None:
    life = await (await Life.of(undoable, 2)).prepared()
    await life.in_effect()
    before = life.traces()
    late = await life.under(Guard(0))
    with calls_of(undoable) as calls, pytest.raises(FenceLostError):
        await late.revert()
    assert changing(undoable, calls) == []
    undoable.at.settle()
    assert life.traces() == before


async def test_every_call_that_changes_something_asks_the_lease(rig: Rig) -> None:
    life = await (await Life.of(rig, 2)).prepared()
    for allowed in range(4):
        with calls_of(rig) as calls, suppress(FenceLostError):
            await (await life.under(Counting(allowed))).inject()
        assert len([call for call in calls if not rig.at.is_read(call)]) <= allowed
