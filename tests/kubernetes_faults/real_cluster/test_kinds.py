"""Kinds with a life of their own on a real API server; the test plays their controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from bridge.model.event import EventType
from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from providers.contract import Effect, Outcome
from providers.kubernetes import forced, lifecycle, stuck
from providers.kubernetes import watches as watching
from tests.kubernetes_faults.one_run import FAULT, NETWORK_DELAY, Run, eventually
from tests.kubernetes_faults.real_cluster.real import CHAOS, FINALIZER, MERGE
from tests.kubernetes_faults.test_watches import Bell, now

pytestmark = pytest.mark.real_cluster
Start = Callable[..., Any]
LITMUS: Final = "/apis/litmuschaos.io/v1alpha1/namespaces/default"
HOOKS: Final = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NO_DURATION: Final = {key: value for key, value in NETWORK_DELAY.items() if key != "duration"}


def patch(cluster: Any, path: str, change: dict[str, Any]) -> None:
    answer = cluster.api.patch(path, json=change, headers=MERGE)
    assert answer.status_code == 200, answer.text


def path_of(run: Run, plural: str, group: str = CHAOS) -> str:
    name = run.record.state["name"]
    return f"{group}/namespaces/default/{plural}/{name}"


@pytest.mark.slow  # the garbage collector looks for new kinds every 30 seconds
async def test_a_workflow_is_aborted_in_order_and_its_nodes_are_told(
    cluster: Any, start: Start
) -> None:
    entry = {"name": "e", "templateType": "NetworkChaos", "deadline": "60s"}
    templates = [{**entry, "networkChaos": NO_DURATION}]
    run = await start(
        kubernetesKind="Workflow", kubernetesSpec={"entry": "e", "templates": templates}
    )
    await run.start()
    path = path_of(run, "workflows")
    began = {"entryNode": "e-abcde", "startTime": "2026-01-02T03:04:05Z"}
    patch(cluster, f"{path}/status", {"status": began})
    name = run.record.state["name"]
    node = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "WorkflowNode",
        "metadata": {"name": "e-abcde", "labels": {"chaos-mesh.org/workflow": name}},
        "spec": {
            "templateName": "e",
            "workflowName": name,
            "type": "NetworkChaos",
            "startTime": "2026-01-02T03:04:05Z",
        },
    }
    nodes = f"{CHAOS}/namespaces/default/workflownodes"
    made = cluster.api.post(nodes, json=node)
    assert made.status_code == 201, made.text
    states = [{"type": "ChaosInjected", "status": "True", "reason": ""}]
    patch(cluster, f"{nodes}/e-abcde/status", {"status": {"conditions": states}})

    seen = await run.observe()
    assert seen.effect is Effect.PRESENT
    (told,) = [one.details for one in seen.news if one.kind is EventType.RESOURCE_STATE]
    assert told == {
        "part": "e-abcde", "template": "e", "type": "NetworkChaos", "phase": "chaos created",
    }  # fmt: skip

    assert (await run.revert()).kind == "pending"
    there = cluster.api.get(path).json()["metadata"]
    assert there["annotations"]["workflow.chaos-mesh.org/abort"] == "true"
    assert "deletionTimestamp" not in there
    assert "has ended its nodes" in (await run.revert()).reason
    assert cluster.api.get(path).json()["metadata"] == there
    states = [{"type": "Accomplished", "status": "True", "reason": ""}]
    patch(cluster, f"{path}/status", {"status": {"conditions": states}})
    await run.revert()
    await eventually(run.revert, lambda outcome: outcome.kind == "done", within=90)
    cluster.api.delete(f"{nodes}/e-abcde")


async def test_a_schedule_is_paused_and_then_deleted_with_its_runs(
    cluster: Any, start: Start
) -> None:
    spec = {"type": "NetworkChaos", "schedule": "@every 1h", "networkChaos": NETWORK_DELAY}
    run = await start(kubernetesKind="Schedule", kubernetesSpec=spec)
    await run.start()
    path = path_of(run, "schedules")
    patch(cluster, path, {"metadata": {"finalizers": ["a.test/hold"]}})
    child = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": "a-run",
            "namespace": "default",
            "finalizers": [FINALIZER],
            "labels": {"managed-by": run.record.state["name"]},
        },
        "spec": NETWORK_DELAY,
    }
    assert (await run.observe()).effect is Effect.APPLYING
    cluster.install(child)
    assert (await run.observe()).effect is Effect.PRESENT
    await run.revert()
    there = cluster.api.get(path).json()["metadata"]
    assert there["annotations"]["experiment.chaos-mesh.org/pause"] == "true"
    assert there["deletionTimestamp"]
    patch(cluster, path, {"metadata": {"finalizers": []}})
    await eventually(run.revert, lambda outcome: "1 of its runs" in outcome.reason, within=60)
    cluster.controllers.let_go(child)
    cluster.api.delete(f"{CHAOS}/namespaces/default/networkchaos/a-run")
    await eventually(run.revert, lambda outcome: outcome.kind == "done", within=60)


@pytest.fixture
def litmus(cluster: Any) -> Iterator[None]:
    """Litmus' kinds in the cluster."""
    cluster_wide = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for definition in definitions():
        if definition["spec"]["group"] == "litmuschaos.io":
            cluster.api.post(cluster_wide, json=definition)
    cluster.wait_until(lambda: cluster.api.get(f"{LITMUS}/chaosengines").status_code == 200)
    yield
    for one in cluster.api.get(f"{LITMUS}/chaosengines").json()["items"]:
        path = f"{LITMUS}/chaosengines/{one['metadata']['name']}"
        cluster.api.patch(path, json={"metadata": {"finalizers": []}}, headers=MERGE)
        cluster.api.delete(path)


