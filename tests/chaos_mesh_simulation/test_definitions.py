"""The CustomResourceDefinitions and the estate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_KINDS

if TYPE_CHECKING:
    from .conftest import World

BY_KIND = {each["spec"]["names"]["kind"]: each["spec"] for each in definitions()}


def columns(kind: str) -> list[str]:
    return [
        each["name"] for each in BY_KIND[kind]["versions"][0].get("additionalPrinterColumns", ())
    ]


def test_all_kinds_are_defined() -> None:
    groups = [spec["group"] for spec in BY_KIND.values()]
    assert groups.count("chaos-mesh.org") == 23
    assert groups.count("litmuschaos.io") == 3
    assert len(CHAOS_KINDS) == 14


def test_status_is_a_subresource_only_where_upstream_has_one() -> None:
    with_status = {kind for kind, spec in BY_KIND.items() if "subresources" in spec["versions"][0]}
    assert with_status == {
        "Workflow",
        "WorkflowNode",
        "StatusCheck",
        "RemoteCluster",
        "PodHttpChaos",
        "PodIOChaos",
        "PodNetworkChaos",
    }
    assert not with_status & set(CHAOS_KINDS)


def test_names_scope_and_columns() -> None:
    assert BY_KIND["NetworkChaos"]["names"]["plural"] == "networkchaos"
    assert BY_KIND["Schedule"]["names"]["plural"] == "schedules"
    assert [kind for kind, spec in BY_KIND.items() if spec["scope"] == "Cluster"] == [
        "RemoteCluster"
    ]
    assert columns("NetworkChaos") == ["action", "duration"]
    assert columns("StressChaos") == ["duration"]
    assert columns("PodChaos") == []


def test_the_sock_shop_runs(world: World) -> None:
    pods = world.store.list("", "pods", "sock-shop")
    assert len(pods) == 14
    nodes = {node["metadata"]["name"] for node in world.store.list("", "nodes")}
    for pod in pods:
        assert pod["status"]["phase"] == "Running"
        assert pod["spec"]["nodeName"] in nodes
    services = {each["metadata"]["name"] for each in world.store.list("", "services", "sock-shop")}
    assert services == {pod["metadata"]["labels"]["name"] for pod in pods}
    for deployment in world.store.list("apps", "deployments", "sock-shop"):
        assert deployment["status"]["readyReplicas"] == 1


def test_a_deployment_follows_its_spec(world: World) -> None:
    key = ("apps", "deployments", "sock-shop", "carts")
    for replicas in (3, 1):
        deployment = world.store.get(key)
        assert deployment is not None
        deployment["spec"]["replicas"] = replicas
        world.store.update(key, deployment)
        world.settle()
        assert len(world.pods("carts")) == replicas
    before = world.pods("carts")
    deployment = world.store.get(key)
    assert deployment is not None
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "carts:2"
    world.store.update(key, deployment)
    world.settle()
    [replica_set] = [
        each
        for each in world.store.list("apps", "replicasets", "sock-shop")
        if each["metadata"]["labels"]["name"] == "carts"
    ]
    new = [
        pod
        for pod in world.store.list("", "pods", "sock-shop")
        if pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
    ]
    assert [pod["spec"]["containers"][0]["image"] for pod in new] == ["carts:2"]
    assert new[0]["metadata"]["name"] not in before
