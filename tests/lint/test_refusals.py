"""What an API server says, turned into problems at JSON paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.linting.manifests import manifest_problems
from bridge.model.notation import read
from bridge.model.notation.writing import as_yaml
from bridge.model.problem import Problem, Severity
from providers.kubernetes import specs
from providers.kubernetes.api import ApiError
from providers.kubernetes.refusal_paths import json_path, refusal_problems
from providers.kubernetes.served_schema import schema_problems

CASES = Path(__file__).parents[3] / "shared/conformance/chaos-mesh/cases.jsonl"
SCHEMA = {"properties": {"spec": specs.crd_schema("NetworkChaos")}}
WEBHOOK = 'admission webhook "vnetworkchaos.kb.io" denied the request: '


def refused(message: str, **details: Any) -> list[Problem]:
    body = {"message": message, "details": details}
    return refusal_problems(ApiError(422, "Invalid", message[:300], body), SCHEMA)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("Spec", "spec"),
        ("Spec.Duration", "spec.duration"),
        ("Spec.PodSelector.value", "spec.value"),
        ("Spec.ContainerSelector.PodSelector.Selector.Nodes", "spec.selector.nodes"),
        ("Spec.TcParameter.Delay.Reorder.Gap", "spec.delay.reorder.gap"),
        ("Spec.ExternalTargets[0]", "spec.externalTargets[0]"),
        ("spec.selector.expressionSelectors[2].key", "spec.selector.expressionSelectors[2].key"),
        ("Spec.Target.Selector.Pods[default]", "spec.target.selector.pods.default"),
        ("metadata.name", "metadata.name"),
    ],
)  # fmt: skip
def test_go_fields_become_json_paths(written: str, path: str) -> None:
    assert json_path(written, SCHEMA) == path


def test_without_a_schema_a_field_is_only_written_in_lower_case() -> None:
    assert json_path("Spec.Delay.Latency", {}) == "spec.delay.latency"


def test_a_printed_struct_is_left_out_and_nothing_is_said_twice() -> None:
    dump = 'v1alpha1.PodSelector{Selector:v1alpha1.PodSelectorSpec{Nodes:[]string{"a: b"}}}'
    message = (
        f"{WEBHOOK}[Spec.PodSelector: Invalid value: {dump}: mode is wrong, "
        f"Spec.ContainerSelector.PodSelector: Invalid value: {dump}: mode is wrong]"
    )
    assert refused(message) == [
        Problem("spec", "webhook vnetworkchaos.kb.io refuses it: Invalid value: mode is wrong")
    ]


def test_the_causes_of_the_api_server_are_taken_as_they_are() -> None:
    cause = {"field": "spec.mode", "message": 'Unsupported value: "al"', "reason": "x"}
    found = refused('NetworkChaos "a" is invalid: spec.mode: Unsupported value', causes=[cause])
    assert found == [Problem("spec.mode", 'the API server refuses it: Unsupported value: "al"')]


def test_fields_that_a_strict_server_does_not_know_are_named() -> None:
    message = 'strict decoding error: unknown field "spec.foo", unknown field "spec.delay.bar"'
    assert [problem.path for problem in refused(message)] == ["spec.foo", "spec.delay.bar"]


def test_what_names_no_field_is_told_as_a_whole() -> None:
    (problem,) = refused("exceeded quota: chaos, requested: count/networkchaos=1\n" + "x" * 1000)
    assert problem.path == ""
    assert "exceeded quota: chaos" in problem.message
    assert len(problem.message) < 350


@given(st.text() | st.lists(st.sampled_from(
    ["Spec.", "Spec.A: ", "Invalid value: ", "Required value", ": ", "[", "]", ", ", '"', "{", "}",
     "spec.x[0].y: ", "unknown field ", WEBHOOK, "Go struct field X.spec.y of type", "\\"]
)).map("".join))  # fmt: skip
def test_no_words_of_a_server_are_too_strange(message: str) -> None:
    for problem in refused(message):
        assert len(problem.message) < 450


@pytest.mark.skipif(not CASES.is_file(), reason="the conformance cases are not here")
def test_every_refusal_of_upstream_has_its_place() -> None:
    """Upstream's own words: each names a field, but for a kind that is none and a crash."""
    without = []
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        kind = case["cr"]["kind"]
        if case["accepted"] or kind not in specs.SPECS:
            continue
        schema = {"properties": {"spec": specs.crd_schema(kind)}}
        words = case["why"]
        if case["refused_by"] == "webhook":
            words = f'admission webhook "v{kind.lower()}.kb.io" denied the request: {words}'
        for problem in refusal_problems(ApiError(422, "", "", {"message": words}), schema):
            assert "ContainerSelector" not in problem.path
            assert "PodSelector" not in problem.path
            nameless = ("no such kind", "nil pointer dereference")
            if not problem.path and not any(word in problem.message for word in nameless):
                without.append(words)
    assert without == []


@pytest.mark.skipif(not CASES.is_file(), reason="the conformance cases are not here")
def test_lint_refuses_what_a_cluster_refuses() -> None:
    """The whole resource is judged here, metadata included, and read back from YAML."""
    differ = []
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        resource = read(as_yaml(case["cr"])).value
        errors = [one for one in manifest_problems(resource) if one.severity is Severity.ERROR]
        if case["accepted"] is bool(errors):
            differ.append((case["mutation"], case["cr"]["kind"], errors))
    assert differ == []


@pytest.mark.skipif(not CASES.is_file(), reason="the conformance cases are not here")
def test_no_accepted_resource_misfits_its_schema() -> None:
    seen = 0
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        kind, spec = case["cr"]["kind"], case["cr"].get("spec")
        if kind in specs.SPECS and case["accepted"]:
            assert list(schema_problems(specs.crd_schema(kind), spec, "spec")) == []
            seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"mode": "al"}, "spec.mode", '"al" is not one of'),
        ({"mode": 1}, "spec.mode", "must be text, is a number"),
        ({"delay": {"latency": "1m30s"}}, "spec.delay.latency", "does not match"),
        ({"delay": []}, "spec.delay", "must be an object, is a list"),
        ({"dely": {}}, "spec.dely", 'is a field that it does not have; did you mean "delay"?'),
        ({"selector": None}, "spec.selector", "is required"),
        ({"bandwidth": {"rate": "1mbps", "limit": 0, "buffer": 1}}, "spec.bandwidth.limit", "less"),
        ({"externalTargets": "a"}, "spec.externalTargets", "must be a list, is text"),
        ({"externalTargets": [1]}, "spec.externalTargets[0]", "must be text"),
        ({"selector": {"labelSelectors": {"a": True}}}, "spec.selector.labelSelectors.a", "text"),
    ],
)
def test_misfits_are_told_at_their_path(change: dict[str, Any], path: str, words: str) -> None:
    spec = {"action": "delay", "mode": "one", "selector": {}, **change}
    (problem,) = schema_problems(specs.crd_schema("NetworkChaos"), spec, "spec")
    assert problem.path == path
    assert words in problem.message
