"""The whole cluster over TLS: an EKS token in, a network fault on a pod, and gone again."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bridge.sandbox.kubernetes.authentication import moto_secret
from bridge.sandbox.kubernetes.chaos_mesh_effects import EFFECTS_ANNOTATION
from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import MISBEHAVE_ANNOTATION
from bridge.sandbox.kubernetes.cluster import SandboxCluster

if TYPE_CHECKING:
    from .conftest import Minter

CHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/default/networkchaos"
FAULT: dict[str, Any] = {
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "NetworkChaos",
    "metadata": {"name": "fis-fault"},
    "spec": {
        "action": "delay",
        "delay": {"latency": "90ms"},
        "duration": "180s",
        "mode": "one",
        "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
    },
}


@pytest.fixture
async def cluster(sts: str) -> AsyncIterator[SandboxCluster]:
    async with SandboxCluster(name="shop", sts_endpoint=sts, secret_of=moto_secret) as cluster:
        yield cluster


def client(cluster: SandboxCluster, token: str) -> httpx.AsyncClient:
    context = ssl.create_default_context(cadata=cluster.emulator.ca_pem)
    return httpx.AsyncClient(
        base_url=cluster.emulator.url,
        verify=context,
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )


@pytest.fixture
async def experiment(
    cluster: SandboxCluster, sts_minter: Minter
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the token of the walk-through's role."""
    async with client(cluster, sts_minter.token(sts_minter.assume())) as http:
        yield http


@pytest.fixture
async def administrator(cluster: SandboxCluster) -> AsyncIterator[httpx.AsyncClient]:
    async with client(cluster, cluster.admin_token) as http:
        yield http


async def until(
    http: httpx.AsyncClient, path: str, reached: Callable[[httpx.Response], bool]
) -> httpx.Response:
    """Read a path until it is as wanted; fails after 10 s."""
    async with asyncio.timeout(10):
        while not reached(answer := await http.get(path)):  # noqa: ASYNC110 - another side's state
            await asyncio.sleep(0.02)
    return answer


def is_injected(answer: httpx.Response) -> bool:
    experiment = answer.json().get("status", {}).get("experiment", {})
    records = experiment.get("containerRecords", ())
    return bool(records) and all(record["phase"] == "Injected" for record in records)


async def effects(http: httpx.AsyncClient) -> list[dict[str, str]]:
    pods = (await http.get("/api/v1/namespaces/sock-shop/pods")).json()["items"]
    return [
        effect
        for pod in pods
        for effect in json.loads(
            pod["metadata"].get("annotations", {}).get(EFFECTS_ANNOTATION, "[]")
        )
    ]


async def test_the_walk_through(experiment: httpx.AsyncClient) -> None:
    assert await effects(experiment) == []
    created = await experiment.post(CHAOS, params={"fieldValidation": "Strict"}, json=FAULT)
    assert created.status_code == 201, created.text
    path = f"{CHAOS}/fis-fault"
    injected = (await until(experiment, path, is_injected)).json()
    assert injected["metadata"]["finalizers"] == ["chaos-mesh/records"]
    [effect] = await effects(experiment)
    assert (effect["name"], effect["action"]) == ("fis-fault", "delay")
    change = {"spec": {"duration": "5s"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    refused = await experiment.patch(path, content=json.dumps(change), headers=headers)
    assert refused.status_code == 403
    assert refused.json()["message"].endswith("denied the request: Cannot update chaos spec")
    status = await experiment.patch(f"{path}/status", content="{}", headers=headers)
    assert status.status_code == 404
    assert (await experiment.delete(path)).status_code == 200
    await until(experiment, path, lambda answer: answer.status_code == 404)
    assert await effects(experiment) == []


async def test_the_role_may_do_nothing_else(experiment: httpx.AsyncClient) -> None:
    refused = await experiment.get("/api/v1/namespaces/kube-system/configmaps/aws-auth")
    assert refused.status_code == 403
    assert 'User "chaosmesh-manager" cannot get resource "configmaps"' in refused.json()["message"]
    assert (await experiment.delete("/api/v1/namespaces/sock-shop/pods")).status_code == 403
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {
            "resourceAttributes": {
                "verb": "create",
                "group": "chaos-mesh.org",
                "resource": "podchaos",
                "namespace": "default",
            }
        },
    }
    answer = await experiment.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review
    )
    assert answer.json()["status"]["allowed"] is True


@pytest.mark.parametrize("who", ["nobody", "another cluster", "another role"])
async def test_strangers_get_401(cluster: SandboxCluster, sts_minter: Minter, who: str) -> None:
    token = {
        "nobody": "guess",
        "another cluster": sts_minter.token(sts_minter.assume(), cluster="other"),
        "another role": sts_minter.token(sts_minter.assume("stranger")),
    }[who]
    async with client(cluster, token) as http:
        answer = await http.get(CHAOS)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthorized"


async def test_misbehaviour_can_be_told_over_http(
    administrator: httpx.AsyncClient, experiment: httpx.AsyncClient
) -> None:
    await administrator.patch(
        "/api/v1/namespaces/default",
        content=json.dumps({"metadata": {"annotations": {MISBEHAVE_ANNOTATION: "never-inject"}}}),
        headers={"Content-Type": "application/merge-patch+json"},
    )
    await experiment.post(CHAOS, json=FAULT)

    def has_failed(answer: httpx.Response) -> bool:
        records = answer.json().get("status", {}).get("experiment", {}).get("containerRecords")
        return bool(records) and "Failed" in [each["type"] for each in records[0].get("events", ())]

    failed = (await until(experiment, f"{CHAOS}/fis-fault", has_failed)).json()
    assert failed["status"]["experiment"]["containerRecords"][0]["phase"] == "Not Injected"
    assert await effects(experiment) == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
async def test_kubectl(
    cluster: SandboxCluster, experiment: httpx.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").write_text(json.dumps(cluster.admin_kubeconfig()))

    async def kubectl(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *arguments,
            env={"KUBECONFIG": str(tmp_path / "kubeconfig"), "HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    await experiment.post(CHAOS, json=FAULT)
    await until(experiment, f"{CHAOS}/fis-fault", is_injected)
    table = (await kubectl("get", "networkchaos")).splitlines()
    assert table[0].split() == ["NAME", "ACTION", "DURATION"]
    assert table[1].split() == ["fis-fault", "delay", "180s"]
    described = await kubectl("describe", "networkchaos", "fis-fault")
    assert "Successfully apply chaos for sock-shop/carts-" in described
    rights = await kubectl(
        "auth", "can-i", "--list", "--as", "x", "--as-group", "chaosmesh:manager"
    )
    assert "*.chaos-mesh.org" in rights
    pods = await kubectl("get", "pods", "-n", "sock-shop")
    assert pods.count("Running") == 14
    await kubectl("delete", "networkchaos", "fis-fault", "--timeout=10s")
    assert "No resources found" in await kubectl("get", "networkchaos")
