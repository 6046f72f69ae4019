"""Workflows and Schedules of any make, and of a size that nobody writes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kubernetes.specs import check
from tests.chaos_specs.workflows import (
    AGAIN,
    CHAOS_MESH,
    CHECKED,
    DELAY,
    RUN,
    workflow,
)

TYPES = ["Serial", "Parallel", "Suspend", "Task", "Schedule", "StatusCheck", "NetworkChaos", "Nope"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["a", "b", "c", "A"])
templates = st.fixed_dictionaries(
    {
        "name": names,
        "templateType": st.sampled_from(
            [
                "Serial",
                "Parallel",
                "Suspend",
                "Task",
                "Schedule",
                "StatusCheck",
                "NetworkChaos",
                "Nope",
            ]
        ),
    },
    optional={
        "deadline": st.sampled_from(["1s", "abc", "", "-1s"]),
        "children": st.lists(names, max_size=4),
        "conditionalBranches": st.lists(st.fixed_dictionaries({"target": names}), max_size=3),
        "networkChaos": st.just(DELAY) | json_values,
        "schedule": st.just(AGAIN["schedule"]) | json_values,
        "statusCheck": st.just(CHECKED) | json_values,
        "task": st.just(RUN["task"]) | json_values,
    },
)


@given(names, st.lists(templates, max_size=6))
def test_no_workflow_makes_it_raise(entry: str, made: list[dict[str, Any]]) -> None:
    for problem in check(CHAOS_MESH, "Workflow", "x", {"entry": entry, "templates": made}):
        assert problem.path.startswith("spec")
        assert problem.message


@given(st.dictionaries(st.sampled_from(["schedule", "type", "podChaos", "workflow"]), json_values))
def test_no_schedule_makes_it_raise(spec: dict[str, Any]) -> None:
    for problem in check(CHAOS_MESH, "Schedule", "x", spec):
        assert problem.path.startswith("spec")


def chain(number: int) -> list[dict[str, Any]]:
    return [
        {"name": f"t{n}", "templateType": "Serial", "children": [f"t{(n + 1) % number}"]}
        for n in range(number)
    ]


def dense(number: int) -> list[dict[str, Any]]:
    children = [f"t{n}" for n in range(40)]
    return [
        {"name": f"t{n}", "templateType": "Parallel", "deadline": "1s", "children": children}
        for n in range(number)
    ]


def lost(number: int) -> list[dict[str, Any]]:
    ghosts = [f"ghost{n}" for n in range(40)]
    return [
        {"name": f"t{n}", "templateType": "Parallel", "children": ghosts} for n in range(number)
    ]


@pytest.mark.parametrize("make", [chain, dense, lost])
def test_a_thousand_templates_are_judged_quickly(make: Any) -> None:
    made = make(1_000)
    before = time.process_time()
    problems = workflow(*made, entry="t0")
    assert problems
    # A quadratic walk takes minutes here, and a recursive one ends with the stack.
    assert time.process_time() - before < 20
