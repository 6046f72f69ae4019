"""What the guardrails learn of a chaos resource: the pods that its selectors may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.contract import AccessDeniedError, Group
from providers.kubernetes.reach import selectors_of
from tests.kubernetes_faults.one_run import FAULT, NETWORK_DELAY, Run

Start = Callable[..., Any]


async def _reached(run: Run) -> list[Group]:
    return list(await FAULT.reached(run.session, run.parameters, run.resources))


def _names(group: Group) -> list[str]:
    """Return the pods' names without the hash of their ReplicaSet."""
    return sorted(
        one.id.rpartition("/")[2].rpartition("-")[0].rpartition("-")[0] for one in group.found
    )


def _spec(mode: str = "all", value: str | None = None, **selector: Any) -> dict[str, Any]:
    spec = {**NETWORK_DELAY, "mode": mode, "selector": {"namespaces": ["sock-shop"], **selector}}
    return spec | ({"value": value} if value else {})


async def test_the_pods_of_a_selector_come_with_their_labels(cluster: Any, start: Start) -> None:
    (group,) = await _reached(await start(kubernetesSpec=_spec(labelSelectors={"name": "carts"})))
    assert group.name == "pods of kubernetesSpec.selector"
    assert _names(group) == ["carts"]
    (pod,) = group.found
    assert pod.tags is not None
    assert pod.tags["name"] == "carts"
    assert "/sock-shop/pod/carts-" in pod.id


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (
            {"expressionSelectors": [{"key": "name", "operator": "In", "values": ["carts"]}]},
            {"carts"},
        ),
        ({"labelSelectors": {"name": "carts"}, "podPhaseSelectors": ["Failed"]}, set()),
        ({"labelSelectors": {"name": "carts"}, "annotationSelectors": {"a": "b"}}, set()),
        ({"labelSelectors": {"name": "carts"}, "nodes": ["none"]}, set()),
        ({"pods": {"sock-shop": ["nobody"]}}, set()),
    ],
)
async def test_what_else_narrows_is_followed(
    cluster: Any, start: Start, selector: dict[str, Any], expected: set[str]
) -> None:
    (group,) = await _reached(await start(kubernetesSpec=_spec(**selector)))
    assert set(_names(group)) == expected


