"""What is said of an action's parameters before any cluster is asked, and what they become."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.model.notation import DEEPEST
from bridge.model.problem import Problem, Severity
from providers.contract import Plan, Resource, Timing, Undo
from providers.kubernetes.custom_resource import InjectCustomResource
from providers.kubernetes.resource import resource_name
from providers.kubernetes.spec_text import LARGEST, SpecTextError, read_spec
from providers.kubernetes.timers import with_switch, written_timer

FAULT = InjectCustomResource()
PATH = "actions.X.parameters"
DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "duration": "180s",
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}


def parameters(**changes: Any) -> Any:
    return FAULT.Parameters.model_validate(
        {
            "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
            "kubernetesKind": "NetworkChaos",
            "kubernetesNamespace": "default",
            "kubernetesSpec": DELAY,
            "maxDuration": "PT5M",
        }
        | changes
    )


def problems(**changes: Any) -> list[Problem]:
    return FAULT.check(parameters(**changes), PATH)


def too_long(**changes: Any) -> Problem:
    """The one problem that the action's maximum duration is."""
    (found,) = [one for one in problems(**changes) if "maxDuration" in one.message]
    return found


def spec(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (DELAY | changes).items() if value is not None}


def test_the_published_example_is_in_order() -> None:
    text = json.dumps(DELAY, separators=(",", ":"))
    assert problems(kubernetesSpec=text) == []
    assert problems(kubernetesSpec=DELAY) == []


def test_a_problem_of_the_spec_has_its_path_in_the_template() -> None:
    (problem,) = problems(kubernetesSpec=spec(delay={"latency": "90 ms"}))
    assert problem.path == "actions.X.parameters.kubernetesSpec.delay.latency"
    assert '"90ms"' in problem.message
    (problem,) = problems(kubernetesKind="NetworkChaoss")
    assert problem.path == "actions.X.parameters.kubernetesKind"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"action": "delay",}', "is one too many; remove it (line 1, column 19 of the text)"),
        ('{"action": "delay"', "not closed; write } (line 1, column 19 of the text)"),
        ("[1]", "is not an object"),
        ("", "is empty"),
        ("  ", "is empty"),
        ("just text", "is not an object"),
        ("action: delay\n  mode: one", "is not YAML: mapping values are not allowed"),
        ("a: &x [1]\nb: *x", 'uses the YAML alias "*x"; write the value out (line 2, column 4'),
        ("{" + '"a":{' * 50 + "}" * 51, "is nested more than"),
        ("[" * 100_000, "is longer than"),
        ('{"a":' * 10_000, "is nested more than"),
        ('"' + "x" * (LARGEST + 1) + '"', "is longer than"),
    ],
)
def test_a_malformed_spec_says_where(text: str, message: str) -> None:
    (problem,) = problems(kubernetesSpec=text)
    assert problem.path == "actions.X.parameters.kubernetesSpec"
    assert message in problem.message
    assert len(problem.message) < 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "stands twice, first in line 1, column 2;"),
        ('{"a": NaN}', '"NaN" is no number of JSON; write a number, or put it in quotes'),
        ("a: 2026-01-02", '"2026-01-02" is a date in YAML, which JSON writes otherwise;'),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_at_its_field(text: str, message: str) -> None:
    (problem,) = problems(kubernetesSpec=text)
    assert problem.path == "actions.X.parameters.kubernetesSpec.a"
    assert message in problem.message


def test_json_within_a_json_text_is_taken_with_a_warning() -> None:
    (problem,) = problems(kubernetesSpec=json.dumps(json.dumps(spec())))
    assert problem.path == "actions.X.parameters.kubernetesSpec"
    assert problem.severity is Severity.WARNING
    assert "is JSON written as a text; write the object itself" in problem.message
    native = {
        "action": "ec2-stop",
        "awsRegion": "us-east-1",
        "ec2Instance": "i-0a",
        "duration": "1m",
    }
    text = json.dumps(json.dumps(native))
    found = problems(kubernetesKind="AWSChaos", kubernetesSpec=text)
    assert any("is JSON written as a text" in one.message for one in found)


def test_yaml_is_taken_wherever_json_is() -> None:
    text = "action: delay\ndelay: {latency: 90ms}\nmode: one\nselector:\n  namespaces: [a]\n"
    assert read_spec(text) == {
        "action": "delay",
        "delay": {"latency": "90ms"},
        "mode": "one",
        "selector": {"namespaces": ["a"]},
    }


def test_an_object_is_bounded_too() -> None:
    deep: dict[str, Any] = {}
    for _ in range(DEEPEST):
        deep = {"a": deep}
    with pytest.raises(SpecTextError, match="nested"):
        read_spec(deep)
    with pytest.raises(SpecTextError, match="larger"):
        read_spec({"a": "x" * LARGEST})


@pytest.mark.parametrize(
    ("duration", "refused"), [("299s", False), ("5m", True), ("300s", True), ("2h", True)]
)
def test_its_own_duration_must_be_shorter_than_the_maximum(duration: str, *, refused: bool) -> None:
    found = problems(kubernetesSpec=spec(duration=duration))
    assert [problem.path for problem in found] == (
        ["actions.X.parameters.kubernetesSpec.duration"] if refused else []
    )
    assert all("maxDuration (PT5M)" in problem.message for problem in found)


