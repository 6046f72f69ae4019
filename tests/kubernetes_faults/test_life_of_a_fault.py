"""A chaos resource from review to removal, against real HTTP, TLS, tokens and RBAC."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.kubernetes.objects import Object
from providers.contract import Effect
from providers.kubernetes.custom_resource import InjectCustomResource

Start = Callable[..., Any]
FAULT = InjectCustomResource()
POD_KILL = {
    "action": "pod-kill",
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}


def with_spec(run_spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (run_spec | changes).items() if value is not None}


DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}


async def test_the_walk_through_runs_unmodified(cluster: Any, start: Start) -> None:
    run = await start()
    assert await run.review() == []
    await run.start()
    assert (await run.until(Effect.PRESENT)).reason == ""
    made = cluster.one()
    pod = made["status"]["experiment"]["containerRecords"][0]["id"].split("/")[1]
    assert [effect.kind for effect in cluster.chaos.active("sock-shop", pod)] == ["NetworkChaos"]
    await run.until_gone()
    assert cluster.all_chaos() == []
    assert cluster.chaos.active("sock-shop", pod) == []
    assert (await run.observe()).effect is Effect.ABSENT


async def test_the_review_changes_nothing(cluster: Any, start: Start) -> None:
    assert await (await start()).review() == []
    assert cluster.all_chaos() == []


async def test_the_resource_carries_its_mark(cluster: Any, start: Start) -> None:
    run = await start(name="EXP7")
    await run.start()
    about = cluster.one()["metadata"]
    assert about["labels"] == {"faultbridge/installation": "here"}
    assert about["annotations"] | {"faultbridge/deadline": ""} == {
        "faultbridge/installation": "here",
        "faultbridge/experiment": "EXP7",
        "faultbridge/action": "latency",
        "faultbridge/identity": "arn:aws:iam::123456789012:role/my-fis-role",
        "faultbridge/version": "1",
        "faultbridge/deadline": "",
    }
    assert run.record.resource.endswith(
        f":cluster/sandbox/chaos-mesh.org/v1alpha1/default/networkchaos/{about['name']}"
    )


async def test_what_the_user_wrote_is_sent_unchanged(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec=json.dumps(with_spec(DELAY, duration="0h3m")))
    await run.start()
    assert cluster.one()["spec"]["duration"] == "0h3m"


async def test_without_a_duration_it_gets_a_dead_man_s_switch(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec=DELAY, maxDuration="PT10M")
    await run.start()
    assert cluster.one()["spec"]["duration"] == "11m"


async def test_a_repeated_injection_is_no_second_fault(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    first = cluster.one()["metadata"]["uid"]
    assert (await run.inject()).kind == "pending"
    assert cluster.one()["metadata"]["uid"] == first


@pytest.mark.parametrize("key", ["experiment", "installation", "action"])
async def test_a_resource_of_another_run_is_left_alone(
    cluster: Any, start: Start, key: str
) -> None:
    run = await start()
    await run.start()
    await run.until(Effect.PRESENT)

    def change(manifest: Object) -> None:
        manifest["metadata"]["annotations"][f"faultbridge/{key}"] = "other"

    cluster.edit(change)
    refused = await run.inject()
    assert refused.kind == "rejected"
    assert "does not carry the mark of this run" in refused.reason
    assert (await run.observe()).effect is Effect.UNKNOWN
    assert (await run.revert()).kind == "rejected"
    assert "deletionTimestamp" not in cluster.one()["metadata"]


async def test_it_ends_by_itself_when_its_duration_is_over(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec=with_spec(DELAY, duration="1s"))
    await run.start()
    assert (await run.until(Effect.ENDED, Effect.FAILED)).effect is Effect.ENDED
    assert len(cluster.all_chaos()) == 1  # Chaos Mesh leaves it; removing it is ours
    await run.until_gone()
    assert cluster.all_chaos() == []


async def test_a_pod_kill_has_ended_when_it_is_done(cluster: Any, start: Start) -> None:
    run = await start(kubernetesKind="PodChaos", kubernetesSpec=POD_KILL)
    await run.start()
    await run.until(Effect.ENDED)
    assert "duration" not in cluster.one()["spec"]
    await run.until_gone()
    assert cluster.all_chaos() == []


async def test_a_selector_that_matches_nothing_never_takes_effect(
    cluster: Any, start: Start
) -> None:
    nowhere = {"labelSelectors": {"name": "nobody"}, "namespaces": ["sock-shop"]}
    run = await start(kubernetesSpec=with_spec(DELAY, duration="4s", selector=nowhere))
    await run.start()
    assert "matches no target" in (await run.until(Effect.APPLYING)).reason
    failed = await run.until(Effect.FAILED)
    assert failed.reason.startswith("never injected: the selector matches no target")
    await run.until_gone()


async def test_undoing_what_was_never_done_is_done(cluster: Any, start: Start) -> None:
    run = await start()
    assert (await run.prepare()).kind == "done"
    assert (await run.revert()).kind == "done"
    assert (await run.observe()).effect is Effect.ABSENT


async def test_removed_by_somebody_else_it_is_absent(cluster: Any, start: Start) -> None:
    run, other = await start(), await start()
    await run.start()
    await run.until(Effect.PRESENT)
    await other.prepare()
    await other.until_gone()
    assert (await run.observe()).effect is Effect.ABSENT


async def test_it_is_not_removed_before_chaos_mesh_has_a_hold_on_it(
    cluster: Any, start: Start
) -> None:
    await cluster.stop_controllers()
    run = await start()
    await run.start()
    waiting = await run.revert()
    assert waiting.kind == "pending"
    assert "finalizer" in waiting.reason
    assert "deletionTimestamp" not in cluster.one()["metadata"]


async def test_with_dead_controllers_it_is_removed_after_a_while(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.kubernetes.removing.FINALIZER_WAIT", timedelta(minutes=-1))
    await cluster.stop_controllers()
    run = await start()
    await run.start()
    await run.revert()
    assert cluster.all_chaos() == []
    assert (await run.revert()).kind == "done"


async def test_a_stuck_removal_names_the_way_out(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    await run.until(Effect.PRESENT)
    cluster.chaos.misbehave(never_recover=True)
    await run.revert()
    seen = await run.until(Effect.LIFTING)
    while not seen.reason:
        seen = await run.until(Effect.LIFTING)
    assert "cannot be recovered from" in seen.reason
    assert "chaos-mesh.chaos-mesh.org/cleanFinalizer=forced" in seen.reason
    assert "does not undo the fault" in seen.reason
    assert (await run.revert()).reason.startswith("stuck")
    cluster.chaos.behave()
    await run.until_gone()


async def test_many_records_cost_one_request(cluster: Any, start: Start) -> None:
    runs = [await start(name=f"EXP{number}") for number in range(3)]
    for run in runs:
        await run.start()
    cluster.asked.clear()
    seen = await FAULT.observe(runs[0].session, [run.record for run in runs])
    assert {look.effect for look in seen.values()} <= {Effect.APPLYING, Effect.PRESENT}
    assert (cluster.requests("list"), cluster.requests("get")) == (1, 0)


async def test_without_the_right_to_list_each_is_read(cluster: Any, start: Start) -> None:
    cluster.revoke("list")
    runs = [await start(name=f"EXP{number}") for number in range(2)]
    for run in runs:
        await run.start()
        await run.until(Effect.PRESENT)
    seen = await FAULT.observe(runs[0].session, [run.record for run in runs])
    assert {look.effect for look in seen.values()} == {Effect.PRESENT}


async def test_an_unknown_field_is_refused_by_the_cluster(cluster: Any, start: Start) -> None:
    run = await start(kubernetesSpec=with_spec(DELAY, colour="red"))
    (denial,) = await run.review()
    assert "colour" in denial.reason
    await run.prepare()
    refused = await run.inject()
    assert refused.kind == "rejected"
    assert refused.reason.startswith(
        "Unable to inject custom resource: Kubernetes API returned status code 400. "
    )
    assert "colour" in refused.reason
    assert cluster.all_chaos() == []
