"""The official Python client against the emulator, over TLS."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import kubernetes
import pytest

from tests.kubernetes_emulator.definitions import GROUP, PROBES, probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.kubernetes_emulator.conftest import Cluster


@pytest.fixture(scope="session")
def cluster(emulated: Cluster) -> Cluster:
    return emulated


@pytest.fixture
def client(cluster: Cluster) -> Iterator[kubernetes.client.ApiClient]:
    with kubernetes.config.new_client_from_config(str(cluster.kubeconfig)) as client:
        yield client


@pytest.fixture
def custom(
    client: kubernetes.client.ApiClient, api: httpx.Client
) -> kubernetes.client.CustomObjectsApi:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert api.post(path, json=PROBES).status_code in (201, 409)
    return kubernetes.client.CustomObjectsApi(client)


def test_built_in_objects(client: kubernetes.client.ApiClient, namespace: str) -> None:
    core = kubernetes.client.CoreV1Api(client)
    body = kubernetes.client.V1ConfigMap(
        metadata=kubernetes.client.V1ObjectMeta(name="c", labels={"a": "b"}), data={"k": "v"}
    )
    made = core.create_namespaced_config_map(namespace, body)
    assert made.metadata is not None
    assert made.metadata.uid
    made.data = {"k": "w"}
    assert core.replace_namespaced_config_map("c", namespace, made).data == {"k": "w"}
    assert [item.data for item in core.list_namespaced_config_map(namespace).items] == [{"k": "w"}]
    core.delete_namespaced_config_map("c", namespace)
    with pytest.raises(kubernetes.client.ApiException) as refused:
        core.read_namespaced_config_map("c", namespace)
    assert refused.value.status == 404


def test_custom_objects(custom: kubernetes.client.CustomObjectsApi, namespace: str) -> None:
    place = (GROUP, "v1", namespace, "probes")
    made: Any = custom.create_namespaced_custom_object(*place, probe("a"))
    assert made["spec"]["d"] == "hey"
    with pytest.raises(kubernetes.client.ApiException) as refused:
        custom.create_namespaced_custom_object(*place, probe("a"))
    assert refused.value.status == 409
    custom.delete_namespaced_custom_object(*place, "a")
    listed: Any = custom.list_namespaced_custom_object(*place)
    assert listed["items"] == []


def test_watch_sees_what_comes_later(
    client: kubernetes.client.ApiClient, namespace: str, api: httpx.Client
) -> None:
    core = kubernetes.client.CoreV1Api(client)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}
    begun = threading.Event()

    def create() -> None:
        begun.wait(20)
        api.post(path, json=body)

    api.post(path, json={**body, "metadata": {"name": "first"}})
    creating = threading.Thread(target=create)
    creating.start()
    watch = kubernetes.watch.Watch()
    seen = []
    for event in watch.stream(core.list_namespaced_config_map, namespace, timeout_seconds=20):
        seen.append((event["type"], event["object"].metadata.name))
        begun.set()
        if len(seen) == 2:
            watch.stop()
    creating.join()
    assert seen == [("ADDED", "first"), ("ADDED", "late")]
