"""Every built-in action template, run to its end in the sandbox through the AWS SDK."""

from __future__ import annotations

from typing import Any

from bridge.catalog.action_templates import built_ins
from bridge.client import AsyncClient
from tests.acceptance.in_process import Sandbox, sandbox, until

__all__ = ["sandbox"]


NEEDED = {
    "dns-error": {"pattern": "payments.example.com"},
    "io-fault": {"volumePath": "/data"},
    "io-latency": {"volumePath": "/data"},
    "jvm-exception": {"class": "works.weave.socks.cart.Cart", "method": "add"},
    "network-partition": {"targetNamespace": "sock-shop", "targetLabels": "name=carts-db"},
}
"""What a template asks for beside namespace and labels."""
APART = {"pod-kill": "user", "pod-failure": "payment"}
"""Those that take pods away are kept from the pods of the others."""


def _action(name: str) -> dict[str, Any]:
    parameters = built_ins()[name].newest.template.parameters
    given = {
        "namespace": "sock-shop",
        "labels": f"name={APART.get(name, 'carts')}",
        **NEEDED.get(name, {}),
    }
    if "duration" in parameters:
        given["duration"] = "10s"
    assert {one for one, known in parameters.items() if known.required} <= given.keys()
    return {
        "actionId": built_ins()[name].newest.reference.alias,
        "parameters": {**given, "maxDuration": "PT2M"},
        "targets": {"Cluster": "shop"},
    }


async def test_each_runs_to_its_end(sandbox: Sandbox) -> None:
    kinds: set[str] = set()
    runs: dict[str, str] = {}
    for name in built_ins():
        action = _action(name)
        made = await sandbox.fis(
            "create_experiment_template",
            clientToken=name,
            description=name,
            targets={
                "shop": {
                    "resourceType": "aws:eks:cluster",
                    "resourceArns": [sandbox.world.estate.cluster_arn],
                    "selectionMode": "ALL",
                }
            },
            actions={"act": action},
            stopConditions=[{"source": "none"}],
            roleArn=sandbox.world.estate.role_arn,
        )
        assert made["experimentTemplate"]["actions"]["act"] == action
        template = made["experimentTemplate"]["id"]
        started = await sandbox.fis("start_experiment", experimentTemplateId=template)
        runs[name] = started["experiment"]["id"]
        assert started["experiment"]["actions"]["act"]["actionId"] == action["actionId"]

    store = sandbox.world.cluster.emulator.store

    async def all_have_ended() -> bool:
        kinds.update(
            found["kind"]
            for key in store.keys()  # noqa: SIM118 - no dict
            if key.group == "chaos-mesh.org" and (found := store.get(key)) is not None
        )
        states = [await sandbox.fis("get_experiment", id=run) for run in runs.values()]
        return all(
            one["experiment"]["state"]["status"] in ("completed", "failed", "stopped")
            for one in states
        )

    await until(all_have_ended, seconds=90)
    async with AsyncClient(sandbox.url) as client:
        for name, run in runs.items():
            detail = await client.experiment(run)
            assert detail.status == "completed", (name, detail.failure, detail.errors)
            assert detail.actions[0].action_template == f"{name}@1"
            events = (await client.events(run)).events
            named = [one.details.get("action_template") for one in events]
            assert named.count(f"{name}@1") == 2  # its start and its end
            assert [record.phase.value for record in detail.records] == ["reverted"]
    assert kinds == {one.newest.template.kind for one in built_ins().values()}
    left = [key for key in store.keys() if key.group == "chaos-mesh.org"]  # noqa: SIM118 - no dict
    assert left == []
