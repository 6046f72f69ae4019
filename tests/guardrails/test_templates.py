"""What of the guardrails a template alone can break is told when it is judged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridge.api.native.judging import judge
from bridge.catalog import Catalog
from bridge.model.problem import Severity
from bridge.model.scope import Scope
from bridge.settings import Settings

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
INSTANCE = "arn:aws:ec2:us-east-1:123456789012:instance/i-0a1b2c3d4e5f6071"
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/shop"
NETWORK = {
    "action": "delay",
    "mode": "one",
    "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "carts"}},
    "delay": {"latency": "90ms"},
    "duration": "60s",
}


def errors(document: dict[str, Any], **rules: Any) -> dict[str, str]:
    judged = judge(Catalog(Settings(**rules)), SCOPE, document)
    return {one.path: one.message for one in judged.problems if one.severity is Severity.ERROR}


def stopping(mode: str = "ALL", *, length: str | None = "PT5M", **target: Any) -> dict[str, Any]:
    """Return a template that stops instances."""
    return {
        "description": "stop some",
        "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
        "stopConditions": [{"source": "none"}],
        "targets": {
            "carts": {
                "resourceType": "aws:ec2:instance",
                "selectionMode": mode,
                **(target or {"resourceTags": {"app": "carts"}}),
            }
        },
        "actions": {
            "stop": {
                "actionId": "aws:ec2:stop-instances",
                "parameters": {"startInstancesAfterDuration": length} if length else {},
                "targets": {"Instances": "carts"},
            }
        },
    }


def chaos(
    spec: dict[str, Any],
    *,
    kind: str = "NetworkChaos",
    group: str = "chaos-mesh.org",
    namespace: str = "default",
    **parameters: str,
) -> dict[str, Any]:
    """Return a template that creates a custom resource."""
    return {
        "description": "inject",
        "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
        "stopConditions": [{"source": "none"}],
        "targets": {
            "cluster": {
                "resourceType": "aws:eks:cluster",
                "resourceArns": [CLUSTER],
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "inject": {
                "actionId": "aws:eks:inject-kubernetes-custom-resource",
                "parameters": {
                    "kubernetesApiVersion": f"{group}/v1alpha1",
                    "kubernetesKind": kind,
                    "kubernetesNamespace": namespace,
                    "kubernetesSpec": spec,
                    "maxDuration": "PT5M",
                    **parameters,
                },
                "targets": {"Cluster": "cluster"},
            }
        },
    }


# --- shares, numbers, durations -----------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "rules", "path", "words"),
    [
        (
            stopping("PERCENT(60)"),
            {"maximum_share": 50},
            "targets.carts.selectionMode",
            (
                "guardrail FAULTBRIDGE_MAXIMUM_SHARE (50): PERCENT(60) is 60 % of what is found; "
                "take fewer, or raise the limit"
            ),
        ),
        (stopping("ALL"), {"maximum_share": 99}, "targets.carts.selectionMode", "ALL is 100 %"),
        (
            stopping("COUNT(6)"),
            {"maximum_targets": 5},
            "targets.carts.selectionMode",
            (
                'guardrail FAULTBRIDGE_MAXIMUM_TARGETS (5): action "stop" asks for 6 targets; take '
                "fewer, or raise the limit"
            ),
        ),
        (
            stopping("COUNT(6)"),
            {"maximum_targets_at_once": 5},
            "targets.carts.selectionMode",
            "FAULTBRIDGE_MAXIMUM_TARGETS_AT_ONCE (5)",
        ),
        (
            stopping(resourceArns=[f"{INSTANCE}{n}" for n in range(3)]),
            {"maximum_targets": 2},
            "targets.carts.selectionMode",
            "asks for 3 targets",
        ),
        (
            stopping(length="PT6M"),
            {"maximum_action_duration": timedelta(minutes=5)},
            "actions.stop.parameters.startInstancesAfterDuration",
            (
                'guardrail FAULTBRIDGE_MAXIMUM_ACTION_DURATION (PT5M): action "stop" lasts PT6M; '
                "shorten it, or raise the limit"
            ),
        ),
        (
            stopping(length=None),
            {"maximum_action_duration": timedelta(minutes=5)},
            "actions.stop.parameters",
            'stays when it completes; give "startInstancesAfterDuration"',
        ),
        (
            stopping(),
            {"maximum_run_duration": timedelta(minutes=4)},
            "actions",
            "guardrail FAULTBRIDGE_MAXIMUM_RUN_DURATION (PT4M): the run is planned to last PT5M",
        ),
    ],
)
def test_it_is_refused_with_rule_value_and_mend(
    document: dict[str, Any], rules: dict[str, Any], path: str, words: str
) -> None:
    assert errors(document) == {}
    found = errors(document, **rules)
    assert list(found) == [path]
    assert words in found[path]


@pytest.mark.parametrize(
    ("document", "rules"),
    [
        (stopping("PERCENT(50)"), {"maximum_share": 50}),
        (stopping("COUNT(5)"), {"maximum_share": 1, "maximum_targets": 5}),
        (stopping("ALL"), {"maximum_share": 100, "maximum_targets": 1}),
        (stopping(resourceArns=[INSTANCE]), {"maximum_share": 1, "maximum_targets": 1}),
        (stopping("PERCENT(50)", resourceArns=[INSTANCE]), {"maximum_share": 1}),
        (
            stopping("COUNT(9)", resourceArns=[f"{INSTANCE}{n}" for n in range(2)]),
            {"maximum_targets": 2},
        ),
        (
            stopping(),
            {
                "maximum_action_duration": timedelta(minutes=5),
                "maximum_run_duration": timedelta(minutes=5),
            },
        ),
        (chaos(NETWORK), {"maximum_share": 1, "maximum_targets": 1}),
    ],
)
def test_what_stays_within_is_accepted(document: dict[str, Any], rules: dict[str, Any]) -> None:
    assert errors(document, **rules) == {}


def test_a_plan_is_counted_along_start_after() -> None:
    document = stopping()
    again = {**document["actions"]["stop"], "startAfter": ["stop"]}
    beside = document["actions"]["stop"]
    document["actions"] |= {"again": again, "beside": beside}
    assert errors(document, maximum_run_duration=timedelta(minutes=10)) == {}
    found = errors(document, maximum_run_duration=timedelta(minutes=9))
    assert "planned to last PT10M" in found["actions"]


def test_a_target_of_two_actions_is_told_once() -> None:
    document = stopping("PERCENT(60)")
    document["actions"]["again"] = document["actions"]["stop"]
    judged = judge(Catalog(Settings(maximum_share=50)), SCOPE, document)
    assert sum("MAXIMUM_SHARE" in one.message for one in judged.problems) == 1


def test_a_kind_that_the_bridge_carries_out_is_held_to_them_too() -> None:
    spec = {
        "action": "ec2-stop",
        "awsRegion": "us-east-1",
        "selector": {"tags": {"app": "carts"}},
        "mode": "fixed-percent",
        "value": "60",
        "duration": "6m",
    }
    document = chaos(spec, kind="AWSChaos", maxDuration="PT10M")
    assert errors(document) == {}
    found = errors(document, maximum_share=50)
    assert "FAULTBRIDGE_MAXIMUM_SHARE (50)" in found["actions.inject.parameters.kubernetesSpec"]
    found = errors(document, maximum_action_duration=timedelta(minutes=5))
    assert "lasts PT6M" in found["actions.inject.parameters.kubernetesSpec"]


# --- namespaces ---------------------------------------------------------------------------

SPEC = "actions.inject.parameters.kubernetesSpec"


def selecting(selector: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**NETWORK, "selector": selector, **more}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (
            chaos(selecting({"namespaces": ["shop", "kube-system"]})),
            f"{SPEC}.selector.namespaces[1]",
        ),
        (chaos(selecting({"pods": {"kube-system": ["dns"]}})), f"{SPEC}.selector.pods.kube-system"),
        (
            chaos(selecting({}), namespace="chaos-mesh"),
            "actions.inject.parameters.kubernetesNamespace",
        ),
        (chaos(selecting({"namespaces": [""]})), f"{SPEC}.selector.namespaces[0]"),
        (
            chaos(
                {
                    **NETWORK,
                    "direction": "both",
                    "target": {"mode": "all", "selector": {"namespaces": ["kube-system"]}},
                }
            ),
            f"{SPEC}.target.selector.namespaces[0]",
        ),
        (
            chaos(
                {"templates": [{"networkChaos": selecting({"namespaces": ["kube-system"]})}]},
                kind="Workflow",
            ),
            f"{SPEC}.templates[0].networkChaos.selector.namespaces[0]",
        ),
        (
            chaos(
                {"appinfo": {"appns": "kube-system"}}, kind="ChaosEngine", group="litmuschaos.io"
            ),
            f"{SPEC}.appinfo.appns",
        ),
        (
            chaos(
                {"selectors": {"pods": [{"namespace": "kube-system", "names": "dns"}]}},
                kind="ChaosEngine",
                group="litmuschaos.io",
            ),
            f"{SPEC}.selectors.pods[0].namespace",
        ),
        (
            chaos(
                {"experiments": [{"name": "node-drain"}]},
                kind="ChaosEngine",
                group="litmuschaos.io",
            ),
            SPEC,
        ),
        (
            chaos({"where": {"namespaces": ["kube-system"]}}, kind="Storm", group="example.org"),
            f"{SPEC}.where.namespaces",
        ),
        (
            chaos({}, kind="Storm", group="example.org", namespace="kube-system"),
            "actions.inject.parameters.kubernetesNamespace",
        ),
    ],
)
def test_nothing_is_injected_into_a_protected_namespace(
    document: dict[str, Any], path: str
) -> None:
    found = errors(document)
    assert "guardrail FAULTBRIDGE_PROTECTED_NAMESPACES (kube-system,chaos-mesh)" in found[path]
    assert path not in errors(document, protected_namespaces=())


@pytest.mark.parametrize(
    "document",
    [
        chaos(NETWORK, namespace="chaos-mesh"),
        chaos(selecting({"namespaces": ["shop"], "pods": {"shop": ["a"]}})),
        chaos({"appinfo": {"appns": "shop"}}, kind="ChaosEngine", group="litmuschaos.io"),
    ],
)
def test_where_a_resource_is_kept_is_not_where_it_injects(document: dict[str, Any]) -> None:
    assert errors(document) == {}


def test_patterns_protect_many() -> None:
    found = errors(chaos(NETWORK), protected_namespaces=("sh*",))
    assert 'nothing is injected into namespace "shop"; name another' in "".join(found.values())


@pytest.mark.parametrize(
    ("mode", "value", "rules", "words"),
    [
        ("all", None, {"maximum_share": 50}, "ALL is 100 %"),
        ("fixed-percent", "60", {"maximum_share": 50}, "PERCENT(60) is 60 %"),
        ("random-max-percent", "60", {"maximum_share": 50}, "PERCENT(60) is 60 %"),
        ("fixed", "3", {"maximum_targets": 2}, 'action "inject" asks for 3 targets'),
    ],
)
def test_what_a_spec_takes_is_held_to_share_and_number(
    mode: str, value: str | None, rules: dict[str, Any], words: str
) -> None:
    more = {"mode": mode} | ({"value": value} if value else {})
    document = chaos({**NETWORK, **more})
    assert errors(document) == {}
    assert words in errors(document, **rules)[f"{SPEC}.selector"]
