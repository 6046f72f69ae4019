"""Schedules: what comes again, what is refused, and what never comes twice."""

from __future__ import annotations

from typing import Any

import pytest

from providers.kubernetes.specs import KINDS, Problem, check

CHAOS_MESH = "chaos-mesh.org/v1alpha1"
ONE: dict[str, Any] = {"mode": "one", "selector": {}}
DELAY = {**ONE, "action": "delay", "delay": {"latency": "90ms"}, "duration": "30s"}
EVERY = {"schedule": "@every 10m", "type": "NetworkChaos", "networkChaos": DELAY}


def schedule(**fields: Any) -> list[Problem]:
    spec = {name: value for name, value in {**EVERY, **fields}.items() if value is not ...}
    return check(CHAOS_MESH, "Schedule", "default", spec)


def errors(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "error"}


def warnings(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "warning"}


def test_a_schedule_that_works_is_clean() -> None:
    assert schedule(historyLimit=2, concurrencyPolicy="Allow", startingDeadlineSeconds=1) == []
    assert schedule(startingDeadlineSeconds=None) == []


def test_every_kind_of_chaos_has_a_field_and_can_be_scheduled() -> None:
    for kind in (each.name for each in KINDS.values() if each.chaos):
        told = errors(schedule(type=kind, networkChaos=...))
        assert len(told) == 1
        (path,) = told
        assert path.lower() == f"spec.{kind.lower()}"
        assert told[path].startswith(f'is required with type "{kind}"')


def test_what_is_missing_or_wrong() -> None:
    assert errors(schedule(schedule=..., type=...)).keys() == {"spec.schedule", "spec.type"}
    assert errors(schedule(schedule="bad"))["spec.schedule"].startswith('"bad" has 1 field')
    assert 'did you mean "NetworkChaos"' in errors(schedule(type="NetworkCaos"))["spec.type"]
    assert "or" not in errors(schedule(concurrencyPolicy="Replace"))
    assert errors(schedule(historyLimit=0)).keys() == {"spec.historyLimit"}
    assert errors(schedule(startingDeadlineSeconds=0)).keys() == {"spec.startingDeadlineSeconds"}
    assert "did you mean" in errors(schedule(shedule="@daily"))["spec.shedule"]


def test_the_chaos_is_judged_where_it_stands() -> None:
    wrong = {**DELAY, "delay": {"latency": "90 ms"}}
    assert errors(schedule(networkChaos=wrong)) == {
        "spec.networkChaos.delay.latency": '"90 ms" is not a duration, write "90ms"'
    }
    fixed = {**DELAY, "mode": "fixed"}
    assert errors(schedule(networkChaos=fixed)).keys() == {"spec.networkChaos.value"}


def test_only_the_chaos_of_the_type_is_judged_by_the_webhook() -> None:
    told = schedule(podChaos={**ONE, "action": "container-kill"})
    assert errors(told) == {}
    assert warnings(told) == {"spec.podChaos": 'is ignored with type "NetworkChaos", leave it out'}


@pytest.mark.parametrize(
    ("policy", "told"), [("Forbid", "the second turn never comes"), ("Allow", "every turn adds")]
)
def test_a_child_that_never_ends(policy: str, told: str) -> None:
    endless = {name: value for name, value in DELAY.items() if name != "duration"}
    found = schedule(networkChaos=endless, concurrencyPolicy=policy)
    assert errors(found) == {}
    assert told in warnings(found)["spec.networkChaos.duration"]
    assert len(found) == 1


def test_what_happens_once_needs_no_end() -> None:
    assert schedule(type="PodChaos", networkChaos=..., podChaos={**ONE, "action": "pod-kill"}) == []


@pytest.mark.parametrize(
    ("policy", "told"), [("Forbid", "turns are left out"), ("Allow", "at the same time")]
)
def test_a_child_that_is_longer_than_the_pause(policy: str, told: str) -> None:
    found = schedule(networkChaos={**DELAY, "duration": "11m"}, concurrencyPolicy=policy)
    assert told in warnings(found)["spec.networkChaos.duration"]
    assert schedule(networkChaos={**DELAY, "duration": "10m"}) == []


def test_a_day_that_never_comes() -> None:
    assert "no year has" in warnings(schedule(schedule="0 0 31 2 *"))["spec.schedule"]


def test_a_workflow_comes_again_too() -> None:
    template = {"name": "wait", "templateType": "Suspend", "deadline": "1s"}
    workflow = {"entry": "wait", "templates": [template]}
    assert schedule(type="Workflow", networkChaos=..., workflow=workflow) == []
    ignored = warnings(schedule(workflow=workflow))
    assert ignored == {"spec.workflow": 'is ignored with type "NetworkChaos", leave it out'}


def test_the_cluster_does_not_judge_a_workflow_before_its_time() -> None:
    found = schedule(type="Workflow", networkChaos=..., workflow={"entry": "x", "templates": []})
    assert errors(found) == {}
    told = warnings(found)
    assert told["spec.workflow.entry"].endswith("and refuses the Workflow each time it is due")
    assert "nothing can be created" in warnings(schedule(type="Workflow"))["spec.workflow"]
    schema = schedule(type="Workflow", workflow={"templates": [], "entri": "x"})
    assert errors(schema).keys() == {"spec.workflow.entry", "spec.workflow.entri"}


def test_what_no_webhook_looks_at_is_only_told() -> None:
    ignored = {**DELAY, "duration": "abc"}
    kill = {**ONE, "action": "pod-kill"}
    found = schedule(type="PodChaos", podChaos=kill, networkChaos=ignored)
    assert errors(found) == {}
    assert "the cluster takes it now" in warnings(found)["spec.networkChaos.duration"]
    assert errors(schedule(networkChaos=ignored)).keys() == {"spec.networkChaos.duration"}
    # The schema holds everywhere, and the rest is judged as ever.
    odd = schedule(type="PodChaos", podChaos=kill, networkChaos={**ignored, "mode": "some"})
    assert errors(odd).keys() == {"spec.networkChaos.mode"}
    wrong = schedule(schedule="bad", type="PodChaos", podChaos=kill, networkChaos=ignored)
    assert errors(wrong).keys() == {"spec.schedule"}