@pytest.mark.parametrize(
    ("mode", "value", "rounds"),
    [
        ("one", None, lambda _: 1),
        ("all", None, lambda found: found),
        ("fixed", "2", lambda _: 2),
        ("fixed", "9999", lambda found: found),
        ("fixed-percent", "1", lambda _: 1),
        ("random-max-percent", "50", lambda found: -(-found // 2)),
    ],
)
async def test_the_mode_says_how_many_at_most(
    cluster: Any, start: Start, mode: str, value: str | None, rounds: Callable[[int], int]
) -> None:
    (group,) = await _reached(await start(kubernetesSpec=_spec(mode, value)))
    assert len(group.found) > 3
    assert group.size == rounds(len(group.found))


@pytest.mark.parametrize(
    "parameters",
    [
        {
            "kubernetesApiVersion": "example.org/v1",
            "kubernetesKind": "Storm",
            "kubernetesSpec": {"a": 1},
        },
        {"kubernetesSpec": {**NETWORK_DELAY, "remoteCluster": "other"}},
        {"kubernetesKind": "PhysicalMachineChaos", "kubernetesSpec": {"selector": {}}},
        {
            "kubernetesApiVersion": "litmuschaos.io/v1alpha1",
            "kubernetesKind": "ChaosEngine",
            "kubernetesSpec": {"appinfo": {"appns": "sock-shop"}},
        },
    ],
)
async def test_where_nobody_can_tell_there_are_no_tags(
    cluster: Any, start: Start, parameters: dict[str, Any]
) -> None:
    run = await start(**parameters)
    (group,) = await _reached(run)
    assert [one.tags for one in group.found] == [None]


async def test_a_litmus_engine_may_take_all_that_its_label_selects(
    cluster: Any, start: Start
) -> None:
    run = await start(
        kubernetesApiVersion="litmuschaos.io/v1alpha1",
        kubernetesKind="ChaosEngine",
        kubernetesSpec={"appinfo": {"appns": "sock-shop", "applabel": "name=carts"}},
    )
    (group,) = await _reached(run)
    assert (_names(group), group.size) == (["carts"], 1)


async def test_who_may_not_list_pods_is_told_what_to_grant(cluster: Any, start: Start) -> None:
    key = ("rbac.authorization.k8s.io", "clusterroles", "", "chaosmesh-manager")
    role = cluster.store.get(key)
    role["rules"] = [rule for rule in role["rules"] if "pods" not in rule["resources"]]
    cluster.store.update(key, role)
    with pytest.raises(AccessDeniedError, match="grant it list on pods there"):
        await _reached(await start(kubernetesSpec=_spec()))


async def test_the_engine_asks_only_where_a_guardrail_wants_to_know(
    cluster: Any, start: Start
) -> None:
    await (await start()).review()
    assert not any(asked.resource == "pods" and asked.verb == "list" for asked in cluster.asked)


# Schedules and Workflows


def _one(namespace: str | None) -> dict[str, Any]:
    places = {} if namespace is None else {"namespaces": [namespace]}
    return {**NETWORK_DELAY, "mode": "one", "selector": places}


NAMED: dict[str, Any] = {"pods": {"x": []}}
AGAIN = {"networkChaos": _one("shop")}
CLAIM: dict[str, Any] = {"selector": {}}
WORKFLOW: dict[str, Any] = {
    "entry": "all",
    "templates": [
        {"name": "all", "templateType": "Parallel", "children": ["a", "b", "c", "d"]},
        {"name": "a", "templateType": "NetworkChaos", "networkChaos": _one("bank")},
        {
            "name": "b",
            "templateType": "NetworkChaos",
            "networkChaos": {
                **_one(None),
                "target": {"mode": "all", "selector": {"pods": {"x": []}}},
            },
        },
        {
            "name": "c",
            "templateType": "Schedule",
            "schedule": {
                "schedule": "@daily",
                "type": "NetworkChaos",
                "networkChaos": _one("shop"),
            },
        },
        {
            "name": "d",
            "templateType": "Task",
            "task": {
                "volumes": [{"ephemeral": {"volumeClaimTemplate": {"spec": {"selector": {}}}}}]
            },
        },
    ],
}


def test_the_selectors_of_every_template_are_found() -> None:
    selectors = selectors_of("chaos-mesh.org", "Workflow", "own", WORKFLOW)
    assert selectors is not None
    assert {one.path: [name for name, _ in one.namespaces] for one in selectors} == {
        "kubernetesSpec.templates[1].networkChaos.selector": ["bank"],
        "kubernetesSpec.templates[2].networkChaos.selector": ["own"],
        "kubernetesSpec.templates[2].networkChaos.target.selector": ["x"],
        "kubernetesSpec.templates[3].schedule.networkChaos.selector": ["shop"],
    }
    inside = {"schedule": "@daily", "type": "Workflow", "workflow": WORKFLOW}
    again = selectors_of("chaos-mesh.org", "Schedule", "own", inside)
    assert again is not None
    assert len(again) == len(selectors)


@pytest.mark.parametrize("field", ["awsChaos", "azureChaos", "gcpChaos", "physicalmachineChaos"])
async def test_what_is_no_pod_is_not_taken_for_nothing(
    cluster: Any, start: Start, field: str
) -> None:
    """A guardrail on tags then refuses it, as it does the kind on its own."""
    template = {"name": "a", "templateType": "x", field: {"selector": {"namespaces": ["z"]}}}
    spec = {"entry": "a", "templates": [template]}
    run = await start(kubernetesKind="Workflow", kubernetesSpec=spec)
    (group,) = await _reached(run)
    assert [one.tags for one in group.found] == [None]
    assert selectors_of("chaos-mesh.org", "Workflow", "own", spec) == []
