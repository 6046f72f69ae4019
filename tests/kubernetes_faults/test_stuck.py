"""A finalizer that does not go: why, told apart by what the cluster shows, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from providers.contract import Effect, Outcome
from providers.kubernetes import forced, lifecycle, stuck
from providers.kubernetes.api import Answer
from providers.kubernetes.resource import CustomResource, Notes
from tests.kubernetes_faults.one_run import FAULT, NETWORK_DELAY, Run, eventually
from tests.kubernetes_faults.test_verdicts import resource

if TYPE_CHECKING:
    from providers.kubernetes.cluster import Cluster

Start = Callable[..., Any]
DEPLOYMENT = ("apps", "deployments", "chaos-mesh", "chaos-controller-manager")
SERVICE = ("", "services", "chaos-mesh", "chaos-mesh-controller-manager")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CAUSES = ("controller gone", "webhook gone", "target gone", "daemon unreachable")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call every removal stuck, and diagnose it anew each time."""
    monkeypatch.setattr(lifecycle, "STUCK_AFTER", timedelta(seconds=-1))
    monkeypatch.setattr(stuck, "HOLDS_FOR", timedelta(seconds=-1))


def change(cluster: Any, key: tuple[str, str, str, str], edit: Callable[[Any], None]) -> None:
    found = cluster.store.get(key)
    edit(found)
    cluster.store.update(key, found)


def stop_controllers(cluster: Any) -> None:
    change(cluster, DEPLOYMENT, lambda it: it["spec"].update(replicas=0))


def key_of(run: Run) -> tuple[str, str, str, str]:
    return ("chaos-mesh.org", "networkchaos", "default", run.record.state["name"])


def grant(cluster: Any, **rule: list[str]) -> None:
    """Add a right to those of the walk-through."""
    role = ("rbac.authorization.k8s.io", "clusterroles", "", "chaosmesh-manager")
    change(cluster, role, lambda it: it["rules"].append(rule))


def suffering(cluster: Any) -> list[str]:
    pods = cluster.store.list("", "pods", "sock-shop")
    names = [pod["metadata"]["name"] for pod in pods]
    return [name for name in names if cluster.chaos.active("sock-shop", name)]


async def injected(start: Start) -> Run:
    run: Run = await start(kubernetesSpec={**NETWORK_DELAY, "mode": "all"})
    await run.start()
    await run.until(Effect.PRESENT)
    return run


async def why(run: Run, *causes: str) -> str:
    """Revert until it is said why it is stuck, and return that."""

    def wanted(outcome: Outcome) -> bool:
        return all(f"Cause: {cause}" in outcome.reason for cause in causes)

    reason: str = (await eventually(run.revert, wanted)).reason
    told = {cause for cause in CAUSES if f"Cause: {cause}" in reason}
    assert told == set(causes), reason
    assert reason.startswith("stuck: its removal has waited ")
    assert "faultbridge release EXP1 --action latency --reason WHY --yes" in reason
    return reason


async def test_controllers_that_are_gone(cluster: Any, start: Start) -> None:
    run = await injected(start)
    stop_controllers(cluster)
    reason = await why(run, "controller gone", "webhook gone")  # the same pods serve both
    assert "there is no pod of chaos-controller-manager" in reason
    assert "rollout restart deployment/chaos-controller-manager" in reason
    change(cluster, DEPLOYMENT, lambda it: it["spec"].update(replicas=1))
    await run.until_gone()
    assert suffering(cluster) == []


async def test_a_webhook_whose_service_is_gone(cluster: Any, start: Start) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    cluster.store.delete(SERVICE)
    reason = await why(run, "webhook gone")
    assert "no endpoints available for service" in reason
    assert "kubectl delete validatingwebhookconfiguration" in reason