@pytest.mark.usefixtures("litmus")
async def test_an_engine_is_stopped_and_its_result_is_the_verdict(
    cluster: Any, start: Start
) -> None:
    spec = {
        "engineState": "active",
        "chaosServiceAccount": "litmus",
        "experiments": [{"name": "hog"}],
    }
    run = await start(
        context="admin",
        kubernetesApiVersion="litmuschaos.io/v1alpha1",
        kubernetesKind="ChaosEngine",
        kubernetesSpec=spec,
    )
    await run.start()
    path = f"{LITMUS}/chaosengines/{run.record.state['name']}"
    experiments = [{"name": "hog", "status": "Running", "verdict": "Awaited"}]
    patch(cluster, path, {"status": {"engineStatus": "initialized", "experiments": experiments}})
    assert (await run.observe()).effect is Effect.PRESENT
    result = {
        "apiVersion": "litmuschaos.io/v1alpha1",
        "kind": "ChaosResult",
        "metadata": {"name": f"{run.record.state['name']}-hog"},
        "spec": {"engine": run.record.state["name"], "experiment": "hog"},
        "status": {
            "experimentStatus": {
                "phase": "Completed",
                "verdict": "Fail",
                "errorOutput": {"errorCode": "CHAOS_INJECT_ERROR", "reason": "no stress-ng"},
            }
        },
    }
    assert cluster.api.post(f"{LITMUS}/chaosresults", json=result).status_code == 201
    assert (await run.revert()).kind == "pending"
    there = cluster.api.get(path).json()
    assert there["spec"]["engineState"] == "stop"
    assert "deletionTimestamp" not in there["metadata"]
    patch(cluster, path, {"status": {"engineStatus": "completed"}})
    seen = await run.observe()
    assert seen.effect is Effect.FAILED
    assert "hog: Fail (error CHAOS_INJECT_ERROR, no stress-ng)" in seen.reason
    await run.revert()
    await eventually(run.revert, lambda outcome: outcome.kind == "done")
    cluster.api.delete(f"{LITMUS}/chaosresults/{run.record.state['name']}-hog")


async def test_its_events_are_found_by_field_selectors(cluster: Any, start: Start) -> None:
    run = await start(context="admin")
    await run.start()
    cluster.controllers.take_up(cluster.one())
    about = cluster.one()["metadata"]
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, other in ((about["name"], "Applied"), ("another", "Wrong")):
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "event-"},
            "involvedObject": {
                "apiVersion": "chaos-mesh.org/v1alpha1",
                "kind": "NetworkChaos",
                "namespace": "default",
                "name": name,
            },
            "reason": other,
            "message": "Successfully apply chaos",
            "type": "Normal",
            "lastTimestamp": moment,
        }
        made = cluster.api.post("/api/v1/namespaces/default/events", json=body)
        assert made.status_code == 201, made.text
    seen = await run.observe()
    events = [one.details for one in seen.news if one.kind is EventType.RESOURCE_EVENT]
    assert [one["reason"] for one in events] == ["Applied"]
    run.record.state = {**run.record.state, **(seen.notes or {})}
    assert [one for one in (await run.observe()).news if one.kind is EventType.RESOURCE_EVENT] == []


async def test_any_kind_is_judged_by_the_path_that_its_author_names(
    cluster: Any, start: Start
) -> None:
    labels = {"a": "b"}
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    }
    run = await start(
        context="admin",
        kubernetesApiVersion="apps/v1",
        kubernetesKind="Deployment",
        kubernetesSpec=spec,
        kubernetesStatus={"path": ".spec.replicas", "inEffect": ["0"], "ended": ["1"]},
    )
    await run.start()
    assert (await run.observe()).effect is Effect.PRESENT
    path = f"/apis/apps/v1/namespaces/default/deployments/{run.record.state['name']}"
    patch(cluster, path, {"spec": {"replicas": 1}})
    assert (await run.observe()).effect is Effect.ENDED
    await run.revert()
    await eventually(run.revert, lambda outcome: outcome.kind == "done")


