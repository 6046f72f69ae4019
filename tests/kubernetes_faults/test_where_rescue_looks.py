"""Which clusters rescue looks into, as whom, and what it says of the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.contract import Caller, MarkSearch
from providers.kubernetes.eks import ClusterArn, EksClusters
from providers.kubernetes.provider import KubernetesProvider

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
NOBODY = "arn:aws:iam::123456789012:role/nobody"
DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}
Look = Callable[..., Any]


@pytest.fixture
async def look(cluster: Any, start: Any, caller: Any) -> AsyncIterator[Look]:
    """Search with other settings, for one mark that stands in the cluster."""
    run = await start(kubernetesSpec={**DELAY, "duration": "90s"})
    await run.start()
    opened: list[KubernetesProvider] = []

    async def looked(region: str | None = None, **known: Any) -> MarkSearch:
        settings = {"rescue_identities": (ROLE,), **known}
        opened.append(KubernetesProvider(Settings(installation="here", **settings)))
        asking: Caller = caller("rescue", None)
        if region is not None:
            asking = replace(asking, scope=asking.scope.model_copy(update={"region": region}))
        return await opened[-1].find_marks(asking)

    yield looked
    for one in opened:
        await one.close()


@pytest.fixture
def kubeconfig(cluster: Any, tmp_path: Path) -> Path:
    """Two contexts: one whose cluster answers, and one that nobody has any more."""
    known = cluster.api.kubeconfig("admin")
    known["contexts"] = [{**known["contexts"][0], "name": name} for name in ("works", "stale")]
    known["contexts"][1]["context"] = {**known["contexts"][1]["context"], "user": "left"}
    known["current-context"] = "works"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(known))
    return path


async def test_a_named_cluster_is_looked_into_without_the_right_to_list(
    look: Look, aws: Any
) -> None:
    for named in ((), ("sandbox",), ("arn:aws:eks:us-east-1:123456789012:cluster/sandbox",)):
        aws.fail(operation="ListClusters", error="AccessDeniedException", status=403, message="No.")
        search = await look(rescue_clusters=named)
        assert len(search.found) == len(named)
        listing = "EKS clusters of aws/123456789012/us-east-1: "
        assert sum(said.startswith(listing) for said in search.unsearched) == 1


async def test_a_cluster_is_named_once_however_often_it_is_found(look: Look) -> None:
    search = await look(rescue_clusters=("sandbox", "sandbox"))
    assert len(search.found) == 1


async def test_a_cluster_that_does_not_exist_is_said(look: Look) -> None:
    search = await look(rescue_clusters=("other", "sandbox"))
    assert len(search.found) == 1
    assert any("cluster/other" in said for said in search.unsearched)


async def test_contexts_are_all_of_a_kubeconfig_or_those_that_are_named(
    look: Look, kubeconfig: Path
) -> None:
    search = await look(kubeconfig=kubeconfig)
    assert {one.record.state["cluster"] for one in search.found} > {"k8s:context/works"}
    assert len({one.record.id for one in search.found}) == len(search.found) == 2
    assert any(said.startswith("k8s:context/stale") for said in search.unsearched)
    named = await look(kubeconfig=kubeconfig, rescue_contexts=("works",))
    assert len(named.found) == 2
    assert not any("stale" in said for said in named.unsearched)


async def test_clusters_and_contexts_by_name_belong_to_the_bridges_own_region(
    look: Look, kubeconfig: Path
) -> None:
    search = await look(region="eu-west-1", kubeconfig=kubeconfig, rescue_clusters=("sandbox",))
    assert (list(search.found), list(search.unsearched)) == ([], [])


async def test_what_one_identity_may_not_see_is_no_matter_where_another_may(look: Look) -> None:
    alone = await look(rescue_identities=(NOBODY,))
    assert not alone.found
    assert any(NOBODY in said for said in alone.unsearched)
    together = await look(rescue_identities=(NOBODY, ROLE))
    assert len(together.found) == 1
    assert not any(NOBODY in said for said in together.unsearched)


async def test_another_accounts_clusters_are_read_as_the_role_there() -> None:
    asked: list[Caller] = []

    class Session:
        async def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"clusters": ["one"], "cluster": {"endpoint": "https://x", **CA}}

    class Aws:
        async def session(self, caller: Caller, _guard: object) -> Session:
            asked.append(caller)
            return Session()

    role = "arn:aws:iam::222222222222:role/faultbridge-rescue"
    eks = EksClusters(Aws(), "here", {"222222222222": role})  # type: ignore[arg-type] # it opens sessions, no more
    (arn,) = await eks.clusters("222222222222", "eu-west-1")
    cluster = ClusterArn.parse(arn)
    assert cluster is not None
    await eks.address(cluster)
    await eks.clusters("111111111111", "eu-west-1")
    there = Scope(cloud="aws", account="222222222222", region="eu-west-1")
    assert [(one.scope, one.identity) for one in asked[:2]] == [(there, role)] * 2
    assert asked[2].identity is None


CA = {"certificateAuthority": {"data": "eA=="}}
