"""Each rule of the typed kinds, and what a user reads when it is broken.

Rules without another source are those of the CRDs and webhooks of Chaos Mesh 2.8.3.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kubernetes.specs import KINDS, SPECS, Problem, check

CHAOS_MESH = "chaos-mesh.org/v1alpha1"
ONE = {"mode": "one", "selector": {}}
CARTS = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "duration": "180s",
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}
BUCKET = {"rate": "1mbps", "limit": 1, "buffer": 1}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def network(action: str, **fields: Any) -> list[Problem]:
    return check(CHAOS_MESH, "NetworkChaos", "default", {"action": action, **ONE, **fields})


def pod(action: str, **fields: Any) -> list[Problem]:
    return check(CHAOS_MESH, "PodChaos", "default", {"action": action, **ONE, **fields})


def stress(**fields: Any) -> list[Problem]:
    return check(CHAOS_MESH, "StressChaos", "default", {**ONE, **fields})


def errors(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "error"}


def warnings(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "warning"}


def test_the_published_example_is_clean() -> None:
    assert check(CHAOS_MESH, "NetworkChaos", "default", CARTS) == []


# Kinds and documents


def test_an_unknown_kind_is_told_the_nearest() -> None:
    assert errors(check(CHAOS_MESH, "NetworkCaos", "default", {})) == {
        "kind": '"NetworkCaos" is not a kind of chaos-mesh.org; did you mean "NetworkChaos"?'
    }
    assert "ChaosEngine" in errors(check("litmuschaos.io/v1alpha1", "Engine", "x", {}))["kind"]


def test_a_kind_of_the_other_group_is_unknown() -> None:
    assert "kind" in errors(check("litmuschaos.io/v1alpha1", "PodChaos", "default", {}))


def test_only_one_version_exists() -> None:
    assert errors(check("chaos-mesh.org/v1", "PodChaos", "default", {**ONE, "action": "pod-kill"}))[
        "apiVersion"
    ].endswith('write "chaos-mesh.org/v1alpha1"')


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(SPECS)))
def test_other_known_kinds_are_taken_as_objects(kind: str) -> None:
    api_version = KINDS[kind].api_version
    assert check(api_version, kind, "default", {"anything": [1]}) == []
    assert "must be an object, is a list" in errors(check(api_version, kind, "default", []))["spec"]


def test_other_groups_are_taken_as_objects() -> None:
    assert check("example.org/v1", "Thing", "default", {"anything": None}) == []
    assert "spec" in errors(check("example.org/v1", "Thing", "default", "text"))


def test_a_misspelt_group_is_pointed_out() -> None:
    told = warnings(check("chaosmesh.org/v1alpha1", "PodChaos", "default", {}))
    assert "write chaos-mesh.org/v1alpha1" in told["apiVersion"]


@pytest.mark.parametrize("namespace", ["", "Bad", "under_score", "-x", "x-", "a" * 64, "x\n"])
def test_a_namespace_is_a_dns_label(namespace: str) -> None:
    assert "namespace" in errors(check(CHAOS_MESH, "NetworkChaos", namespace, CARTS))


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({1: 2}, "spec"),
        ({None: 2}, "spec"),
        ({"a": dt.date(2026, 1, 1)}, "spec.a"),
        ({"a": math.nan}, "spec.a"),
        ({"a": [{"b": math.inf}]}, "spec.a[0].b"),
        ({"a": b"x"}, "spec.a"),
    ],
)
def test_what_yaml_knows_and_json_does_not_is_refused(spec: Any, path: str) -> None:
    for kind in ("NetworkChaos", "Workflow"):
        assert path in errors(check(CHAOS_MESH, kind, "default", spec))


def test_depth_and_size_are_bounded() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    loop: dict[str, Any] = {}
    loop["self"] = loop
    laughs: Any = "ha"
    for _ in range(20):
        laughs = [laughs] * 20
    for spec in (deep, loop, {"a": laughs}, {"a": "x" * 2_000_000}, {"a": [0] * 100_000}):
        assert list(errors(check(CHAOS_MESH, "NetworkChaos", "default", spec))) == ["spec"]


def test_few_problems_are_told_of_many() -> None:
    many = {**CARTS, "selector": {"namespaces": list(range(10_000))}}
    problems = check(CHAOS_MESH, "NetworkChaos", "default", many)
    assert len(problems) == 50
    assert problems[-1].message == "has more problems than are told here"


def test_huge_values_make_short_messages() -> None:
    huge = {"action": "x" * 100_000, "y" * 100_000: 1, "mode": 10**5_000, "value": "\ud800"}
    for problem in check(CHAOS_MESH, "NetworkChaos", "default", huge):
        assert len(problem.path) + len(problem.message) < 600
        (problem.path + problem.message).encode()


# The schema


def test_every_field_that_is_missing_is_named() -> None:
    assert errors(check(CHAOS_MESH, "NetworkChaos", "default", {})) == {
        "spec.action": "is required, write one of netem, delay, loss, duplicate, corrupt, "
        "partition, bandwidth",
        "spec.mode": "is required, write one of one, all, fixed, fixed-percent, random-max-percent",
        "spec.selector": "is required, write an object",
    }


def test_unknown_fields_are_told_the_nearest() -> None:
    told = errors(network("delay", delay={"latency": "1s", "latancy": "1s"}, durration="1s"))
    assert told == {
        "spec.delay.latancy": 'unknown field "latancy", did you mean "latency"?',
        "spec.durration": 'unknown field "durration", did you mean "duration"?',
    }


def test_field_names_are_case_sensitive() -> None:
    told = errors(pod("pod-kill", graceperiod=0))
    assert told["spec.graceperiod"].endswith('did you mean "gracePeriod"?')


def test_a_field_that_is_like_no_other_lists_them_all() -> None:
    told = errors(network("delay", target={**ONE, "zzz": 1}))["spec.target.zzz"]
    assert told == 'unknown field "zzz", the fields here are mode, selector, value'


def test_choices_are_listed_with_the_nearest() -> None:
    assert errors(network("dealy"))["spec.action"] == (
        '"dealy" is not one of netem, delay, loss, duplicate, corrupt, partition, bandwidth; '
        'did you mean "delay"?'
    )
    assert '"" is not one of' in errors(network("partition", direction=""))["spec.direction"]


def test_numbers_are_not_text() -> None:
    told = errors(network("delay", mode="fixed", value=2))
    assert told["spec.value"] == 'must be text, is a number, write "2" with quotes'


def test_text_is_not_a_number() -> None:
    told = errors(stress(stressors={"cpu": {"workers": "1"}}))
    assert told["spec.stressors.cpu.workers"].endswith("is text, write 1 without quotes")
    assert errors(stress(stressors={"cpu": {"workers": True}}))
    assert errors(stress(stressors={"cpu": {"workers": 1.5}}))


def test_whole_floats_are_integers_to_the_api_server() -> None:
    assert stress(stressors={"cpu": {"workers": 1.0}}) == []
    assert errors(stress(stressors={"cpu": {"workers": -(2.0**53)}}))


@pytest.mark.parametrize("spec", [{"namespaces": "x"}, {"pods": "x"}, {"labelSelectors": []}])
def test_selectors_have_their_types(spec: Any) -> None:
    (path,) = errors(network("delay", selector=spec))
    assert path == f"spec.selector.{next(iter(spec))}"


def test_paths_quote_keys_that_are_no_names() -> None:
    told = errors(network("delay", selector={"labelSelectors": {"app.kubernetes.io/name": 1}}))
    assert list(told) == ['spec.selector.labelSelectors["app.kubernetes.io/name"]']


def test_null_is_pruned_where_a_field_is_known() -> None:
    # Kubernetes drops nulls of fields that are not nullable before it validates.
    nulls = {"duration": None, "selector": {"labelSelectors": {"a": None}, "pods": None}}
    assert check(CHAOS_MESH, "NetworkChaos", "default", {**CARTS, **nulls}) == []
    assert "spec.bogus" in errors(network("partition", bogus=None))
    assert "is required" in errors(network("delay", selector=None))["spec.selector"]
    assert "spec.selector.nodes[0]" in errors(network("delay", selector={"nodes": [None]}))
    assert "is empty" in errors(stress(stressors={"cpu": None}))["spec.stressors"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", 0),
        ("limit", 2**32),
        ("buffer", -1),
        ("minburst", -1),
        ("peakrate", -1),
        ("peakrate", 2**63),
        ("rate", "10"),
    ],
)
def test_bandwidth_has_bounds(field: str, value: Any) -> None:
    told = errors(network("bandwidth", bandwidth={**BUCKET, field: value}))
    assert list(told) == [f"spec.bandwidth.{field}"]


def test_bandwidth_reads_unsigned_32_bits() -> None:
    assert network("bandwidth", bandwidth={**BUCKET, "limit": 2**32 - 1}) == []


# Selection


@pytest.mark.parametrize(
    ("mode", "value"),
    [
        ("fixed", None),
        ("fixed", ""),
        ("fixed", "0"),
        ("fixed", "-1"),
        ("fixed", "2.0"),
        ("fixed-percent", "101"),
        ("fixed-percent", "50%"),
        ("random-max-percent", "abc"),
        ("random-max-percent", "0"),
    ],
)
def test_a_value_suits_its_mode(mode: str, value: str | None) -> None:
    selection: dict[str, Any] = {"mode": mode, "selector": {}, "value": value}
    assert list(errors(pod("pod-kill", **selection))) == ["spec.value"]
    assert list(errors(network("delay", target=selection))) == ["spec.target.value"]


@pytest.mark.parametrize("mode", ["one", "all"])
def test_a_value_is_ignored_without_a_number_to_choose(mode: str) -> None:
    problems = pod("pod-kill", mode=mode, value="junk")
    assert errors(problems) == {}
    assert "is ignored" in warnings(problems)["spec.value"]


def test_named_pods_make_the_rest_of_a_selector_idle() -> None:
    selector = {"pods": {"a": ["b"]}, "labelSelectors": {"x": "y"}, "namespaces": ["a"]}
    problems = pod("pod-kill", selector=selector)
    assert errors(problems) == {}
    assert list(warnings(problems)) == ["spec.selector.labelSelectors"]


def test_selectors_that_can_match_nothing_are_pointed_out() -> None:
    selector = {
        "expressionSelectors": [{"key": "a", "operator": "in", "values": ["b"]}],
        "podPhaseSelectors": ["running"],
    }
    problems = pod("pod-kill", selector=selector)
    assert errors(problems) == {}
    told = warnings(problems)
    assert 'did you mean "In"?' in told["spec.selector.expressionSelectors[0].operator"]
    assert 'did you mean "Running"?' in told["spec.selector.podPhaseSelectors[0]"]


# NetworkChaos


@pytest.mark.parametrize("direction", ["from", "both"])
def test_a_direction_other_than_to_wants_a_target(direction: str) -> None:
    assert "without target" in errors(network("loss", direction=direction))["spec.direction"]
    assert errors(network("loss", direction=direction, target=ONE)) == {}
    assert errors(network("partition", direction=direction)) == {}


@pytest.mark.parametrize("external", [["1.1.1.1"], []])
def test_external_targets_only_work_outwards(external: list[str]) -> None:
    refused = network("loss", direction="from", target=ONE, externalTargets=external)
    assert "externalTargets" in errors(refused)["spec.direction"]
    assert errors(network("loss", direction="to", externalTargets=external)) == {}
    assert errors(network("partition", direction="both", externalTargets=external)) == {}


@pytest.mark.parametrize("action", ["delay", "loss", "duplicate", "corrupt", "bandwidth"])
def test_an_action_without_its_details_is_accepted_and_does_nothing(action: str) -> None:
    problems = network(action)
    assert errors(problems) == {}
    assert f'action "{action}" does nothing' in warnings(problems)[f"spec.{action}"]


def test_netem_wants_any_of_its_details() -> None:
    assert "does nothing" in warnings(network("netem"))["spec"]
    assert network("netem", rate={"rate": "1mbit"}) == []


def test_details_of_another_kind_of_action_are_idle() -> None:
    assert "ignored" in warnings(network("partition", loss={"loss": "1"}))["spec.loss"]
    told = warnings(network("loss", loss={"loss": "1"}, bandwidth=BUCKET))
    assert "ignored" in told["spec.bandwidth"]


@pytest.mark.parametrize("text", ["101", "-1", "nan", "inf"])
def test_percentages_are_only_parsed(text: str) -> None:
    problems = network("loss", loss={"loss": text, "correlation": ""})
    assert errors(problems) == {}
    assert "is not a percentage" in warnings(problems)["spec.loss.loss"]


def test_no_packets_and_no_time_are_accepted_and_nothing_happens() -> None:
    for action in ("loss", "duplicate", "corrupt"):
        told = warnings(network(action, **{action: {action: "0.0"}}))
        assert "is none" in told[f"spec.{action}.{action}"]
    assert (
        "delays nothing"
        in warnings(network("delay", delay={"latency": "0ms"}))["spec.delay.latency"]
    )
    assert network("delay", delay={"latency": "0ms", "jitter": "1ms"}) == []


def test_reordering_is_judged_in_its_place() -> None:
    delay = {"latency": "1ms", "reorder": {"reorder": "x", "gap": 1.5}}
    assert set(errors(network("delay", delay=delay))) == {
        "spec.delay.reorder.reorder",
        "spec.delay.reorder.gap",
    }


def test_half_a_peak_limit_is_idle() -> None:
    told = warnings(network("bandwidth", bandwidth={**BUCKET, "peakrate": 1}))
    assert told == {"spec.bandwidth.peakrate": "is ignored without minburst, write both or neither"}


# Durations


def test_a_duration_is_go_text() -> None:
    assert errors(network("partition", duration="PT30S"))["spec.duration"] == (
        '"PT30S" is not a duration, write "30s"'
    )


@pytest.mark.parametrize("text", ["-5s", "0", ""])
def test_a_duration_that_ends_nothing_is_accepted(text: str) -> None:
    problems = network("partition", duration=text)
    assert errors(problems) == {}
    assert "spec.duration" in warnings(problems)


# PodChaos


def test_killing_containers_wants_their_names() -> None:
    assert "spec.containerNames" in errors(pod("container-kill"))
    assert "spec.containerNames" in errors(pod("container-kill", containerNames=[]))
    assert pod("container-kill", containerNames=["app"]) == []


def test_what_a_pod_action_ignores_is_pointed_out() -> None:
    ignored = pod("pod-failure", duration="1s", containerNames=["app"], gracePeriod=3)
    assert set(warnings(ignored)) == {"spec.containerNames", "spec.gracePeriod"}
    assert "happens once" in warnings(pod("pod-kill", duration="1s"))["spec.duration"]


def test_a_pod_failure_without_duration_is_accepted() -> None:
    problems = pod("pod-failure")
    assert errors(problems) == {}
    assert "spec.duration" in warnings(problems)


def test_a_grace_period_is_not_negative() -> None:
    assert "spec.gracePeriod" in errors(pod("pod-kill", gracePeriod=-1))


# StressChaos


def test_one_way_of_naming_stressors_is_required() -> None:
    assert "spec.stressors" in errors(stress())
    assert "spec.stressors" in errors(stress(stressngStressors=""))
    assert stress(stressngStressors="--cpu 1") == []


def test_empty_stressors_are_refused_whatever_else_is_given() -> None:
    assert "spec.stressors" in errors(stress(stressors={}, stressngStressors="--cpu 1"))


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_accepted_and_make_no_load(workers: int) -> None:
    problems = stress(stressors={"memory": {"workers": workers, "size": "1MB"}})
    assert errors(problems) == {}
    assert "make no load" in warnings(problems)["spec.stressors.memory.workers"]


@pytest.mark.parametrize(
    ("stressor", "field", "value"),
    [
        ("cpu", "workers", 8193),
        ("cpu", "load", 101),
        ("cpu", "load", -1),
        ("memory", "size", "10XB"),
        ("memory", "oomScoreAdj", 1001),
        ("memory", "oomScoreAdj", -1001),
    ],
)
def test_stressors_have_bounds(stressor: str, field: str, value: Any) -> None:
    told = errors(stress(stressors={stressor: {"workers": 1, field: value}}))
    assert list(told) == [f"spec.stressors.{stressor}.{field}"]


def test_stress_that_sleeps_or_is_overruled_is_pointed_out() -> None:
    told = warnings(
        stress(stressors={"cpu": {"workers": 1, "load": 0}}, stressngStressors="--cpu 1")
    )
    assert set(told) == {"spec.stressors", "spec.stressors.cpu.load"}


# Anything at all


@given(st.sampled_from(sorted(SPECS)), json_values)
def test_no_document_makes_it_raise(kind: str, spec: Any) -> None:
    for problem in check(KINDS[kind].api_version, kind, "default", spec):
        assert problem.path.startswith("spec")
        assert problem.message


@given(
    st.sampled_from(sorted(SPECS)),
    st.dictionaries(
        st.sampled_from(
            [
                "action",
                "mode",
                "value",
                "selector",
                "target",
                "delay",
                "loss",
                "bandwidth",
                "duration",
                "direction",
                "stressors",
                "containerNames",
                "externalTargets",
            ]
        ),
        json_values,
    ),
)
def test_no_value_of_a_known_field_makes_it_raise(kind: str, fields: dict[str, Any]) -> None:
    spec = {"action": "netem", **ONE, **fields}
    for problem in check(KINDS[kind].api_version, kind, "default", spec):
        assert problem.path.startswith("spec")


@given(st.text(), st.text(), st.text())
def test_no_identity_makes_it_raise(api_version: str, kind: str, namespace: str) -> None:
    assert isinstance(check(api_version, kind, namespace, {}), list)
