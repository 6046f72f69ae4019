"""Which answer is about which right: one of another place says nothing."""

from __future__ import annotations

from bridge.catalog.needs import ASSUMING, Need, Place, Who
from bridge.engine.findings import Asked, known
from providers.checks import Check, Verdict

STOP = "Microsoft.Compute/virtualMachines/deallocate/action"


def _need(group: str) -> Need:
    place = Place("azure", "sub", group)
    return Need(Who.EXPERIMENT, place, STOP, wanted_by=("actions.stop",))


def test_what_one_resource_group_lacks_is_not_said_of_another() -> None:
    asked = {
        "actions.stop": Asked(
            [
                Check(STOP, Verdict.OK, "azure", "sub", region="shop"),
                Check(STOP, Verdict.MISSING, "azure", "sub", reason="no role", region="bank"),
            ]
        )
    }
    needs = [_need("shop"), _need("bank")]
    assert known(needs[0], needs, asked)[0] is Verdict.OK
    assert known(needs[1], needs, asked)[:2] == (Verdict.MISSING, "no role")


def test_a_right_in_no_group_takes_the_worst_answer_of_any() -> None:
    checks = [
        Check(STOP, Verdict.OK, "azure", "sub", region="shop"),
        Check(STOP, Verdict.MISSING, "azure", "sub", reason="no role", region="bank"),
    ]
    need = _need("")
    assert known(need, [need], {"actions.stop": Asked(checks)})[0] is Verdict.MISSING


def test_a_step_of_a_chain_that_is_refused_says_nothing_of_the_others() -> None:
    hub, last = "arn:aws:iam::1:role/hub", "arn:aws:iam::1:role/last"
    place = Place("aws", "1")
    steps = [
        Need(Who.READER, place, ASSUMING, resources=(hub,), wanted_by=("targets.t",)),
        Need(Who.BETWEEN, place, ASSUMING, resources=(last,), wanted_by=("targets.t",), holder=hub),
    ]
    denied = f"the role {hub} may not assume the role {last}. Allow sts:AssumeRole for {hub}."
    asked = {"targets.t": Asked(denied=denied)}
    assert known(steps[1], steps, asked)[0] is Verdict.MISSING
    assert known(steps[0], steps, asked)[0] is Verdict.UNCHECKED
