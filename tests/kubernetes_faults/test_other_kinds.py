"""Litmus engines, workflows with children, and kinds of which nothing is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.kubernetes.objects import Object
from providers.contract import Effect
from providers.kubernetes.api import ApiError

Start = Callable[..., Any]
ENGINE = ("litmuschaos.io", "chaosengines", "default")
WORKFLOW = ("chaos-mesh.org", "workflows", "default")


@pytest.fixture
def litmus(cluster: Any) -> dict[str, Any]:
    """The rights that Litmus needs, and parameters of an engine."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "litmus"}
    cluster.api.install(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "litmus"},
            "rules": [{"apiGroups": ["litmuschaos.io"], "resources": ["*"], "verbs": ["*"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "litmus"},
            "roleRef": role,
            "subjects": [{"kind": "User", "name": "chaosmesh-manager"}],
        },
    )
    return {
        "kubernetesApiVersion": "litmuschaos.io/v1alpha1",
        "kubernetesKind": "ChaosEngine",
        "kubernetesSpec": {"engineState": "active", "experiments": [{"name": "pod-cpu-hog"}]},
    }


def _change(cluster: Any, key: tuple[str, ...], change: Callable[[Object], Any]) -> None:
    found = cluster.store.get(key)
    assert found is not None
    change(found)
    cluster.store.update(key, found)


async def test_an_engine_is_stopped_and_then_removed(
    cluster: Any, start: Start, litmus: dict[str, Any]
) -> None:
    run = await start(**litmus)
    assert await run.review() == []
    await run.start()
    key = (*ENGINE, run.record.state["name"])
    assert (await run.observe()).effect is Effect.APPLYING
    _change(cluster, key, take_up)
    assert (await run.observe()).effect is Effect.PRESENT
    assert (await run.revert()).kind == "pending"
    stopped = cluster.store.get(key)
    assert stopped["spec"]["engineState"] == "stop"
    assert "deletionTimestamp" not in stopped["metadata"]
    assert "has stopped the engine" in (await run.revert()).reason
    _change(cluster, key, lambda engine: engine["status"].update(engineStatus="stopped"))
    assert (await run.revert()).kind == "pending"
    assert "deletionTimestamp" in cluster.store.get(key)["metadata"]
    assert (await run.observe()).effect is Effect.LIFTING
    _change(cluster, key, lambda engine: engine["metadata"].pop("finalizers"))
    assert (await run.revert()).kind == "done"


async def test_without_the_right_to_patch_an_engine_is_removed_all_the_same(
    cluster: Any, start: Start, litmus: dict[str, Any]
) -> None:
    key = ("rbac.authorization.k8s.io", "clusterroles", "", "litmus")
    _change(
        cluster,
        key,
        lambda role: role["rules"][0].update(verbs=["create", "get", "delete"]),
    )
    run = await start(**litmus)
    assert await run.review() == []
    await run.start()
    await run.revert()
    assert (await run.revert()).kind == "done"


def take_up(engine: Object) -> None:
    """Do what Litmus' operator does with a new engine."""
    engine["metadata"]["finalizers"] = ["chaosengine.litmuschaos.io/finalizer"]
    engine["status"] = {"engineStatus": "initialized"}


async def test_an_engine_that_takes_no_change_is_removed_all_the_same(
    cluster: Any, start: Start, litmus: dict[str, Any]
) -> None:
    run = await start(**litmus)
    await run.start()
    key = (*ENGINE, run.record.state["name"])
    _change(cluster, key, take_up)
    # As for an object that is older than a rule of its CRD: every change of it is refused.
    cluster.api.fail(operation="patch chaosengines", error="Invalid", status=422, times=1000)
    assert (await run.revert()).kind == "pending"
    assert "deletionTimestamp" in cluster.store.get(key)["metadata"]


async def test_a_stop_that_is_taken_back_does_not_hold_the_removal_up(
    cluster: Any, start: Start, litmus: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start(**litmus)
    await run.start()
    key = (*ENGINE, run.record.state["name"])
    _change(cluster, key, take_up)
    await run.revert()
    _change(cluster, key, lambda engine: engine["spec"].update(engineState="active"))
    assert "has stopped the engine" in (await run.revert()).reason
    assert cluster.store.get(key)["spec"]["engineState"] == "stop"
    _change(cluster, key, lambda engine: engine["spec"].update(engineState="active"))
    monkeypatch.setattr("providers.kubernetes.removing.STOP_WAIT", timedelta(seconds=-1))
    await run.revert()
    assert "deletionTimestamp" in cluster.store.get(key)["metadata"]


async def test_a_workflow_is_gone_only_when_its_children_are(cluster: Any, start: Start) -> None:
    run = await start(
        kubernetesKind="Workflow",
        kubernetesSpec={"entry": "e", "templates": [{"name": "e", "templateType": "Suspend"}]},
    )
    await run.start()
    name = run.record.state["name"]
    parent = cluster.store.get((*WORKFLOW, name))
    assert parent["spec"]["templates"][0]["deadline"] == "6m"
    child = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": "child",
            "namespace": "default",
            "ownerReferences": [
                {
                    "apiVersion": "chaos-mesh.org/v1alpha1",
                    "kind": "Workflow",
                    "name": name,
                    "uid": parent["metadata"]["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "action": "delay",
            "delay": {"latency": "90ms"},
            "mode": "one",
            "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
        },
    }
    cluster.api.install(child)
    cluster.chaos.misbehave(never_recover=True)
    await run.until(Effect.PRESENT)
    for _ in range(3):
        assert (await run.revert()).kind == "pending"
    assert cluster.store.get((*WORKFLOW, name)) is not None
    cluster.chaos.behave()
    await run.until_gone()
    assert cluster.all_chaos() == []


async def test_a_schedule_is_paused_and_then_removed(cluster: Any, start: Start) -> None:
    spec = {
        "type": "PodChaos",
        "schedule": "@daily",
        "podChaos": {"action": "pod-kill", "mode": "one", "selector": {}},
    }
    run = await start(kubernetesKind="Schedule", kubernetesSpec=spec)
    await run.start()
    seen = await run.observe()
    assert seen.effect is Effect.APPLYING
    assert "its first run is due at" in seen.reason
    key = ("chaos-mesh.org", "schedules", "default", run.record.state["name"])
    _change(cluster, key, lambda it: it["metadata"].update(finalizers=["a.test/hold"]))
    await run.revert()
    paused = cluster.store.get(key)["metadata"]
    assert paused["annotations"]["experiment.chaos-mesh.org/pause"] == "true"
    assert paused["deletionTimestamp"]
    _change(cluster, key, lambda it: it["metadata"].update(finalizers=[]))
    await run.until_gone()


async def test_only_the_very_object_that_was_read_is_deleted(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    reached = await run.session.cluster(run.record.state["cluster"])
    about = cluster.one()["metadata"]
    path = f"/apis/chaos-mesh.org/v1alpha1/namespaces/default/networkchaos/{about['name']}"
    with pytest.raises(ApiError) as refused:
        await reached.delete(path, uid="another", propagation="Background")
    assert refused.value.status == 409
    assert "deletionTimestamp" not in cluster.one()["metadata"]
