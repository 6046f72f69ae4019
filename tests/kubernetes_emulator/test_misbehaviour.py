"""What the cluster can be told to do wrong: the same as the clouds, seen by the real client."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPSConnection
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from kubernetes.aio.client import ApiException, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes.aio.client.api_client import ApiClient

from bridge.sandbox.calls import Call
from bridge.sandbox.kubernetes.chaos_mesh import ChaosMesh
from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from bridge.sandbox.kubernetes.control_loop import settle
from bridge.sandbox.kubernetes.estate import manifests
from bridge.sandbox.kubernetes.pods import Workloads
from bridge.sandbox.kubernetes.server import KubernetesEmulator, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAOS = ("chaos-mesh.org", "v1alpha1", "sock-shop", "networkchaos")
KEY = ("chaos-mesh.org", "networkchaos", "sock-shop", "slow")
CREATE: Any = {"service": "chaos-mesh.org", "operation": "create networkchaos"}
SLOW: dict[str, Any] = {
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "NetworkChaos",
    "metadata": {"name": "slow"},
    "spec": {
        "action": "delay",
        "delay": {"latency": "90ms"},
        "mode": "all",
        "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
    },
}
DROPPED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@pytest.fixture
async def emulator() -> AsyncIterator[KubernetesEmulator]:
    async with KubernetesEmulator() as made:
        made.install(*definitions(), *manifests("rbac"), *manifests("cluster"))
        made.install(*manifests("sock-shop"))
        yield made


@pytest.fixture
def chaos(emulator: KubernetesEmulator) -> ChaosMesh:
    random = Random(1)  # noqa: S311 - repeatable, no secret
    mesh = ChaosMesh(emulator.store, now=lambda: datetime.now(UTC), random=random)
    settle([Workloads(emulator.store, now=lambda: datetime.now(UTC), random=random), mesh])
    return mesh


@pytest.fixture
async def client(emulator: KubernetesEmulator) -> AsyncIterator[ApiClient]:
    configuration = Configuration(host=emulator.url)
    configuration.ca_cert_data = emulator.ca_pem
    configuration.api_key["BearerToken"] = "Bearer any"
    configuration.retries = None
    async with ApiClient(configuration) as made:
        yield made


@pytest.fixture
def custom(client: ApiClient) -> CustomObjectsApi:
    return CustomObjectsApi(client)


@pytest.fixture
async def pages(emulator: KubernetesEmulator) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=emulator.ca_pem))
    base = f"{emulator.url}/_faultbridge/"
    async with aiohttp.ClientSession(base, connector=connector) as session:
        yield session


async def test_a_failure_hits_so_many_calls_and_has_no_effect(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.fail(**CREATE, error="ServiceUnavailable", message="etcd is away", status=503, times=2)
    for _ in range(2):
        with pytest.raises(ApiException) as caught:
            await custom.create_namespaced_custom_object(*CHAOS, SLOW)
        assert caught.value.status == 503
        told = json.loads(str(caught.value.body))
        assert (told["reason"], told["message"]) == ("ServiceUnavailable", "etcd is away")
        assert emulator.store.get(KEY) is None
    await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    assert emulator.store.get(KEY) is not None


async def test_throttled_is_told_when_to_come_back(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.throttle(service="chaos-mesh.org")
    with pytest.raises(ApiException) as caught:
        await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    assert caught.value.headers is not None
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")
    assert caught.value.body == "Too many requests, please try again later.\n"
    assert emulator.store.get(KEY) is None


async def test_a_lost_reply_has_its_effect(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.lose_reply(**CREATE)
    with pytest.raises(DROPPED):
        await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    assert emulator.store.get(KEY) is not None
    assert [call.status for call in emulator.calls] == [0]


async def _watched(custom: Any) -> Any:
    return await custom.list_namespaced_custom_object(*CHAOS, watch=True, timeout_seconds=1)


async def test_the_lost_reply_of_a_watch_is_lost(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.lose_reply(operation="watch networkchaos", times=2)
    with pytest.raises(DROPPED):
        await _watched(custom)


async def test_a_hanging_call_holds_up_no_other_and_is_let_go_without_effect(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.hang(**CREATE)
    hanging = asyncio.ensure_future(custom.create_namespaced_custom_object(*CHAOS, SLOW))
    while emulator._misbehaviours.waiting():
        await custom.list_namespaced_custom_object(*CHAOS)
    assert not hanging.done()
    emulator.behave()
    with pytest.raises(DROPPED):
        await hanging
    assert emulator.store.get(KEY) is None


async def test_what_is_asked_for_after_behaving_is_not_taken_back(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.behave()
    emulator.throttle()
    with pytest.raises(ApiException):
        await custom.list_namespaced_custom_object(*CHAOS)


async def test_who_gives_up_does_not_leave_a_hanging_call_behind(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.hang(operation="list networkchaos")
    with pytest.raises(TimeoutError):
        await custom.list_namespaced_custom_object(*CHAOS, _request_timeout=0.05)
    async with asyncio.timeout(5):
        while [call.status for call in emulator.calls] != [0]:  # noqa: ASYNC110 - no event here
            await asyncio.sleep(0.005)


def _held(emulator: KubernetesEmulator) -> str:
    """Send what aiohttp and urllib do not repeat by themselves."""
    connection = HTTPSConnection(
        urlsplit(emulator.url).netloc,
        context=ssl.create_default_context(cadata=emulator.ca_pem),
        timeout=10,
    )
    with closing(connection):
        connection.request("POST", "/version")
        try:
            return str(connection.getresponse().status)
        except (ConnectionError, ssl.SSLError):
            return "dropped"


@pytest.mark.parametrize("way", ["behaving", "stopping"])
def test_other_threads_ask_for_hanging_and_are_let_go(way: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        with running(KubernetesEmulator()) as emulator:
            emulator.hang(operation="post /version", times=4)
            waiting = [pool.submit(_held, emulator) for _ in range(3)]
            while emulator._misbehaviours.waiting()[0]["times"] > 1:
                time.sleep(0.005)
            if way == "behaving":
                emulator.behave()
                assert [each.result() for each in waiting] == ["dropped"] * 3
        assert [each.result() for each in waiting] == ["dropped"] * 3
    assert [call.status for call in emulator.calls] == [0] * 3


async def test_a_delay_comes_before_the_handling(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.delay(seconds=0.1)
    began = time.monotonic()
    await custom.list_namespaced_custom_object(*CHAOS)
    assert time.monotonic() - began >= 0.1
    (call,) = emulator.calls
    assert call.total >= 0.1 > call.handling


async def test_a_creation_that_fails_late_is_accepted_and_never_injected(
    emulator: KubernetesEmulator, custom: CustomObjectsApi, chaos: ChaosMesh
) -> None:
    emulator.fail_late(**CREATE)
    await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    settle([chaos])
    made: Any = await custom.get_namespaced_custom_object(*CHAOS, "slow")
    (record,) = made["status"]["experiment"]["containerRecords"]
    assert (record["phase"], record["injectedCount"]) == ("Not Injected", 0)
    assert record["events"][-1]["type"] == "Failed"
    second: Any = SLOW | {"metadata": {"name": "second"}}
    await custom.create_namespaced_custom_object(*CHAOS, second)
    settle([chaos])
    fine: Any = await custom.get_namespaced_custom_object(*CHAOS, "second")
    assert fine["status"]["experiment"]["containerRecords"][0]["phase"] == "Injected"


async def test_a_deletion_that_fails_late_is_accepted_and_never_recovered(
    emulator: KubernetesEmulator, custom: CustomObjectsApi, chaos: ChaosMesh
) -> None:
    await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    settle([chaos])
    emulator.fail_late(operation="delete networkchaos")
    await custom.delete_namespaced_custom_object(*CHAOS, "slow")
    settle([chaos])
    made: Any = await custom.get_namespaced_custom_object(*CHAOS, "slow")
    assert "deletionTimestamp" in made["metadata"]
    assert made["status"]["experiment"]["containerRecords"][0]["phase"] == "Injected"


async def test_a_rehearsal_that_fails_late_begins_nothing(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.fail_late(**CREATE)
    await custom.create_namespaced_custom_object(*CHAOS, SLOW, dry_run="All")
    assert emulator.store.get(KEY) is None


async def test_what_the_path_names_vanishes_whatever_holds_it(
    emulator: KubernetesEmulator, custom: CustomObjectsApi, chaos: ChaosMesh
) -> None:
    await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    settle([chaos])
    made: Any = await custom.get_namespaced_custom_object(*CHAOS, "slow")
    assert made["metadata"]["finalizers"]
    emulator.vanish(operation="delete networkchaos")
    with pytest.raises(ApiException) as caught:
        await custom.delete_namespaced_custom_object(*CHAOS, "slow")
    assert caught.value.status == 404
    assert emulator.store.get(KEY) is None


async def test_a_path_that_names_nothing_lets_nothing_vanish(
    emulator: KubernetesEmulator, custom: CustomObjectsApi
) -> None:
    emulator.vanish(times=2)
    await custom.create_namespaced_custom_object(*CHAOS, SLOW)
    assert len((await _listed(custom))["items"]) == 1


async def _listed(custom: CustomObjectsApi) -> Any:
    return await custom.list_namespaced_custom_object(*CHAOS)


async def test_calls_are_logged_with_who_what_and_the_right_to_it(
    emulator: KubernetesEmulator, client: ApiClient
) -> None:
    before = time.time()
    await CustomObjectsApi(client).create_namespaced_custom_object(*CHAOS, SLOW)
    await CoreV1Api(client).list_namespaced_pod("sock-shop")
    created, listed = emulator.calls
    assert (created.service, created.operation) == ("chaos-mesh.org", "create networkchaos")
    assert (created.caller, created.status) == ("kubernetes-admin", 201)
    assert created.rights == ("chaos-mesh.org/networkchaos:create",)
    assert (listed.service, listed.operation) == ("core", "list pods")
    assert listed.rights == ("core/pods:list",)
    assert before <= created.at <= listed.at <= time.time()
    assert 0 < created.handling <= created.total < 5
    emulator.forget_calls()
    assert emulator.calls == []


async def test_what_everybody_may_do_needs_no_right(
    emulator: KubernetesEmulator, pages: aiohttp.ClientSession
) -> None:
    headers = {"authorization": "Bearer any"}
    review: dict[str, Any] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    await pages.post(f"{emulator.url}{path}", json=review, headers=headers)
    await pages.get(f"{emulator.url}/apis/chaos-mesh.org/v1alpha1", headers=headers)
    reviewed, discovered = emulator.calls
    assert reviewed.operation == "create selfsubjectaccessreviews"
    assert (discovered.service, discovered.operation) == ("", "get /apis/chaos-mesh.org/v1alpha1")
    assert (reviewed.rights, discovered.rights) == ((), ())


async def test_who_is_not_known_is_logged_as_nobody() -> None:
    async def nobody(_token: str) -> None:
        return None

    async with KubernetesEmulator(authenticate=nobody) as emulator:
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=emulator.ca_pem))
        async with aiohttp.ClientSession(emulator.url, connector=connector) as session:
            await session.get("/api/v1/pods", headers={"authorization": "Bearer x"})
        assert [(c.operation, c.caller, c.status) for c in emulator.calls] == [
            ("list pods", "", 401)
        ]


async def test_the_log_is_read_and_emptied_from_another_process(
    emulator: KubernetesEmulator, custom: CustomObjectsApi, pages: aiohttp.ClientSession
) -> None:
    await custom.list_namespaced_custom_object(*CHAOS)
    listed = await (await pages.get("calls")).json()
    assert [Call(**{**each, "rights": tuple(each["rights"])}) for each in listed] == emulator.calls
    assert (await pages.delete("calls")).status == 200
    assert emulator.calls == []


async def test_misbehaviour_is_asked_for_and_taken_back_from_another_process(
    custom: CustomObjectsApi, pages: aiohttp.ClientSession
) -> None:
    wish = {"kind": "fail", "service": "chaos-mesh.org", "error": "Boom", "status": 500, "times": 5}
    assert (await pages.post("faults", json=wish)).status == 201
    with pytest.raises(ApiException, match="Boom"):
        await custom.list_namespaced_custom_object(*CHAOS)
    assert (await (await pages.get("faults")).json())[0]["times"] == 4
    assert (await pages.delete("faults")).status == 200
    await custom.list_namespaced_custom_object(*CHAOS)
    assert (await pages.post("faults", json={"kind": "explode"})).status == 400
    assert (await pages.get("nothing")).status == 404
