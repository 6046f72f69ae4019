"""The undo stands on the resource itself: enough to undo by when the database is lost."""

from __future__ import annotations

from collections.abc import Sequence

from providers.contract import FoundMark, OutcomeKind
from tests.trial.life import Life, kinds
from tests.trial.rig import ACTION, EXPERIMENT, INSTALLATION, Rig


async def found(rig: Rig) -> Sequence[FoundMark]:
    """Find every mark; the search must have been possible everywhere."""
    search = await rig.at.provider.find_marks(rig.at.caller)
    assert list(search.unsearched) == []
    return search.found


async def test_marks_are_enough_to_undo_by(marking: Rig) -> None:
    life = await (await Life.of(marking, 2)).prepared()
    before = life.snapshots()
    await life.mark()
    await life.in_effect()
    marks = await found(marking)
    assert {one.problem for one in marks} == {""}
    assert {one.record.resource for one in marks} >= {record.resource for record in life.targets}
    for one in marks:
        assert (one.mark.installation, one.mark.experiment) == (INSTALLATION, EXPERIMENT)
        assert one.mark.fault == one.record.fault == marking.fault
        assert one.mark.identity == (marking.at.caller.identity or "")
    rescue = Life(marking, life.session, [one.record for one in marks])
    assert {outcome.kind for outcome in (await rescue.undone()).values()} == {OutcomeKind.DONE}
    for one in marks:
        await marking.code.unmark(life.session, one.mark, [one.record])
    assert await found(marking) == []
    assert life.snapshots() == before


async def test_marks_are_removed_without_a_trace(marking: Rig) -> None:
    life = await (await Life.of(marking, 2)).prepared()
    before = life.snapshots()
    await life.mark()
    await life.mark()
    await life.in_effect()
    await life.undone()
    assert set(kinds(await life.unmark())) <= {OutcomeKind.DONE, OutcomeKind.GONE}
    assert set(kinds(await life.unmark())) <= {OutcomeKind.DONE, OutcomeKind.GONE}
    assert await found(marking) == []
    assert life.snapshots() == before


async def test_a_mark_of_another_run_is_told(contested: Rig) -> None:
    resources = contested.build(1)
    theirs = Life(contested, await contested.session(), contested.records_of(resources))
    for record in theirs.records:
        record.id = record.id.replace(EXPERIMENT, "EXPanother")
    await theirs.prepared()
    mark = contested.mark(ACTION)
    other = type(mark)("elsewhere", "EXPanother", ACTION, mark.fault, mark.deadline, mark.identity)
    await contested.code.mark(theirs.session, other, theirs.targets)
    ours = Life(contested, theirs.session, contested.records_of(resources))
    await ours.prepare()
    told = [contested.code.foreign_mark(record) for record in ours.targets]
    assert told == [other.key]


async def test_what_bears_no_mark_leaves_none(unmarking: Rig) -> None:
    life = await (await Life.of(unmarking)).prepared()
    before = life.traces()
    for outcome in (await life.mark()).values():
        # Nothing to mark, or nowhere to: then the reason goes into the journal.
        assert outcome.kind is OutcomeKind.DONE or (outcome.kind is OutcomeKind.REJECTED)
        assert outcome.reason or outcome.kind is OutcomeKind.DONE
    assert life.traces() == before
    await life.in_effect()
    assert await found(unmarking) == []