def test_a_workflow_and_an_engine_are_held_to_the_maximum_too() -> None:
    template = {"name": "e", "templateType": "Suspend", "deadline": "5m"}
    problem = too_long(
        kubernetesKind="Workflow", kubernetesSpec={"entry": "e", "templates": [template]}
    )
    assert problem.path == "actions.X.parameters.kubernetesSpec.templates[0].deadline"
    environment = [{"name": "TOTAL_CHAOS_DURATION", "value": "300"}]
    problem = too_long(
        kubernetesApiVersion="litmuschaos.io/v1alpha1",
        kubernetesKind="ChaosEngine",
        kubernetesSpec={
            "engineState": "active",
            "chaosServiceAccount": "litmus",
            "experiments": [{"name": "x", "spec": {"components": {"env": environment}}}],
        },
    )
    assert problem.path.endswith("kubernetesSpec.experiments[0].spec.components.env[0].value")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {
                "kubernetesKind": "PodChaos",
                "kubernetesSpec": {"action": "pod-kill", "mode": "one", "selector": {}},
            },
            "cannot be undone",
        ),
        ({"kubernetesSpec": spec(duration=None)}, "has no duration, so"),
        (
            {
                "kubernetesKind": "TimeChaos",
                "kubernetesSpec": {
                    "mode": "one",
                    "selector": {},
                    "timeOffset": "1h",
                    "duration": "abc",
                },
            },
            "has no duration that can be read, so",
        ),
        (
            {
                "kubernetesApiVersion": "example.com/v1",
                "kubernetesKind": "Gadget",
                "kubernetesSpec": {"a": 1},
            },
            "not known when a Gadget has ended",
        ),
    ],
)
def test_what_works_otherwise_than_meant_is_a_warning(changes: dict[str, Any], words: str) -> None:
    found = [problem for problem in problems(**changes) if words in problem.message]
    assert [problem.severity for problem in found] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kubernetesApiVersion", "chaos-mesh.org"),
        ("kubernetesApiVersion", "chaos-mesh.org/v1alpha1/../../.."),
        ("kubernetesKind", "networkchaos"),
        ("kubernetesKind", "Network/Chaos"),
        ("kubernetesNamespace", "Default"),
        ("kubernetesNamespace", "a/b"),
        ("kubernetesNamespace", ""),
        ("maxDuration", "five minutes"),
        ("kubernetesSpecs", "{}"),
    ],
)
def test_what_would_lead_to_another_address_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        parameters(**{field: value})


def test_it_ends_when_the_chaos_does_and_is_always_removed() -> None:
    assert FAULT.timing(parameters()) == Timing.until_ended(timedelta(minutes=5))
    assert FAULT.undo(parameters()) is Undo.RESTORES


def test_the_subject_is_the_resource() -> None:
    plan = Plan("EXP1", "latency", "here", None)
    cluster = Resource("aws:eks:cluster", "arn:aws:eks:eu-west-1:123456789012:cluster/shop")
    (subject,) = FAULT.subjects(parameters(), [cluster], plan)
    name = resource_name("here", "EXP1", "latency")
    assert subject.resource == f"{cluster.id}/chaos-mesh.org/v1alpha1/default/networkchaos/{name}"
    assert json.loads(json.dumps(subject.state)) == subject.state


def test_only_kinds_that_have_a_timer_get_one() -> None:
    limit = timedelta(minutes=5)
    chaos, litmus = "chaos-mesh.org", "litmuschaos.io"
    assert with_switch(chaos, "NetworkChaos", {"a": 1}, limit) == (
        {"a": 1, "duration": "6m"},
        timedelta(minutes=6),
    )
    written = {"duration": "90s"}
    assert with_switch(chaos, "NetworkChaos", written, limit) == (written, timedelta(seconds=90))
    for group, kind, untouched in (
        (chaos, "PodChaos", {"action": "pod-kill"}),
        (chaos, "Schedule", {"type": "PodChaos"}),
        (litmus, "ChaosEngine", {"engineState": "active"}),
        ("example.com", "NetworkChaos", {"a": 1}),
    ):
        assert with_switch(group, kind, untouched, limit) == (untouched, None)
    templates = [{"name": "e", "templateType": "Serial"}, {"name": "f"}]
    made, _ = with_switch(chaos, "Workflow", {"entry": "e", "templates": templates}, limit)
    assert made["templates"] == [
        {"name": "e", "templateType": "Serial", "deadline": "6m"},
        {"name": "f"},
    ]
    assert "deadline" not in templates[0]
    # What nobody can read is what the user wrote all the same.
    unread = {"entry": "e", "templates": [{"name": "e", "deadline": "ten minutes"}]}
    assert with_switch(chaos, "Workflow", unread, limit) == (unread, None)


def test_a_check_ends_when_its_author_says() -> None:
    check = {"type": "HTTP", "duration": "2m"}
    assert written_timer("chaos-mesh.org", "StatusCheck", check) == (
        "duration",
        timedelta(minutes=2),
    )
    for unread in ({"duration": "soon"}, {"duration": ""}, {}):
        assert written_timer("chaos-mesh.org", "StatusCheck", unread) is None


@given(st.text(), st.text(), st.text())
def test_a_name_is_a_dns_name_and_a_label_value(installation: str, run: str, action: str) -> None:
    name = resource_name(installation, run, action)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) == 30
    assert name == resource_name(installation, run, action)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), st.sampled_from("ab"))))
def test_different_actions_have_different_names(actions: list[tuple[str, str, str]]) -> None:
    assert len({resource_name(*action) for action in actions}) == len(set(actions))
