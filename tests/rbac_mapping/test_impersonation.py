"""Runs act in a kubeconfig's cluster as whom the mapping file says, and as nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bridge.engine import Providers
from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.contract import AccessDeniedError, Caller, ProviderError
from providers.kubernetes.access import review
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.impersonation import ClusterIdentity, impersonator
from providers.kubernetes.provider import KubernetesProvider
from providers.kubernetes.resource import CustomResource
from tests.rbac_mapping.conftest import CONTEXT

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLE = "arn:aws:iam::123456789012:role/fis"
OTHER = "arn:aws:iam::123456789012:role/other"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
MAPPING = {
    "identities": [
        {"principal": ROLE, "user": "fis-experiment", "groups": ["fis", "watchers"]},
        {"principal": "self", "user": "nobody-in-particular", "cluster": "k8s:context/other"},
    ]
}
Reach = Callable[..., Any]


@pytest.fixture
def settings(kubeconfig: Path, tmp_path: Path) -> Settings:
    path = tmp_path / "identities.yaml"
    path.write_text(yaml.safe_dump(MAPPING))
    return Settings(installation="here", kubeconfig=kubeconfig, cluster_identities=path)


@pytest.fixture
async def reach(settings: Settings) -> AsyncIterator[Reach]:
    """Await it with an identity: the cluster as a run of it sees it."""
    providers = Providers(settings)

    async def made(identity: str | None, name: str = "EXP1") -> Cluster:
        scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
        caller = Caller(scope, identity, name, "here")
        session: Any = await providers.session("kubernetes", caller)
        cluster: Cluster = await session.cluster(f"k8s:context/{CONTEXT}")
        return cluster

    yield made
    await providers.close()


async def _who(cluster: Cluster) -> dict[str, Any]:
    answer = await cluster.ask(WHO, REVIEW)
    found: dict[str, Any] = answer.body["status"]["userInfo"]
    return found


async def test_a_run_is_the_user_that_it_is_mapped_to(reach: Reach) -> None:
    cluster = await reach(f"{ROLE.replace('role/', 'role/path/')}")
    found = await _who(cluster)
    assert found["username"] == "fis-experiment"
    assert {"fis", "watchers"} <= set(found["groups"])
    assert "system:masters" not in found["groups"]  # which the context's own user has


async def test_who_is_not_mapped_is_refused_by_name(reach: Reach) -> None:
    with pytest.raises(AccessDeniedError, match=f"{OTHER} is mapped to no user of cluster"):
        await reach(OTHER)
    with pytest.raises(AccessDeniedError, match="a run without an identity"):
        await reach(None)


@pytest.mark.parametrize("name", ["reader", "rescue"])
async def test_the_bridge_itself_is_the_contexts_user(reach: Reach, name: str) -> None:
    assert (await _who(await reach(None, name)))["username"] == "kubernetes-admin"
    with pytest.raises(AccessDeniedError, match="is mapped to no user"):
        await reach(OTHER, name)  # a mark's identity is no way round the file


async def test_a_file_that_nobody_read_never_means_the_contexts_user(settings: Settings) -> None:
    provider = KubernetesProvider(settings)
    scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
    session = await provider.session(Caller(scope, ROLE, "EXP1", "here"), None)
    with pytest.raises(ProviderError, match="was not read"):
        await session.cluster(f"k8s:context/{CONTEXT}")
    await provider.close()


async def test_a_broken_file_is_refused_by_its_path(settings: Settings, reach: Reach) -> None:
    path = settings.cluster_identities
    assert path is not None
    path.write_text("identities: [{principal: a, user: 'system:masters'}]")
    with pytest.raises(ProviderError, match=r"identities\[0\].*is refused"):
        await reach(ROLE)


async def test_only_who_is_named_may_be_become(
    admin: httpx.AsyncClient, as_somebody: str, reach: Reach
) -> None:
    cluster = await reach(ROLE)
    resource = CustomResource(
        cluster=cluster.id,
        group="chaos-mesh.org",
        version="v1alpha1",
        kind="NetworkChaos",
        namespace="default",
        name="x",
        plural="networkchaos",
        installation="here",
        experiment="e",
        action="a",
    )
    (denial,) = await review(cluster, resource, {})
    assert "may not act as user fis-experiment, groups fis, watchers" in denial.reason
    assert "resourceNames:\n  - fis-experiment" in denial.mend

    api = "rbac.authorization.k8s.io"
    subject = {"kind": "User", "name": as_somebody, "apiGroup": api}
    known = ClusterIdentity("fis-experiment", ("fis", "watchers"))
    role, binding = impersonator("fb", [known], [subject])
    assert (await admin.post(f"{RBAC}/clusterroles", json=role)).is_success
    assert (await admin.post(f"{RBAC}/clusterrolebindings", json=binding)).is_success
    assert (await _who(cluster))["username"] == "fis-experiment"
    assert len(await review(cluster, resource, {})) == 3  # known now, and without rights

    for user, groups in (("admin", ()), ("fis-experiment", ("admins",))):
        other = ClusterIdentity(user, groups)
        stranger = Cluster(
            cluster.id, cluster.server, cluster.authorize, None, "", impersonated=other
        )
        with pytest.raises(AccessDeniedError, match="cannot impersonate"):
            await _who(stranger)
