"""Workflows: the webhook's rules for templates, and flows that hang or go nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.workflows import (
    AGAIN,
    ASK,
    CHECKED,
    CONTAINER,
    DELAY,
    ONE,
    RUN,
    SLOW,
    WAIT,
    errors,
    serial,
    warnings,
    workflow,
)

TASK = "spec.templates[1].task"


def test_a_workflow_that_works_is_clean() -> None:
    branch = {"target": "wait", "expression": 'exitCode == 0 && stdout contains "ok"'}
    run = {**RUN, "conditionalBranches": [branch, {"target": "slow"}]}
    ask = {**ASK, "abortWithStatusCheck": True}
    assert serial(SLOW, WAIT, ask, AGAIN, run) == []


# The webhook


def test_names() -> None:
    assert errors(workflow(WAIT, entry="")).keys() == {"spec.entry"}
    assert 'did you mean "wait"' in errors(workflow(WAIT, entry="wiat"))["spec.entry"]
    assert errors(workflow(entry="x")).keys() == {"spec.entry", "spec.templates"}
    ghost = errors(serial(WAIT, children=["ghost", "wait"]))
    assert ghost.keys() == {"spec.templates[0].children[0]"}
    assert errors(serial(WAIT, WAIT)).keys() == {"spec.templates[2].name"}


@pytest.mark.parametrize("name", ["", "Bad_Name", "-a", "a.", "a..b", "a" * 254, "a\n", "ä"])
def test_a_name_is_a_dns_subdomain(name: str) -> None:
    assert "spec.templates[0].name" in errors(workflow({**WAIT, "name": name}, entry=name))


@pytest.mark.parametrize("name", ["a", "a.b-c", "0", "a" * 253])
def test_names_that_are_taken(name: str) -> None:
    assert workflow({**WAIT, "name": name}, entry=name) == []


def test_types() -> None:
    told = errors(serial({**WAIT, "templateType": "Suspnd"}))["spec.templates[1].templateType"]
    assert told.endswith('did you mean "Suspend"?')
    assert errors(serial({**WAIT, "deadline": ...})).keys() == {"spec.templates[1].deadline"}
    assert errors(serial({**WAIT, "deadline": ""})).keys() == {"spec.templates[1].deadline"}


def test_a_chaos_needs_its_spec_and_no_duration() -> None:
    missing = errors(serial({**SLOW, "networkChaos": ...}))
    assert missing.keys() == {"spec.templates[1].networkChaos"}
    for duration in ("10s", ""):
        told = errors(serial({**SLOW, "networkChaos": {**DELAY, "duration": duration}}))
        (path,) = told
        assert path == "spec.templates[1].networkChaos.duration"
        assert f'write deadline: "{duration}" beside networkChaos' in told[path]


def test_the_chaos_is_judged_where_it_stands() -> None:
    wrong = {**SLOW, "networkChaos": {**DELAY, "mode": "fixed-percent", "value": "200"}}
    assert errors(serial(WAIT, wrong)).keys() == {"spec.templates[2].networkChaos.value"}
    unknown = {**SLOW, "networkChaos": {**DELAY, "delay": {"latancy": "1s"}}}
    assert errors(serial(unknown)).keys() == {
        "spec.templates[1].networkChaos.delay.latency",
        "spec.templates[1].networkChaos.delay.latancy",
    }


def test_no_duration_is_asked_for_where_none_is_taken() -> None:
    failing = {**ONE, "action": "pod-failure"}
    pods = {"name": "p", "templateType": "PodChaos", "deadline": "1m", "podChaos": failing}
    assert serial(pods) == []


FIELDS: dict[str, Any] = {
    "children": ["wait"],
    "task": {"container": CONTAINER},
    "conditionalBranches": [{"target": "wait"}],
    "schedule": AGAIN["schedule"],
    "networkChaos": DELAY,
}
OWN = {
    "Serial": {"children"},
    "Parallel": {"children"},
    "Suspend": set[str](),
    "Task": {"task", "conditionalBranches"},
    "Schedule": {"schedule"},
    "StatusCheck": set[str](),
    "PodChaos": {"networkChaos"},  # of another kind: ignored, not refused
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", OWN)
def test_fields_belong_to_types(kind: str, field: str) -> None:
    template = {"name": "x", "templateType": kind, "deadline": "1s", "statusCheck": CHECKED}
    if kind != "StatusCheck":
        del template["statusCheck"]
    if kind == "PodChaos":
        template["podChaos"] = {**ONE, "action": "pod-kill"}
    told = errors(serial(WAIT, {**template, field: FIELDS[field]}))
    assert told.keys() == (set() if field in OWN[kind] else {f"spec.templates[2].{field}"})


def test_fields_that_are_ignored() -> None:
    extra = {**WAIT, "statusCheck": CHECKED, "abortWithStatusCheck": True}
    found = serial(extra, {**SLOW, "podChaos": {**ONE, "action": "pod-kill"}})
    assert errors(found) == {}
    assert warnings(found).keys() == {
        "spec.templates[1].statusCheck",
        "spec.templates[1].abortWithStatusCheck",
        "spec.templates[2].podChaos",
    }


# What the cluster takes though it cannot work


def test_what_nothing_starts() -> None:
    lost = {**WAIT, "name": "lost"}
    found = workflow(WAIT, lost, {**lost, "name": "far"}, entry="wait")
    assert errors(found) == {}
    assert warnings(found).keys() == {"spec.templates[1].name", "spec.templates[2].name"}


def test_steps_with_nothing_to_do() -> None:
    found = serial(
        {**RUN, "task": ...},
        {**AGAIN, "schedule": ...},
        {**ASK, "statusCheck": ...},
        {"name": "none", "templateType": "Parallel"},
    )
    assert errors(found) == {}
    assert warnings(found).keys() == {
        f"{TASK}.container",
        "spec.templates[2].schedule",
        "spec.templates[3].statusCheck",
        "spec.templates[4].children",
    }


@pytest.mark.parametrize("text", ["abc", "", "5", "1d"])
def test_a_deadline_that_nobody_can_read(text: str) -> None:
    found = serial({**SLOW, "deadline": text})
    assert errors(found) == {}
    assert warnings(found).keys() == {"spec.templates[1].deadline"}
    assert "never ends" in warnings(found)["spec.templates[1].deadline"]


def test_a_deadline_that_is_over_or_cut_short() -> None:
    told = warnings(serial({**SLOW, "deadline": "-1s"}, {**WAIT, "deadline": "6m"}))
    assert "over before it begins" in told["spec.templates[1].deadline"]
    assert 'ends after "5m"' in told["spec.templates[2].deadline"]


@pytest.mark.parametrize(
    "template",
    [
        {**SLOW, "deadline": ...},
        {**AGAIN, "deadline": ...},
        {**ASK, "statusCheck": {**CHECKED, "mode": "Continuous"}},
    ],
)
def test_what_only_a_deadline_ends(template: dict[str, Any]) -> None:
    where = "spec.templates[1].deadline"
    told = warnings(serial(template, WAIT))[where]
    assert 'what follows in "all" never starts' in told
    # Last of its Serial, or beside others, it lasts until theirs.
    assert serial(WAIT, template) == []
    assert serial(template, WAIT, kind="Parallel") == []
    told = warnings(serial(template, WAIT, kind="Parallel", deadline=...))[where]
    assert "the Workflow never ends" in told


def test_a_check_that_ends_itself_needs_no_deadline() -> None:
    continuous = {**CHECKED, "mode": "Continuous", "duration": "1m"}
    assert serial({**ASK, "statusCheck": continuous}, {**ASK, "name": "b"}, deadline=...) == []


def test_circles() -> None:
    inner = {"name": "inner", "templateType": "Parallel", "children": ["all", "wait"]}
    told = warnings(serial(inner, WAIT))
    assert told.keys() == {"spec.templates[1].children[0]"}
    assert "without end" in told["spec.templates[1].children[0]"]
    itself = warnings(serial(WAIT, children=["all", "wait"]))
    assert itself.keys() == {"spec.templates[0].children[0]"}
    retry = {**RUN, "conditionalBranches": [{"target": "run", "expression": "exitCode != 0"}]}
    told = warnings(serial(retry))
    assert "as long as" in told["spec.templates[1].conditionalBranches[0].target"]


def test_the_same_template_twice_is_no_circle() -> None:
    assert serial(WAIT, children=["wait", "wait"]) == []


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("exitcode == 0", "write exitCode"),
        ("exit_code == 0", "write exitCode"),
        ("STDOUT == 'x'", "write stdout"),
        ("1 == 1", "always says the same"),
        ("'exitCode' == 'x'", "always says the same"),
        ("exitCode = 0", "no comparison"),
    ],
)
def test_expressions_that_do_not_look(expression: str, told: str) -> None:
    branch = {"target": "wait", "expression": expression}
    found = serial({**RUN, "conditionalBranches": [branch]}, WAIT)
    where = "spec.templates[1].conditionalBranches[0].expression"
    assert errors(found) == {}
    assert told in warnings(found)[where]


@pytest.mark.parametrize("expression", ["exitCode==0", "stdout != ''", "exitCode >= 1", None, ""])
def test_expressions_that_look(expression: str | None) -> None:
    branch = {"target": "wait", "expression": expression}
    assert serial({**RUN, "conditionalBranches": [branch]}, WAIT) == []


def test_what_is_refused_only_when_its_turn_comes() -> None:
    schedule = {**AGAIN["schedule"], "schedule": "bad"}
    status = {"http": {"url": "", "criteria": {"statusCode": "2xx"}}}
    branches = [{"target": "ghost"}]
    found = serial(
        {**AGAIN, "schedule": schedule},
        {**ASK, "statusCheck": status},
        {**RUN, "conditionalBranches": branches},
    )
    assert errors(found) == {}
    told = warnings(found)
    assert told["spec.templates[1].schedule.schedule"].endswith("when this template starts")
    assert "spec.templates[2].statusCheck.type" in told
    assert "spec.templates[2].statusCheck.http.criteria.statusCode" in told
    assert "spec.templates[3].conditionalBranches[0].target" in told


def test_what_no_webhook_looks_at_is_only_told() -> None:
    again = {**AGAIN["schedule"], "podChaos": {**ONE, "action": "pod-kill", "duration": "abc"}}
    found = serial({**AGAIN, "schedule": again})
    where = "spec.templates[1].schedule.podChaos.duration"
    assert errors(found) == {}
    assert "the cluster takes it now" in warnings(found)[where]
    beside = {**SLOW, "stressChaos": {**ONE, "stressors": {"memory": {"workers": 1, "size": "x"}}}}
    assert errors(serial(beside)) == {}
    assert errors(serial({**SLOW, "networkChaos": {**DELAY, "duration": "abc"}})) != {}