async def test_a_webhook_that_may_not_be_asked_is_looked_up(cluster: Any, start: Start) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    cluster.store.delete(SERVICE)
    cluster.revoke("patch", "update")
    await eventually(
        run.revert, lambda outcome: "Not read: Chaos Mesh's webhooks" in outcome.reason
    )
    grant(
        cluster,
        apiGroups=["admissionregistration.k8s.io"],
        resources=["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
        verbs=["list"],
    )
    grant(cluster, apiGroups=[""], resources=["endpoints"], verbs=["get"])
    reason = await why(run, "webhook gone")
    assert "the service chaos-mesh/chaos-mesh-controller-manager of chaos-mesh-validation" in reason


async def test_a_target_that_is_gone(cluster: Any, start: Start) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(target_gone=True)
    (pod,) = suffering(cluster)
    cluster.store.delete(("", "pods", "sock-shop", pod))
    reason = await why(run, "target gone")
    assert f"the pod sock-shop/{pod} no longer exists. The fault went with the pod" in reason


async def test_a_daemon_that_cannot_be_reached(cluster: Any, start: Start) -> None:
    run = await injected(start)
    (pod,) = suffering(cluster)
    node = cluster.store.get(("", "pods", "sock-shop", pod))["spec"]["nodeName"]
    for daemon in cluster.store.list("", "pods", "chaos-mesh"):
        about = daemon["metadata"]
        if daemon["spec"].get("nodeName") == node and about["name"].startswith("chaos-daemon"):
            cluster.store.delete(("", "pods", "chaos-mesh", about["name"]))
    reason = await why(run, "daemon unreachable")
    assert f"no ready pod of chaos-daemon is on node {node} of sock-shop/{pod}" in reason
    assert f"--field-selector spec.nodeName={node}" in reason


async def test_what_may_not_be_read_is_said(cluster: Any, start: Start) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    role = ("rbac.authorization.k8s.io", "clusterroles", "", "chaosmesh-manager")
    change(cluster, role, lambda it: it["rules"].pop(0))
    reason = (await eventually(run.revert, lambda outcome: "Not read" in outcome.reason)).reason
    assert "the pods of its controllers" in reason
    assert "the pod sock-shop/carts" in reason
    assert "Cause" not in reason
    assert "cleanFinalizer=forced --overwrite" in reason


async def test_the_journal_is_told_once_of_each_cause(cluster: Any, start: Start) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    told: list[str] = []
    cluster.store.delete(SERVICE)
    for _ in range(30):
        outcome = await run.revert()
        told += [str(news.details["reason"]) for news in outcome.news]
        run.record.state = {**run.record.state, **(outcome.notes or {})}
        if "webhook gone" in outcome.reason:
            break
    for _ in range(3):
        outcome = await run.revert()
        assert outcome.news == ()
    assert [reason for reason in told if "Cause: webhook gone" in reason] == told[-1:]


async def test_a_diagnosis_holds_for_a_while(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "HOLDS_FOR", timedelta(minutes=1))
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    await eventually(run.revert, lambda outcome: outcome.reason.startswith("stuck"))
    before = cluster.requests("patch")
    for _ in range(5):
        await run.revert()
    assert cluster.requests("patch") == before


# --- release ----------------------------------------------------------------------------------


async def release(run: Run, *, webhooks: bool = False) -> Outcome:
    outcomes = await FAULT.release(run.session, [run.record], webhooks=webhooks)
    outcome: Outcome = outcomes[run.record.id]
    if outcome.notes:
        run.record.state = {**run.record.state, **outcome.notes}
    return outcome


async def released(run: Run, **how: bool) -> Outcome:
    outcome: Outcome = await eventually(
        lambda: release(run, **how), lambda found: found.kind in {"done", "rejected"}
    )
    return outcome


async def test_a_release_removes_the_resource_and_not_the_fault(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Chaos Mesh itself lets go of it: nobody has to take the finalizers off.
    monkeypatch.setattr(forced, "CLEAN_WAIT", timedelta(hours=1))
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    await run.revert()
    (pod,) = suffering(cluster)
    first = await release(run)
    assert first.kind == "pending"
    assert [news.kind for news in first.news] == ["resource-state"]
    outcome = await released(run)
    assert outcome.kind == "done"
    assert outcome.reason.startswith("removed by force, which does not undo the fault: it is still")
    assert f"on sock-shop/{pod}" in outcome.reason
    assert cluster.all_chaos() == []
    assert suffering(cluster) == [pod]
    assert (await release(run)).kind == "done"


async def test_what_is_left_is_stored_before_the_cluster_is_touched(
    cluster: Any, start: Start
) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(never_recover=True)
    assert (await release(run)).notes
    metadata = cluster.one()["metadata"]
    assert "faultbridge/released-at" not in metadata["annotations"]
    assert "deletionTimestamp" not in metadata
    assert "it is still on sock-shop/" in (await released(run)).reason


async def test_a_release_of_what_nobody_has_deleted_yet(cluster: Any, start: Start) -> None:
    run = await injected(start)
    cluster.chaos.misbehave(stuck_finalizer=True)
    assert (await released(run)).kind == "done"
    assert cluster.all_chaos() == []


async def test_without_controllers_the_finalizers_are_taken_off(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forced, "CLEAN_WAIT", timedelta(seconds=-1))
    run = await injected(start)
    stop_controllers(cluster)
    configurations = "admissionregistration.k8s.io", "validatingwebhookconfigurations"
    cluster.store.delete((*configurations, "", "chaos-mesh-validation"))
    await run.revert()
    assert (await released(run)).kind == "done"
    assert cluster.all_chaos() == []


async def test_dead_webhooks_are_deleted_on_further_word_only(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forced, "CLEAN_WAIT", timedelta(seconds=-1))
    run = await injected(start)
    stop_controllers(cluster)
    await why(run, "controller gone", "webhook gone")
    refused = await released(run)
    assert refused.kind == "rejected"
    assert "kubectl delete validatingwebhookconfiguration" in refused.reason
    assert "--remove-webhooks" in refused.reason
    assert "may not be removed" in (await released(run, webhooks=True)).reason
    configurations = ("admissionregistration.k8s.io", "validatingwebhookconfigurations")
    assert len(cluster.store.list(*configurations)) == 1
    grant(
        cluster,
        apiGroups=["admissionregistration.k8s.io"],
        resources=["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
        verbs=["list", "delete"],
    )
    first = await release(run, webhooks=True)
    assert "deleted: chaos-mesh-validation" in first.reason
    assert cluster.store.list(*configurations) == []
    assert (await released(run)).kind == "done"
    assert cluster.all_chaos() == []


async def test_webhooks_that_judge_others_as_well_are_not_deleted(
    cluster: Any, start: Start
) -> None:
    run = await injected(start)
    stop_controllers(cluster)
    await why(run, "controller gone", "webhook gone")
    group, kind = "admissionregistration.k8s.io", "validatingwebhookconfigurations"
    everything = {"apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    policies = {
        "apiVersion": f"{group}/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "a-policies"},
        "webhooks": [
            {
                "name": "policies.example.test",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": {"namespace": "default", "name": "policies"}},
                "sideEffects": "None",
                "rules": [
                    {**everything, "apiGroups": ["apps"]},
                    {**everything, "apiGroups": ["chaos-mesh.org"]},
                ],
            }
        ],
    }
    cluster.api.install(policies)
    grant(
        cluster,
        apiGroups=[group],
        resources=[kind, "mutatingwebhookconfigurations"],
        verbs=["list", "delete"],
    )
    await release(run, webhooks=True)  # says what will be left
    assert (await release(run, webhooks=True)).reason.endswith("; deleted: chaos-mesh-validation")
    (left,) = cluster.store.list(group, kind)
    assert left["metadata"]["name"] == "a-policies"


async def test_the_chaos_of_a_workflow_goes_before_what_leads_to_it(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forced, "CLEAN_WAIT", timedelta(seconds=-1))
    await cluster.stop_controllers()
    templates = [{"name": "e", "templateType": "Suspend"}]
    run = await start(
        kubernetesKind="Workflow", kubernetesSpec={"entry": "e", "templates": templates}
    )
    await run.start()
    workflow = cluster.one()
    for name in ("e-one", "e-two"):
        made_by(cluster, workflow, name)
    assert (await released(run)).kind == "done"
    assert cluster.all_chaos() == []


def made_by(cluster: Any, workflow: Any, name: str) -> None:
    """Put a node of a workflow into the cluster, and its chaos, which nobody recovers."""
    about = {"name": name, "namespace": "default"}
    node = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "WorkflowNode",
        "metadata": {
            **about,
            "labels": {"chaos-mesh.org/workflow": workflow["metadata"]["name"]},
            "ownerReferences": [owner(workflow)],
        },
    }
    cluster.api.install(node)
    key = ("chaos-mesh.org", "workflownodes", "default", name)
    chaos = {"apiGroup": "chaos-mesh.org", "kind": "NetworkChaos", "name": name}
    change(cluster, key, lambda it: it.update(status={"chaosResource": chaos}))
    cluster.api.install(
        {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": "NetworkChaos",
            "metadata": {
                **about,
                "finalizers": [lifecycle.RECORDS_FINALIZER],
                "ownerReferences": [owner(cluster.store.get(key))],
            },
            "spec": NETWORK_DELAY,
        }
    )


def owner(manifest: Any) -> dict[str, Any]:
    about = manifest["metadata"]
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "name": about["name"],
        "uid": about["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


class LongWorkflow:
    """A cluster with a workflow of many nodes, which takes every request and does nothing."""

    def __init__(self, workflow: CustomResource) -> None:
        self.workflow = workflow
        self.merged: list[str] = []

    async def get(self, path: str) -> Answer:
        about = {"name": path.rpartition("/")[2], "uid": path}
        found = {"kind": "NetworkChaos", "metadata": about}
        return Answer(self.workflow.manifest({}) if path == self.workflow.path else found, NOW)

    async def select(self, path: str, **_: str) -> Answer:
        made = [{"kind": "NetworkChaos", "name": f"e-{number}"} for number in range(100)]
        nodes = [
            {"metadata": {"name": one["name"]}, "status": {"chaosResource": one}} for one in made
        ]
        return Answer({"items": nodes}, NOW)

    async def merge(self, path: str, body: object) -> Answer:
        self.merged.append(path)
        return Answer({}, NOW)

    async def delete(self, path: str, uid: str, propagation: str) -> Answer:
        return Answer({}, NOW)


async def test_every_chaos_of_a_long_workflow_is_released() -> None:
    workflow = resource("Workflow")
    cluster = LongWorkflow(workflow)
    first = await forced.give_up(cast("Cluster", cluster), workflow, webhooks=False)
    assert cluster.merged == []  # first it is stored what will be left
    assert first.notes is not None
    workflow = workflow.model_copy(update={"notes": Notes.model_validate(first.notes["notes"])})
    await forced.give_up(cast("Cluster", cluster), workflow, webhooks=False)
    # What was said to be left is not said anew by who comes when the chaos is gone already.
    assert cluster.merged[0] == workflow.path
    assert len({path for path in cluster.merged if "/networkchaos/" in path}) == 100


async def test_a_release_says_what_it_could_not_look_for(cluster: Any, start: Start) -> None:
    spec = {"type": "NetworkChaos", "schedule": "@every 1h", "networkChaos": NETWORK_DELAY}
    run = await start(kubernetesKind="Schedule", kubernetesSpec=spec)
    await run.start()
    cluster.revoke("list")
    await release(run)
    reason = (await released(run)).reason
    assert "what it has made cannot be read (" in reason
    assert "so it may stay behind with its fault" in reason


async def test_what_is_another_s_is_not_released(cluster: Any, start: Start) -> None:
    run = await injected(start)
    change(
        cluster,
        key_of(run),
        lambda it: it["metadata"]["annotations"].update({"faultbridge/experiment": "another"}),
    )
    assert (await release(run)).kind == "rejected"
    assert "deletionTimestamp" not in cluster.one()["metadata"]


async def test_without_the_right_to_change_it_a_release_is_refused(
    cluster: Any, start: Start
) -> None:
    run = await injected(start)
    cluster.revoke("patch")
    outcome = await released(run)
    assert outcome.kind == "rejected"
    assert "Unable to release custom resource" in outcome.reason