# --- stuck and released -----------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nobody, and diagnose anew each time."""
    monkeypatch.setattr(lifecycle, "STUCK_AFTER", timedelta(seconds=-1))
    monkeypatch.setattr(stuck, "HOLDS_FOR", timedelta(seconds=-1))
    monkeypatch.setattr(forced, "CLEAN_WAIT", timedelta(seconds=-1))


@pytest.fixture
def hook(cluster: Any) -> Iterator[None]:
    """Remove the webhook that a test has installed."""
    yield
    cluster.api.delete(f"{HOOKS}/chaos-mesh-validation")

    def gone() -> bool:
        changed = {"metadata": {"annotations": {"touched": "yes"}}}
        return all(
            cluster.api.patch(
                f"{CHAOS}/namespaces/default/networkchaos/{one['metadata']['name']}",
                json=changed,
                headers=MERGE,
            ).status_code
            != 500
            for one in cluster.all_chaos()
        )

    cluster.wait_until(gone)


async def release(run: Run, *, webhooks: bool = False) -> Outcome:
    outcomes = await FAULT.release(run.session, [run.record], webhooks=webhooks)
    outcome = outcomes[run.record.id]
    if outcome.notes:
        run.record.state = {**run.record.state, **outcome.notes}
    return outcome


@pytest.mark.usefixtures("at_once")
async def test_a_release_takes_the_finalizers_off(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    cluster.controllers.take_up(cluster.one())
    cluster.controllers.inject(cluster.one())
    await run.revert()
    reason = (await run.revert()).reason
    assert "Cause: controller gone: there is no pod of chaos-controller-manager" in reason
    assert "webhook gone" not in reason
    first = await release(run)  # says what will be left
    assert (first.kind, "cleanFinalizer" in str(cluster.one())) == ("pending", False)
    assert (await release(run)).kind == "pending"
    clean = cluster.one()["metadata"]["annotations"]["chaos-mesh.chaos-mesh.org/cleanFinalizer"]
    assert clean == "forced"
    await eventually(lambda: release(run), lambda outcome: outcome.kind == "done")
    assert cluster.all_chaos() == []


@pytest.mark.usefixtures("at_once", "hook")
async def test_a_webhook_that_nobody_serves(cluster: Any, start: Start) -> None:
    run = await start(context="admin")
    await run.start()
    cluster.controllers.take_up(cluster.one())
    cluster.controllers.inject(cluster.one())
    await run.revert()
    service = {"name": "chaos-mesh-controller-manager", "namespace": "chaos-mesh", "path": "/v"}
    rule = {
        "apiGroups": ["chaos-mesh.org"],
        "apiVersions": ["v1alpha1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["*"],
    }
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "chaos-mesh-validation"},
        "webhooks": [
            {
                "name": "vchaos.kb.io",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": {"service": service},
                "rules": [rule],
            }
        ],
    }
    assert cluster.api.post(HOOKS, json=configuration).status_code == 201
    await eventually(run.revert, lambda outcome: "Cause: webhook gone" in outcome.reason, within=60)
    assert (await release(run)).kind == "pending"  # says what will be left
    refused = await release(run)
    assert refused.kind == "rejected"
    assert "--remove-webhooks" in refused.reason
    assert len(cluster.api.get(HOOKS).json()["items"]) == 1
    await eventually(
        lambda: release(run, webhooks=True), lambda outcome: outcome.kind == "done", within=60
    )
    assert cluster.api.get(HOOKS).json()["items"] == []
    assert cluster.all_chaos() == []


# --- watches ----------------------------------------------------------------------------------


async def test_a_watch_goes_on_and_begins_again_after_a_410(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(watching, "LASTING", 1)  # the server ends it after a second
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    cluster.controllers.take_up(cluster.one())
    await run.observe()
    (watch,) = provider.watches._watches.values()
    await eventually(lambda: now(lambda: watch.version), bool)
    versions: list[str] = []
    honest = type(watch.cluster).watch

    def noted(self: Any, *args: Any, **how: Any) -> Any:
        versions.append(how["since"])
        return honest(self, *args, **how)

    monkeypatch.setattr(type(watch.cluster), "watch", noted)
    await eventually(lambda: now(lambda: len(versions)), lambda count: count >= 2)
    assert all(versions), "it goes on where it was"
    watch.version = "1"  # long compacted, or out of the watch cache: 410 Gone
    await eventually(lambda: now(lambda: "" in versions), bool, within=30)
    bell.rung.clear()
    cluster.controllers.inject(cluster.one())
    await bell.heard()
