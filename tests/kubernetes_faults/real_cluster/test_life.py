"""A fault's whole life on a real API server, each step taken twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.contract import Effect
from providers.kubernetes import lifecycle
from providers.kubernetes.api import ApiError
from tests.kubernetes_faults.one_run import NETWORK_DELAY, eventually
from tests.kubernetes_faults.real_cluster.differences import UNKNOWN_FIELD
from tests.kubernetes_faults.real_cluster.real import CHAOS, FINALIZER

pytestmark = pytest.mark.real_cluster
Start = Callable[..., Any]
DEFAULTS = {"direction": "to"}
"""What the API server fills in by the schema."""


async def twice(step: Callable[[], Any]) -> Any:
    """Take a step, and again; both must answer the same."""
    first = await step()
    assert await step() == first
    return first


@pytest.mark.parametrize("context", ["admin", "ops", "certificate", "plugin"])
async def test_from_review_to_removal(
    cluster: Any, start: Start, namespace: str, context: str
) -> None:
    run = await start(context=context, kubernetesNamespace=namespace)
    assert await twice(run.review) == []
    assert cluster.all_chaos() == []
    assert (await twice(run.prepare)).kind == "done"
    assert (await twice(run.inject)).kind == "pending"
    made = cluster.one()
    assert made["spec"] == NETWORK_DELAY | DEFAULTS
    assert "has not taken it up yet" in (await twice(run.observe)).reason
    assert "finalizer" in (await twice(run.revert)).reason
    assert "deletionTimestamp" not in cluster.one()["metadata"]

    cluster.controllers.take_up(made)
    assert (await twice(run.observe)).reason == "0 of 1 targets injected"
    cluster.controllers.inject(made)
    assert (await twice(run.observe)).effect is Effect.PRESENT
    assert (await twice(run.inject)).kind == "pending"
    assert cluster.one()["metadata"]["uid"] == made["metadata"]["uid"]

    assert (await twice(run.revert)).kind == "pending"
    assert cluster.one()["metadata"]["deletionTimestamp"]
    assert (await twice(run.observe)).effect is Effect.LIFTING
    cluster.controllers.recover(made)
    assert (await twice(run.observe)).effect is Effect.LIFTING
    cluster.controllers.let_go(made)
    assert (await twice(run.revert)).kind == "done"
    assert (await twice(run.observe)).effect is Effect.ABSENT


async def test_it_has_ended_when_its_duration_is_over(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec={**NETWORK_DELAY, "duration": "2s"})
    await run.start()
    cluster.controllers.take_up(cluster.one())
    cluster.controllers.inject(cluster.one())
    assert (await run.observe()).effect is Effect.PRESENT
    cluster.controllers.recover(cluster.one())
    # Stopped early, it is paused; its age, by the server's clock, tells the one from the other.
    assert (await run.until(Effect.ENDED, Effect.FAILED)).effect is Effect.ENDED


async def test_a_stuck_removal_names_its_finalizers_and_its_cause(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start()
    await run.start()
    cluster.controllers.take_up(cluster.one())
    cluster.controllers.inject(cluster.one())
    await run.revert()
    monkeypatch.setattr(lifecycle, "STUCK_AFTER", timedelta(seconds=-1))
    reason = (await run.observe()).reason
    assert reason.startswith("stuck: its removal has waited ")
    assert f"it still has the finalizers {FINALIZER}." in reason
    cluster.controllers.fail_to_recover(cluster.one())
    for seen in (await run.observe(), await run.revert()):
        assert "sock-shop/carts/carts cannot be recovered from: the node is gone" in seen.reason
    cluster.controllers.let_go(cluster.one())
    assert (await run.revert()).kind == "done"


async def test_a_resource_of_the_same_name_that_is_not_ours(cluster: Any, start: Start) -> None:
    run = await start()
    await run.prepare()
    name = run.record.state["name"]
    cluster.install(
        {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": "NetworkChaos",
            "metadata": {"name": name, "namespace": "default"},
            "spec": NETWORK_DELAY,
        }
    )
    before = cluster.one()
    refused = await run.inject()
    assert refused.kind == "rejected"
    assert refused.reason == (
        f"Unable to inject custom resource: networkchaos {name} in namespace default exists and "
        "does not carry the mark of this run, so it is left alone. Remove or rename that one."
    )
    assert (await run.observe()).effect is Effect.UNKNOWN
    assert (await run.revert()).kind == "rejected"
    assert cluster.one() == before


async def test_one_that_is_being_removed_is_not_made_anew(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    cluster.controllers.take_up(cluster.one())
    await run.revert()
    assert (await run.inject()).kind == "pending"
    assert (await run.observe()).effect is Effect.LIFTING


async def test_a_later_one_of_the_same_name_is_not_deleted(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    reached = await run.session.cluster(run.record.state["cluster"])
    about = cluster.one()["metadata"]
    path = f"{CHAOS}/namespaces/default/networkchaos/{about['name']}"
    with pytest.raises(ApiError) as refused:
        await reached.delete(path, uid="of-another", propagation="Background")
    assert refused.value.status == 409
    assert cluster.one()["metadata"] == about


@pytest.mark.slow  # the garbage collector looks for new kinds every 30 seconds
async def test_a_workflow_stays_until_its_children_are_gone(cluster: Any, start: Start) -> None:
    entry = {
        "name": "entry",
        "templateType": "NetworkChaos",
        "deadline": "60s",
        "networkChaos": {key: NETWORK_DELAY[key] for key in NETWORK_DELAY if key != "duration"},
    }
    run = await start(
        kubernetesKind="Workflow", kubernetesSpec={"entry": "entry", "templates": [entry]}
    )
    await run.start()
    workflow = cluster.one()["metadata"]
    owner = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "Workflow",
        "name": workflow["name"],
        "uid": workflow["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    child = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": "child",
            "namespace": "default",
            "finalizers": [FINALIZER],
            "ownerReferences": [owner],
        },
        "spec": NETWORK_DELAY,
    }
    cluster.install(child)

    def deleted(kind: str) -> Any:
        return [
            chaos["metadata"].get("deletionTimestamp")
            for chaos in cluster.all_chaos()
            if chaos["kind"] == kind
        ]

    async def child_is_asked_to_go() -> bool:
        return all(deleted("NetworkChaos"))

    await run.revert()
    await eventually(child_is_asked_to_go, bool, within=90)
    assert (await run.observe()).effect is Effect.LIFTING
    assert all(deleted("Workflow"))
    cluster.controllers.let_go(child)
    await eventually(run.revert, lambda outcome: outcome.kind == "done", within=90)
    assert cluster.all_chaos() == []


async def test_a_value_that_the_schema_refuses(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec={**NETWORK_DELAY, "mode": "some"})
    (denial,) = await run.review()
    await run.prepare()
    refused = await run.inject()
    assert refused.kind == "rejected"
    for reason in (denial.reason, refused.reason):
        assert "Kubernetes API returned status code 422. NetworkChaos.chaos-mesh.org" in reason
        assert 'spec.mode: Unsupported value: "some"' in reason
    assert cluster.all_chaos() == []


async def test_an_unknown_field(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec={**NETWORK_DELAY, "colour": "red"})
    happens = "refused" if await run.review() else "dropped"
    assert happens == UNKNOWN_FIELD.in_1_20
    await run.start()
    assert cluster.one()["spec"] == NETWORK_DELAY | DEFAULTS
