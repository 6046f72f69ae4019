"""What would become of the resource, with the defaults and at the bounds of each parameter."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bridge.catalog.action_templates import judged, read_action_template
from bridge.model.problem import Severity
from tests.action_templates.documents import document, with_parameter


def problems(written: dict[str, Any]) -> list[str]:
    return [f"{problem.severity}: {problem}" for problem in judged(read_action_template(written))]


def test_a_template_that_works_at_all_its_bounds() -> None:
    assert problems(document()) == []


def test_what_the_spec_itself_has_wrong_names_no_parameter() -> None:
    written = document()
    written["spec"]["delay"]["jiter"] = "1ms"
    assert problems(written) == [
        'error: spec.delay.jiter: unknown field "jiter", did you mean "jitter"?'
    ]


def test_an_upper_bound_that_does_not_work_is_named() -> None:
    written = document()
    written["parameters"]["latency"]["maximum"] = "1m30s"
    (said,) = problems(written)
    assert said.startswith('error: spec.delay.latency: "1m30s" is not one number with one unit')
    assert said.endswith('(with latency = "1m30s")')


def test_a_lower_bound_that_does_not_work_is_named() -> None:
    written = document()
    del written["parameters"]["percentage"]["minimum"]  # 0 then
    (said,) = problems(written)
    assert said.startswith("error: spec.value: ")
    assert said.endswith("(with percentage = 0)")


def test_each_value_of_an_enum_is_tried() -> None:
    declared = {"type": "enum", "values": ["to", "sideways", "both"], "default": "to"}
    said = problems(with_parameter("direction", declared, direction="{{ direction }}"))
    sideways, both = said
    assert sideways == (
        'error: spec.direction: "sideways" is not one of to, from, both '
        '(with direction = "sideways")'
    )
    assert both == (
        'error: spec.direction: "both" cannot be used with action "delay" without target, write '
        '"to" or add target (with direction = "both")'
    )


def test_a_bound_is_tried_with_all_else_as_usual() -> None:
    """Not every combination: sizes would multiply."""
    written = document(maxDuration="PT9M")
    (said,) = problems(written)
    assert said.startswith("error: spec.duration: is not shorter than maxDuration (PT9M)")
    assert said.endswith('(with duration = "9m")')


def test_a_problem_of_the_defaults_is_told_once() -> None:
    written = document(maxDuration="PT1M")
    said = [one for one in problems(written) if "maxDuration" in one]
    assert said[0].startswith("error: spec.duration: is not shorter than maxDuration (PT1M)")
    assert len(said) == 1


def test_of_a_text_that_must_be_given_nothing_is_said() -> None:
    declared: dict[str, Any] = {"type": "string"}
    written = with_parameter("rate", declared)
    written["spec"] |= {"action": "bandwidth", "bandwidth": {"rate": "{{ rate }}"}}
    written["spec"]["bandwidth"] |= {"limit": 1000, "buffer": 1000}
    del written["spec"]["delay"]
    del written["parameters"]["latency"]
    assert problems(written) == []
    declared["example"] = "fast"
    (said,) = problems(written)
    assert said.startswith('error: spec.bandwidth.rate: "fast"')
    declared["example"] = "1mbps"
    assert problems(written) == []


def test_a_percentage_is_written_as_its_field_wants_it() -> None:
    declared = {"type": "percentage", "default": 80, "minimum": 1}
    stress = with_parameter(
        "load", declared, stressors={"cpu": {"workers": 1, "load": "{{ load }}"}}
    )
    del stress["spec"]["delay"], stress["spec"]["action"], stress["parameters"]["latency"]
    assert problems(stress | {"kind": "StressChaos"}) == []
    loss = with_parameter("loss", declared, action="loss", loss={"loss": "{{ loss }}"})
    del loss["spec"]["delay"], loss["parameters"]["latency"]
    assert problems(loss) == []


def test_a_cloud_kind_is_judged_as_the_bridge_carries_it_out() -> None:
    spec = {
        "action": "ec2-stop",
        "awsRegion": "us-east-1",
        "selector": {"tags": "{{ tags }}"},
        "mode": "fixed",
        "value": "{{ count }}",
        "duration": "5m",
    }
    parameters = {
        "tags": {"type": "labelSelector"},
        "count": {"type": "integer", "default": 2, "minimum": 1, "maximum": 5},
    }
    written = document(kind="AWSChaos", spec=spec, parameters=parameters, namespace="default")
    assert problems(written) == []
    (first, *_) = problems({**written, "carriedOutBy": "cluster"})
    assert first.startswith("error: spec.")


def test_a_kind_of_which_nothing_is_known_passes_as_it_is() -> None:
    written = document(apiVersion="example.com/v1", kind="Outage", spec={"n": "{{ n }}"})
    written["parameters"] = {
        "namespace": {"type": "namespace", "default": "shop"},
        "n": {"type": "integer", "default": 3},
    }
    assert all(one.startswith("warning: kind: ") for one in problems(written))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"kind": "NetworkChoas"}, "kind"),
        ({"apiVersion": "chaos-mesh.org/v1"}, "apiVersion"),
        ({"apiVersion": "not a version"}, "apiVersion"),
        ({"kind": "networkchaos"}, "kind"),
        ({"carriedOutBy": "faultbridge"}, "carriedOutBy"),
    ],
)
def test_what_names_the_kind_is_judged_too(changes: dict[str, Any], path: str) -> None:
    found = judged(read_action_template(document(**changes)))
    errors = [problem for problem in found if problem.severity is Severity.ERROR]
    assert errors[0].path == path


def test_the_costliest_template_is_judged_in_time() -> None:
    """Others are answered meanwhile; nobody waits longer than a client does."""
    values = [f"v{number}" for number in range(50)]
    parameters: dict[str, Any] = {
        f"n{number}": {"type": "integer", "default": 5, "minimum": 1, "maximum": 9}
        for number in range(38)
    }
    parameters |= {name: {"type": "enum", "values": values} for name in ("e", "f")}
    spec: dict[str, Any] = {
        "action": "pod-kill",
        "mode": "one",
        "selector": {"pods": {name: ["{{ " + name + " }}"] * 12 for name in parameters}},
    }
    spec["selector"] |= {"labelSelectors": {f"k{number}": "v" * 60 for number in range(700)}}
    written = document(kind="PodChaos", spec=spec, parameters=parameters, namespace="shop")
    began = time.perf_counter()
    judged(read_action_template(written))
    assert time.perf_counter() - began < 10
