"""Chaos Mesh's cloud kinds without Chaos Mesh: the bridge itself breaks the cloud, and mends it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.acceptance.in_process import Sandbox, sandbox, until

__all__ = ["sandbox"]


ROOT = Path(__file__).parents[2]
MANY = {
    "action": "ec2-stop",
    "awsRegion": "us-east-1",
    "selector": {"tags": {"chaos": "ready"}},
    "mode": "fixed",
    "value": "2",
    "duration": "6s",
}


async def test_an_awschaos_by_tag_stops_two_instances_and_starts_them_again(
    sandbox: Sandbox,
) -> None:
    spec = json.dumps(MANY)
    action = {
        "actionId": "aws:eks:inject-kubernetes-custom-resource",
        "parameters": {
            "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
            "kubernetesKind": "AWSChaos",
            "kubernetesNamespace": "default",
            "kubernetesSpec": spec,
            "maxDuration": "PT1M",
        },
    }
    made = await sandbox.fis(
        "create_experiment_template",
        clientToken="once",
        description="two workers by tag",
        actions={"StopTwo": action},
        stopConditions=[{"source": "none"}],
        roleArn=sandbox.world.estate.role_arn,
    )
    template = made["experimentTemplate"]
    assert template["actions"]["StopTwo"] == action
    started = await sandbox.fis("start_experiment", experimentTemplateId=template["id"])
    experiment = started["experiment"]["id"]
    assert started["experiment"]["actions"]["StopTwo"]["parameters"]["kubernetesSpec"] == spec

    async def two_are_stopped() -> bool:
        return (await sandbox.instances()).count("stopped") == 2

    async def ended() -> bool:
        return await sandbox.status(experiment) in {"completed", "failed", "stopped"}

    await until(two_are_stopped)
    resolved = await sandbox.fis("list_experiment_resolved_targets", experimentId=experiment)
    taken = {one["targetInformation"]["arn"] for one in resolved["resolvedTargets"]}
    workers = sandbox.world.estate.instance_arns
    assert len(taken) == 2
    assert taken <= {arn for name, arn in workers.items() if not name.startswith("orders-db")}
    await until(ended)
    assert await sandbox.status(experiment) == "completed"
    assert set(await sandbox.instances()) == {"running"}
    assert await sandbox.world.left_behind() == []


async def test_a_volume_is_taken_from_the_instance_that_is_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    def described() -> dict[str, Any]:
        with closing(sandbox.world.client("ec2")) as ec2:
            volumes = list(sandbox.world.estate.volume_ids.values())[:1]
            return dict(ec2.describe_volumes(VolumeIds=volumes)["Volumes"][0])

    before = await asyncio.to_thread(described)
    (attached,) = before["Attachments"]
    spec = {
        "action": "detach-volume",
        "awsRegion": "us-east-1",
        "ec2Instance": attached["InstanceId"],
        "volumeID": before["VolumeId"],
        "deviceName": attached["Device"],
        "duration": "1s",
    }
    code, output = await _run(sandbox, tmp_path, spec)
    assert code == 0, output
    assert before["VolumeId"] in output
    after = await asyncio.to_thread(described)
    (again,) = after["Attachments"]
    kept = ("InstanceId", "Device", "DeleteOnTermination")
    assert {name: again[name] for name in kept} == {name: attached[name] for name in kept}
    assert again["AttachTime"] >= attached["AttachTime"]

    elsewhere = {**spec, "deviceName": "/dev/sdz"}
    code, output = await _run(sandbox, tmp_path, elsewhere)
    assert code == 1
    assert "empty set" in output
    assert await sandbox.world.left_behind() == []


async def test_the_examples_break_each_cloud_and_mend_it(sandbox: Sandbox, tmp_path: Path) -> None:
    examples = [
        await asyncio.to_thread(file.read_text)
        for file in sorted((ROOT / "examples/chaos-mesh").glob("*.yaml"))
    ]
    ended = await asyncio.gather(
        *(
            _run_file(sandbox, tmp_path / f"{number}.yaml", text.replace("1m", "1s"))
            for number, text in enumerate(examples)
        )
    )
    assert [code for code, _ in ended] == [0, 0, 0], ended
    assert await sandbox.world.left_behind() == []


async def test_an_annotation_leaves_it_to_chaos_mesh(sandbox: Sandbox, tmp_path: Path) -> None:
    single = {"action": "ec2-stop", "awsRegion": "us-east-1", "duration": "2s"}
    running = asyncio.create_task(
        _run(
            sandbox,
            tmp_path,
            {**single, "ec2Instance": "i-0a1b2c3d"},
            *("--cluster", sandbox.world.estate.cluster_arn),
            annotations={"faultbridge/carried-out-by": "cluster"},
        )
    )

    async def made() -> bool:
        return bool(sandbox.world.cluster.store.list("chaos-mesh.org", "awschaos"))

    await until(made)
    assert set(await sandbox.instances()) == {"running"}
    code, output = await running
    assert code == 0, output
    assert not await made()


async def _run(
    sandbox: Sandbox,
    directory: Path,
    spec: dict[str, Any],
    *options: str,
    annotations: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run an AWSChaos from a file, as a user of the bridge would."""
    resource = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "AWSChaos",
        "metadata": {"name": "from-a-file", "annotations": annotations or {}},
        "spec": spec,
    }
    return await _run_file(sandbox, directory / "resource.json", json.dumps(resource), *options)


async def _run_file(sandbox: Sandbox, file: Path, text: str, *options: str) -> tuple[int, str]:
    await asyncio.to_thread(file.write_text, text)
    role = sandbox.world.estate.role_arn
    command = ("run", str(file), "--role", role, "--wait", *options)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.cli", *command),
        cwd=ROOT,
        env={**os.environ, "FAULTBRIDGE_URL": sandbox.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()
