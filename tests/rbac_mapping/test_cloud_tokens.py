"""GKE and AKS: a run shows a token of its own identity, and RBAC decides about that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bridge.engine import Providers
from bridge.model.scope import Scope
from bridge.sandbox.azure import AzureEmulator
from bridge.sandbox.gcp import GcpEmulator
from bridge.sandbox.kubernetes.authentication import TokenAuthenticator
from bridge.sandbox.kubernetes.cluster import ADMINISTRATOR, SandboxCluster
from bridge.sandbox.kubernetes.identity import AUTHENTICATED_GROUP, Identity
from bridge.settings import Settings
from providers.contract import AccessDeniedError, Caller, ProviderError
from tests.rbac_mapping.conftest import CONTEXT
from tests.rbac_mapping.test_impersonation import REVIEW, WHO

ROLE: Final = "arn:aws:iam::123456789012:role/fis"
OTHER: Final = "arn:aws:iam::123456789012:role/other"
CLIENT: Final = "33333333-0000-4000-8000-000000000001"
PODS: Final = "/api/v1/namespaces/default/pods"
CLUSTER: Final = f"k8s:context/{CONTEXT}"


class KnowsClouds(TokenAuthenticator):
    """An API server that asks Google and Entra whose a token is, as GKE's and AKS' do."""

    def __init__(self, cluster: SandboxCluster, *askers: Callable[[str], str]) -> None:
        tokens = {cluster.admin_token: ADMINISTRATOR}
        super().__init__(cluster.store, static_tokens=tokens)
        self._askers = askers

    async def __call__(self, token: str) -> Identity | None:
        for ask in self._askers:
            if name := ask(token):
                return Identity(name, groups=(AUTHENTICATED_GROUP,))
        return await super().__call__(token)


@pytest.fixture(scope="module")
def gcp() -> Iterator[GcpEmulator]:
    with GcpEmulator() as started:
        yield started


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureEmulator]:
    with AzureEmulator() as started:
        started.create_identity(CLIENT, actions=[])
        yield started


Reach = Callable[..., Any]


@pytest.fixture
async def reach(
    cluster: SandboxCluster,
    kubeconfig: Path,
    gcp: GcpEmulator,
    azure: AzureEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Reach]:
    """Await it with a cloud and an identity: the cluster as a run of it sees it."""
    for name, value in (gcp.environment() | azure.environment()).items():
        monkeypatch.setenv(name, value)
    cluster._tokens = KnowsClouds(cluster, gcp.known_to_gke, azure.known_to_aks)
    opened: list[Providers] = []

    async def made(cloud: str, identity: str | None, name: str = "EXP1", **more: Any) -> Any:
        settings = Settings(
            installation="here",
            kubeconfig=kubeconfig,
            cluster_tokens=((f"k8s:context/{CONTEXT}", cloud),),
            gcp_identities=((ROLE, gcp.create_service_account("chaos")),),
            azure_identities=((ROLE, CLIENT),),
            **more,
        )
        opened.append(Providers(settings))
        scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
        session: Any = await opened[-1].session("kubernetes", Caller(scope, identity, name, "here"))
        return await session.cluster(CLUSTER)

    yield made
    for one in opened:
        await one.close()


async def whoami(cluster: Any) -> str:
    answer = await cluster.ask(WHO, REVIEW)
    return str(answer.body["status"]["userInfo"]["username"])


def allow(cluster: SandboxCluster, user: str) -> None:
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "get"]}]
    meta = {"name": "pods", "namespace": "default"}
    cluster.emulator.install(
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "pods"},
            "subjects": [{"kind": "User", "name": user, "apiGroup": rbac}],
        },
    )


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
async def test_a_run_is_the_identity_of_the_cloud_and_has_its_rights_only(
    reach: Reach, cluster: SandboxCluster, gcp: GcpEmulator, azure: AzureEmulator, cloud: str
) -> None:
    user = {"gcp": f"chaos@{gcp.project}.iam.gserviceaccount.com", "azure": azure.object_id(CLIENT)}
    reached = await reach(cloud, ROLE)
    assert await whoami(reached) == user[cloud]
    with pytest.raises(AccessDeniedError):
        await reached.get(PODS)
    allow(cluster, user[cloud])
    await reached.get(PODS)
    with pytest.raises(AccessDeniedError):
        await reached.get("/api/v1/namespaces/kube-system/pods")
    # The bridge itself stays the context's user; who is not mapped is refused.
    assert await whoami(await reach(cloud, None, "reader")) == ADMINISTRATOR.username
    with pytest.raises(AccessDeniedError, match=f"FAULTBRIDGE_{cloud.upper()}_IDENTITIES"):
        await reach(cloud, OTHER)
    with pytest.raises(AccessDeniedError, match="a run without an identity"):
        await reach(cloud, None)


async def test_a_token_that_is_refused_is_renewed_once(
    reach: Reach, gcp: GcpEmulator, cluster: SandboxCluster
) -> None:
    reached = await reach("gcp", ROLE)
    await whoami(reached)
    tokens = gcp._accounts._tokens
    for token in [key for key, one in tokens.items() if one.email != gcp.owner]:
        del tokens[token]  # as if Google had revoked them
    assert await whoami(reached) == f"chaos@{gcp.project}.iam.gserviceaccount.com"


async def test_a_token_of_azures_for_another_audience_is_nobodys(azure: AzureEmulator) -> None:
    assert azure.known_to_aks(azure.owner_token) == ""


def change_cluster(kubeconfig: Path, change: dict[str, Any]) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"].pop("certificate-authority-data", None)
    config["clusters"][0]["cluster"] |= change
    kubeconfig.write_text(yaml.safe_dump(config))


async def test_no_token_leaves_for_a_server_that_has_not_proved_who_it_is(
    reach: Reach, kubeconfig: Path
) -> None:
    for change in ({"insecure-skip-tls-verify": True}, {"server": "http://x"}):
        change_cluster(kubeconfig, change)
        with pytest.raises(ProviderError, match="is not sent there"):
            await reach("gcp", ROLE)


def test_settings_know_two_clouds_only() -> None:
    with pytest.raises(ValueError, match="write gcp for GKE, azure for AKS"):
        Settings(cluster_tokens="k8s:context/a=aws")  # type: ignore[arg-type] # as the variable has it
