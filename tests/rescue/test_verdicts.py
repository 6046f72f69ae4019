"""Which marks are acted on: by whose they are, how their run stands, and the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.engine.rescue import Verdict
from bridge.model.moment import SECOND, Micros
from bridge.store.standing import RunStanding, Standing
from tests.rescue.doubles import GRACE, NOW, Cloud, judged

FUTURE = Micros(NOW + SECOND)
JUST_PASSED = Micros(NOW - GRACE)
"""Somebody may still be undoing."""
LONG_PAST = Micros(NOW - GRACE - 1)


@pytest.mark.parametrize(
    ("standing", "deadline", "acts", "words"),
    [
        (Standing.HELD, FUTURE, False, "left to the bridge that has it in hand"),
        (Standing.HELD, LONG_PAST, False, "past its deadline, but left to the bridge"),
        (Standing.IDLE, FUTURE, False, "touched only 75 s after its deadline"),
        (Standing.IDLE, JUST_PASSED, False, "touched only 75 s after its deadline"),
        (Standing.IDLE, None, False, "it has no deadline"),
        (Standing.IDLE, LONG_PAST, True, "open, but past its deadline, and nobody holds it"),
        (Standing.ABANDONED, FUTURE, True, "no bridge runs on its database"),
        (Standing.OVER, FUTURE, True, "its run is over"),
        (Standing.OVER, LONG_PAST, True, "its run is over and it is past its deadline"),
        (None, FUTURE, True, "its run is unknown"),
        (None, None, True, "its run is unknown"),
        (None, LONG_PAST, True, "its run is unknown and it is past its deadline"),
    ],
)
def test_a_mark_of_ours_by_its_run(
    cloud: Cloud, standing: Standing | None, deadline: Micros | None, acts: bool, words: str
) -> None:
    known = {"EXP1": RunStanding(standing)} if standing else {}
    plan = judged(cloud.mark("vm", deadline=deadline), standings=known)
    (finding,) = plan.findings
    assert bool(plan.act) is acts
    assert finding.verdict is (Verdict.WOULD_REVERT if acts else Verdict.OPEN)
    assert words in (finding.why if acts else finding.reason)
    assert finding.run == ("unknown" if standing is None else standing.word)


def test_what_would_be_done_is_said_in_full(cloud: Cloud) -> None:
    ((_, finding),) = judged(cloud.mark("vm", deadline=FUTURE)).act
    assert (finding.undo, finding.prior) == ("mend it", "prior=whole")
    assert (finding.installation, finding.experiment, finding.action) == ("mine", "EXP1", "act")
    assert finding.identity.endswith(":role/chaos")
    assert finding.deadline == FUTURE
    assert not finding.past_deadline


@pytest.mark.parametrize("other", [None, "third"])
@pytest.mark.parametrize("deadline", [None, FUTURE, LONG_PAST])
def test_anothers_mark_is_only_listed(
    cloud: Cloud, other: str | None, deadline: Micros | None
) -> None:
    plan = judged(cloud.mark("vm", installation="theirs", deadline=deadline), other=other)
    (finding,) = plan.leave
    assert not plan.act
    assert (finding.verdict, finding.installation) == (Verdict.FOREIGN, "theirs")
    assert ("--installation theirs" in finding.reason) is (deadline is not None)
    assert not finding.left_behind


@pytest.mark.parametrize(
    ("deadline", "acts"), [(None, False), (FUTURE, False), (JUST_PASSED, False), (LONG_PAST, True)]
)
def test_anothers_mark_is_touched_by_name_and_past_its_deadline_only(
    cloud: Cloud, deadline: Micros | None, acts: bool
) -> None:
    mark = cloud.mark("vm", installation="theirs", deadline=deadline)
    plan = judged(mark, other="theirs")
    assert bool(plan.act) is acts
    (finding,) = plan.findings
    if acts:
        assert finding.why == "it is past its deadline"
    elif deadline is None:
        assert "never touched" in finding.reason


def test_the_other_installations_name_gives_no_right_to_a_third(cloud: Cloud) -> None:
    third = cloud.mark("vm", installation="third", deadline=LONG_PAST)
    assert judged(third, other="theirs").act == []


def test_a_run_of_ours_says_nothing_about_anothers_mark(cloud: Cloud) -> None:
    mark = cloud.mark("vm", installation="theirs", deadline=FUTURE)
    assert not judged(mark, other="theirs", standings={"EXP1": RunStanding(Standing.OVER)}).act


def test_what_cannot_be_read_is_left_behind(cloud: Cloud) -> None:
    problem = "its version is 2"
    (finding,) = judged(cloud.mark("vm", problem=problem)).leave
    assert (finding.verdict, finding.reason) == (Verdict.UNREADABLE, problem)
    assert finding.left_behind
    past = cloud.mark("vm", problem=problem, installation="theirs", deadline=LONG_PAST)
    assert judged(past, other="theirs").leave[0].verdict is Verdict.UNREADABLE
    assert judged(past).leave[0].verdict is Verdict.FOREIGN


def test_a_fault_that_was_meant_to_stay_loses_its_mark_only(cloud: Cloud) -> None:
    known = RunStanding(Standing.OVER, frozenset({("act", "vm")}))
    ((_, kept),) = judged(cloud.mark("vm"), standings={"EXP1": known}).act
    assert kept.verdict is Verdict.WOULD_UNMARK
    ((_, other),) = judged(cloud.mark("other"), standings={"EXP1": known}).act
    assert other.verdict is Verdict.WOULD_REVERT
    assert replace(known, standing=Standing.OVER) == known
