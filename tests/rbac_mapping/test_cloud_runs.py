"""A whole run in a cluster of GKE: refused, granted what is printed, carried out and undone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.catalog.grants import documents
from bridge.cli.grants import worked_out
from bridge.client import AsyncClient, StartRequest
from bridge.client.documents import ExperimentDetail
from bridge.sandbox.gcp import GcpEmulator
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from bridge.settings import Settings
from tests.rbac_mapping.conftest import CONTEXT
from tests.rbac_mapping.test_cloud_tokens import CLUSTER, ROLE, KnowsClouds, gcp

__all__ = ["gcp"]

SPEC: Final = {
    "action": "delay",
    "mode": "all",
    "selector": {"namespaces": ["sock-shop"], "labelSelectors": {"name": "carts"}},
    "delay": {"latency": "90ms"},
    "duration": "1s",
}
DOCUMENT: Final[dict[str, Any]] = {
    "description": "slow carts",
    "targets": {
        "Shop": {
            "resourceType": "aws:eks:cluster",
            "resourceArns": [CLUSTER],
            "selectionMode": "ALL",
        }
    },
    "actions": {
        "SlowCarts": {
            "actionId": "aws:eks:inject-kubernetes-custom-resource",
            "parameters": {
                "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
                "kubernetesKind": "NetworkChaos",
                "kubernetesNamespace": "default",
                "kubernetesSpec": SPEC,
                "maxDuration": "PT1M",
            },
            "targets": {"Cluster": "Shop"},
        }
    },
    "stopConditions": [{"source": "none"}],
    "roleArn": ROLE,
}


async def test_the_service_account_is_refused_then_bound_and_breaks_and_mends(
    cluster: SandboxCluster,
    kubeconfig: Path,
    gcp: GcpEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = gcp.create_service_account("chaos")
    variables = {
        **gcp.environment(),
        "FAULTBRIDGE_DATA": str(tmp_path / "data"),
        "FAULTBRIDGE_CLUSTER_CONTEXTS": CONTEXT,
        "FAULTBRIDGE_CLUSTER_TOKENS": f"{CLUSTER}=gcp",
        "FAULTBRIDGE_GCP_IDENTITIES": f"{ROLE}={account}",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cluster._tokens = KnowsClouds(cluster, gcp.known_to_gke)
    quick = Settings().model_copy(update={"poll_shortest": timedelta(seconds=0.05)})
    async with Process(quick, schedules=False) as process:
        transport = httpx.ASGITransport(app=create_app(process.bridge))
        async with AsyncClient("http://127.0.0.1", transport=transport) as client:

            async def run() -> ExperimentDetail:
                started = await client.start(StartRequest(template=DOCUMENT))
                await process.settled(started.id)
                return await client.experiment(started.id)

            refused = await run()
            assert refused.status.value == "failed"
            said = " ".join(f"{one.reason} {one.mend}" for one in refused.errors)
            assert f"(in the cluster: user {account})" in said
            assert f"name: {account}" in said

            needs, about = worked_out(DOCUMENT, "slow-carts")
            assert {one.place.cloud for one in needs} == {"gcp", "kubernetes"}
            (roles,) = [one for one in documents(needs, about) if one.kind == "manifest"]
            cluster.emulator.install(*roles.body)
            done = await run()
            assert done.status.value == "completed", done.errors
            events = (await client.events(done.id)).events
            assert any(event.type == "record-phase" for event in events)
    assert cluster.store.list("chaos-mesh.org", "networkchaos") == []
