"""What the emulator can be told to do wrong, in Azure's own shapes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceResponseError

from bridge.sandbox.azure import AzureEmulator, Estate
from tests.azure_emulator.answers import headers, refusal

GROUP = "sandbox"


def test_a_failure_has_no_effect(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    emulator.fail(
        service="Microsoft.Compute",
        operation="VirtualMachines_PowerOff",
        error="ScopeLocked",
        message="There is a lock.",
        status=409,
    )
    with pytest.raises(HttpResponseError) as caught:
        compute.virtual_machines.begin_power_off(GROUP, "a")
    assert (caught.value.status_code, refusal(caught).code) == (409, "ScopeLocked")
    assert emulator.power("a") == "running"
    compute.virtual_machines.begin_power_off(GROUP, "a").result()


def test_throttling_is_written_as_compute_and_as_arm_do(
    emulator: AzureEmulator, compute: Any, resource: Any
) -> None:
    emulator.add_vm("a")
    emulator.throttle(times=2)
    with pytest.raises(HttpResponseError) as caught:
        compute.virtual_machines.get(GROUP, "a")
    assert (caught.value.status_code, refusal(caught).code) == (429, "OperationNotAllowed")
    assert refusal(caught).details[0].code == "TooManyRequests"
    assert int(headers(caught)["Retry-After"]) >= 1
    with pytest.raises(HttpResponseError, match="SubscriptionRequestsThrottled"):
        list(resource.resources.list())


def test_a_lost_reply_has_its_effect(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    emulator.lose_reply(operation="VirtualMachines_PowerOff")
    with pytest.raises(ServiceResponseError):
        compute.virtual_machines.begin_power_off(GROUP, "a")
    assert emulator.power("a") == "stopping"


def test_a_hanging_call_is_let_go_without_effect(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    emulator.hang(operation="VirtualMachines_PowerOff")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(compute.virtual_machines.begin_power_off, GROUP, "a")
        while emulator._running.misbehaviours.waiting():
            time.sleep(0.005)
        assert not hanging.done()
        emulator.behave()
        with pytest.raises(ServiceResponseError):
            hanging.result(timeout=5)
    assert emulator.power("a") == "running"


def test_a_delay_comes_first(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    emulator.delay(seconds=0.1)
    compute.virtual_machines.get(GROUP, "a")
    assert emulator.calls[-1].total >= 0.1 > emulator.calls[-1].handling


@pytest.mark.parametrize(
    "operation", ["Get", "InstanceView", "PowerOff", "Start", "Restart", "Deallocate", "Redeploy"]
)
def test_what_a_call_names_vanishes(emulator: AzureEmulator, compute: Any, operation: str) -> None:
    emulator.add_vm("a")
    emulator.add_vm("b")
    emulator.vanish(operation=f"VirtualMachines_{operation}")
    calls = {
        "Get": "get",
        "InstanceView": "instance_view",
        "PowerOff": "begin_power_off",
    }
    method = calls.get(operation, f"begin_{operation.lower()}")
    with pytest.raises(ResourceNotFoundError):
        getattr(compute.virtual_machines, method)(GROUP, "a")
    assert [vm.name for vm in compute.virtual_machines.list(GROUP)] == ["b"]


def test_a_disk_a_group_and_a_tagged_resource_vanish(
    emulator: AzureEmulator, estate: Estate, compute: Any, network: Any, resource: Any
) -> None:
    emulator.vanish(operation="VirtualMachines_AttachDetachDataDisks")
    disk = {"diskId": estate.disk_ids["carts-data-1"]}
    with pytest.raises(ResourceNotFoundError):
        compute.virtual_machines.begin_attach_detach_data_disks(
            GROUP, "carts-worker-1", {"dataDisksToDetach": [disk]}
        )
    assert emulator.vm("carts-worker-1")["properties"]["storageProfile"]["dataDisks"] == []
    emulator.vanish(operation="NetworkSecurityGroups_Delete")
    network.network_security_groups.begin_delete(GROUP, "carts-nsg").result()
    emulator.vanish(operation="Tags_UpdateAtScope")
    body = {"operation": "Merge", "properties": {"tags": {"a": "b"}}}
    with pytest.raises(ResourceNotFoundError):
        resource.tags.begin_update_at_scope(estate.vm_ids["orders-db-1"], body)
    left = [each for each in estate.left_behind(emulator) if "interface" not in each]
    assert left == []


def test_the_same_words_work_over_http(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    wish = {"kind": "fail", "operation": "VirtualMachines_Get", "error": "Odd", "status": 400}
    assert httpx.post(f"{emulator.url}/_faultbridge/faults", json=wish).status_code == 201
    with pytest.raises(HttpResponseError, match="Odd"):
        compute.virtual_machines.get(GROUP, "a")
    calls = httpx.get(f"{emulator.url}/_faultbridge/calls").json()
    assert calls[-1]["rights"] == ["Microsoft.Compute/virtualMachines/read"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (
            "/subscriptions/other/providers/Microsoft.Compute/disks?api-version=1",
            404,
            "Subscription",
        ),
        ("/subscriptions/{s}/providers/Microsoft.Compute/disks", 400, "MissingApiVersion"),
        ("/subscriptions/{s}/providers/Microsoft.Web/sites?api-version=1", 501, "NotImplemented"),
        ("/subscriptions/{s}/resources?api-version=1&$top=x", 400, "InvalidQueryParameter"),
        ("/SUBSCRIPTIONS/{s}/PROVIDERS/MICROSOFT.COMPUTE/DISKS?API-VERSION=1", 200, ""),
    ],
)
def test_arms_own_rules_of_a_path(
    emulator: AzureEmulator, path: str, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {emulator.owner_token}"}
    url = emulator.url + path.replace("{s}", emulator.subscription)
    answer = httpx.get(url, headers=headers)
    assert answer.status_code == status
    if code:
        assert answer.json()["error"]["code"].startswith(code)


def test_a_body_that_is_no_json_is_refused(emulator: AzureEmulator) -> None:
    vm = emulator.add_vm("a")
    answer = httpx.patch(
        f"{emulator.url}{vm}?api-version=1",
        headers={"Authorization": f"Bearer {emulator.owner_token}"},
        content=b"{",
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_a_start_begins_with_an_empty_subscription() -> None:
    emulator = AzureEmulator()
    with emulator:
        emulator.add_vm("a")
        emulator.create_identity("x", actions=["*"])
    with emulator:
        assert emulator.snapshot() == {}
        assert emulator.calls == []
