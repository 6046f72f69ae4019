"""Undoing by marks: in order, as whom, until it is done, and however often."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.engine import Providers
from bridge.engine.rescue import Undoing, Verdict
from bridge.settings import Settings
from bridge.store.standing import RunStanding, Standing
from providers.contract import PENDING, Outcome, OutcomeKind, TransientError
from tests.rescue.doubles import QUICK, RECOVERY, ROLE, SETTINGS, Cloud, judged, rescued

REFUSED = Outcome(OutcomeKind.REJECTED, "not in this state")
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "no answer")


def with_recovery(*roles: str) -> Settings:
    return SETTINGS.model_copy(update={"recovery_role": roles})


async def test_everything_is_undone_and_no_mark_is_left(cloud: Cloud) -> None:
    findings = await rescued(*(cloud.mark(name) for name in ("a", "b", "c")))
    assert {one.verdict for one in findings} == {Verdict.REVERTED}
    assert (cloud.broken, cloud.marks) == (set(), {})
    assert cloud.reverts == [("a", ROLE), ("b", ROLE), ("c", ROLE)]


async def test_what_touches_a_resource_is_undone_before_it(cloud: Cloud) -> None:
    instance = cloud.mark("instance")
    disk = cloud.mark("disk", touches=["instance"])
    cloud.answers["disk"] = [PENDING, PENDING]
    await rescued(instance, disk)
    assert [name for name, _ in cloud.reverts] == ["disk", "disk", "disk", "instance"]


async def test_an_unanswered_undo_holds_up_what_depends_on_it(cloud: Cloud) -> None:
    instance = cloud.mark("instance")
    disk = cloud.mark("disk", touches=["instance"], experiment="EXP2")
    cloud.answers["disk"] = [TransientError("throttled"), UNKNOWN]
    await rescued(instance, disk)
    assert [name for name, _ in cloud.reverts][-1] == "instance"


async def test_one_that_is_refused_holds_nothing_up(cloud: Cloud) -> None:
    instance = cloud.mark("instance")
    disk = cloud.mark("disk", touches=["instance"])
    cloud.answers["disk"] = [REFUSED] * 5
    findings = await rescued(instance, disk)
    assert [name for name, _ in cloud.reverts][:3] == ["disk", "instance", "disk"]
    assert {one.verdict for one in findings} == {Verdict.REVERTED}


async def test_two_that_touch_each_other_do_not_wait_for_ever(cloud: Cloud) -> None:
    await rescued(cloud.mark("a", touches=["b"]), cloud.mark("b", touches=["a"]))
    assert cloud.broken == set()


async def test_one_that_fails_for_good_stops_no_other(cloud: Cloud) -> None:
    bad, good = cloud.mark("bad", experiment="EXP2", identity="arn:x"), cloud.mark("good")
    cloud.answers["bad"] = [RuntimeError("a secret")] * 99
    failed, done = await rescued(bad, good, patience=replace(QUICK, unknown=3))
    assert (failed.verdict, failed.left_behind) == (Verdict.FAILED, True)
    assert "secret" not in failed.reason
    assert "RuntimeError" in failed.reason
    assert done.verdict is Verdict.REVERTED
    assert list(cloud.marks) == [("bad", "faultbridge:mine:EXP2/act")]


@pytest.mark.parametrize(
    ("answer", "limit"), [(REFUSED, "refused"), (UNKNOWN, "unknown"), (PENDING, "pending")]
)
async def test_patience_has_an_end_for_each_answer(
    cloud: Cloud, answer: Outcome, limit: str
) -> None:
    mark = cloud.mark("vm")
    cloud.answers["vm"] = [answer] * 99
    (finding,) = await rescued(mark, patience=replace(QUICK, **{limit: 4}))
    assert finding.verdict is Verdict.FAILED
    assert len(cloud.reverts) == 4


# --- as whom --------------------------------------------------------------------------------


async def test_the_recovery_role_acts_where_the_marks_identity_is_refused(cloud: Cloud) -> None:
    cloud.denied = {ROLE}
    (finding,) = await rescued(cloud.mark("vm"), settings=with_recovery(RECOVERY))
    assert finding.verdict is Verdict.REVERTED
    assert (finding.identity, finding.acted_as) == (ROLE, RECOVERY)
    assert f"as {RECOVERY}, since the mark's identity was refused: {ROLE} may not" in finding.reason
    assert (cloud.broken, cloud.marks) == (set(), {})


async def test_the_marks_identity_comes_first(cloud: Cloud) -> None:
    (finding,) = await rescued(cloud.mark("vm"), settings=with_recovery(RECOVERY))
    assert (finding.acted_as, finding.reason) == ("", "")
    assert cloud.reverts == [("vm", ROLE)]


async def test_without_a_recovery_role_the_refusal_is_told(cloud: Cloud) -> None:
    cloud.denied = {ROLE}
    (finding,) = await rescued(cloud.mark("vm"), patience=replace(QUICK, refused=2))
    assert (finding.verdict, finding.reason) == (Verdict.FAILED, f"{ROLE} may not")


async def test_both_refusals_are_told(cloud: Cloud) -> None:
    cloud.denied = {ROLE, RECOVERY}
    (finding,) = await rescued(
        cloud.mark("vm"), settings=with_recovery(RECOVERY), patience=replace(QUICK, refused=2)
    )
    assert finding.verdict is Verdict.FAILED
    assert finding.reason == f"{ROLE} may not As {RECOVERY}: {RECOVERY} may not"


async def test_a_throttled_call_is_no_reason_to_act_as_somebody_else(cloud: Cloud) -> None:
    cloud.answers["vm"] = [TransientError("throttled")]
    await rescued(cloud.mark("vm"), settings=with_recovery(RECOVERY))
    assert cloud.reverts == [("vm", ROLE)] * 2


async def test_whoever_runs_the_command_may_be_the_recovery_role(cloud: Cloud) -> None:
    cloud.denied = {ROLE}
    (finding,) = await rescued(cloud.mark("vm"), settings=with_recovery("self"))
    assert finding.acted_as == "self"
    assert cloud.reverts == [("vm", None)]


async def test_another_accounts_recovery_role_would_look_in_the_wrong_place(cloud: Cloud) -> None:
    cloud.denied = {ROLE}
    other = "arn:aws:iam::222222222222:role/recovery"
    (finding,) = await rescued(
        cloud.mark("vm"), settings=with_recovery(other), patience=replace(QUICK, refused=1)
    )
    assert finding.verdict is Verdict.FAILED
    assert cloud.reverts == []


# --- marks ----------------------------------------------------------------------------------


async def test_a_mark_that_stays_is_told_and_the_fault_is_undone(cloud: Cloud) -> None:
    cloud.keeps_marks = True
    (finding,) = await rescued(cloud.mark("vm"), patience=replace(QUICK, marks=3))
    assert finding.verdict is Verdict.REVERTED
    assert finding.reason == "its mark could not be removed: may not untag"
    assert not finding.left_behind
    assert len(cloud.reverts) == 1


async def test_only_the_mark_goes_where_the_fault_was_meant_to_stay(cloud: Cloud) -> None:
    known = RunStanding(Standing.OVER, frozenset({("act", "vm")}))
    plan = judged(cloud.mark("vm"), standings={"EXP1": known})
    undoing = Undoing(Providers(SETTINGS), installation="mine", patience=QUICK)
    (finding,) = await undoing.carry_out(plan.act)
    assert finding.verdict is Verdict.UNMARKED
    assert (cloud.broken, cloud.marks, cloud.reverts) == ({"vm"}, {}, [])


# --- interrupted, repeated, twice at once ---------------------------------------------------


@pytest.mark.parametrize("steps", range(1, 12))
async def test_one_that_was_interrupted_anywhere_is_finished_by_the_next(
    cloud: Cloud, steps: int
) -> None:
    marks = [cloud.mark("instance"), cloud.mark("disk", touches=["instance"])]
    first = asyncio.ensure_future(rescued(*marks))
    for _ in range(steps):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    left = [one for one in marks if (one.found.record.resource, one.found.mark.key) in cloud.marks]
    assert cloud.broken <= {one.found.record.resource for one in left}, "a mark outlives its fault"
    await rescued(*left)
    assert (cloud.broken, cloud.marks) == (set(), {})


async def test_two_at_once_do_no_harm(cloud: Cloud) -> None:
    marks = [cloud.mark("instance"), cloud.mark("disk", touches=["instance"])]
    both = await asyncio.gather(rescued(*marks), rescued(*marks))
    assert {one.verdict for findings in both for one in findings} == {Verdict.REVERTED}
    assert (cloud.broken, cloud.marks) == (set(), {})
