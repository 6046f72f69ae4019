"""The power states of machines, as azure-mgmt-compute sees them."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest

from bridge.sandbox.azure import AzureEmulator, VirtualClock
from tests.azure_emulator.answers import refusal

GROUP = "sandbox"


def power(compute: Any, name: str) -> str:
    view = compute.virtual_machines.instance_view(GROUP, name)
    (code,) = [s.code for s in view.statuses if s.code.startswith("PowerState/")]
    return str(code.removeprefix("PowerState/"))


@pytest.mark.parametrize(
    "course",
    [
        ("power_off", "running", "stopping", "stopped"),
        ("start", "stopped", "starting", "running"),
        ("start", "deallocated", "starting", "running"),
        ("deallocate", "running", "deallocating", "deallocated"),
        ("deallocate", "stopped", "deallocating", "deallocated"),
        ("restart", "running", "starting", "running"),
        ("redeploy", "running", "starting", "running"),
        ("start", "running", "running", "running"),
        ("power_off", "stopped", "stopped", "stopped"),
    ],
)
def test_a_machine_goes_through_a_state_to_another(
    emulator: AzureEmulator,
    clock: VirtualClock,
    compute: Any,
    course: tuple[str, str, str, str],
) -> None:
    operation, before, through, after = course
    emulator.add_vm("a", power=before)
    getattr(compute.virtual_machines, f"begin_{operation}")(GROUP, "a", polling=False)
    machine = compute.virtual_machines.get(GROUP, "a", expand="instanceView")
    assert machine.properties.provisioning_state == "Updating"
    assert power(compute, "a") == through
    clock.advance(0.9)
    assert power(compute, "a") == through
    clock.advance(0.2)
    assert power(compute, "a") == after
    machine = compute.virtual_machines.get(GROUP, "a")
    assert machine.properties.provisioning_state == "Succeeded"
    assert machine.properties.instance_view is None


@pytest.mark.parametrize(
    ("operation", "state", "words"),
    [
        ("power_off", "deallocated", "marked to be deallocated"),
        ("restart", "deallocated", "marked to be deallocated"),
        ("redeploy", "deallocated", "marked to be deallocated"),
        ("restart", "stopped", "requires the VM to be running"),
    ],
)
def test_what_a_state_does_not_allow_is_refused(
    emulator: AzureEmulator, compute: Any, operation: str, state: str, words: str
) -> None:
    emulator.add_vm("a", power=state)
    with pytest.raises(HttpResponseError, match=words) as caught:
        getattr(compute.virtual_machines, f"begin_{operation}")(GROUP, "a")
    assert (caught.value.status_code, refusal(caught).code) == (409, "OperationNotAllowed")
    assert emulator.power("a") == state


def test_a_more_recent_power_operation_preempts_the_one_under_way(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a")
    kept: list[Any] = []
    compute.virtual_machines.begin_power_off(
        GROUP, "a", polling=False, raw_response_hook=lambda r: kept.append(r.http_response)
    )
    compute.virtual_machines.begin_start(GROUP, "a").result()
    assert power(compute, "a") == "running"
    url = kept[0].headers["Azure-AsyncOperation"]
    status = compute._client.send_request(HttpRequest("GET", url)).json()
    assert status["status"] == "Canceled"
    assert status["error"]["code"] == "OperationPreempted"
    assert status["endTime"] >= status["startTime"]


def test_machines_are_listed_in_a_group_and_in_the_subscription(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a", zone="2", tags={"x": "y"})
    emulator.add_vm("b", resource_group="Other", power="stopped")
    (only,) = compute.virtual_machines.list("SANDBOX", expand="instanceView")
    assert (only.name, only.zones, only.tags) == ("a", ["2"], {"x": "y"})
    assert only.properties.instance_view.statuses[1].code == "PowerState/running"
    names = {vm.name: vm for vm in compute.virtual_machines.list_all()}
    assert names.keys() == {"a", "b"}
    assert "/resourceGroups/OTHER/" in names["b"].id
    assert compute.virtual_machines.get("other", "B").id == emulator.vm("b")["id"]
    assert "/resourceGroups/Other/" in emulator.vm("b")["id"]
    states = {vm.name: vm for vm in compute.virtual_machines.list_all(status_only="true")}
    assert states["b"].properties.instance_view.statuses[1].code == "PowerState/stopped"
    assert states["b"].properties.storage_profile is None
    assert states["b"].tags is None


def test_what_is_not_there_is_said_in_arms_words(emulator: AzureEmulator, compute: Any) -> None:
    with pytest.raises(ResourceNotFoundError) as caught:
        compute.virtual_machines.get("nowhere", "a")
    assert refusal(caught).code == "ResourceGroupNotFound"
    emulator.add_vm("a")
    with pytest.raises(ResourceNotFoundError) as caught:
        compute.virtual_machines.begin_power_off(GROUP, "b")
    assert refusal(caught).code == "ResourceNotFound"
    assert "Microsoft.Compute/virtualMachines/b" in refusal(caught).message
    with pytest.raises(ResourceNotFoundError) as caught:
        list(compute.virtual_machines.list("nowhere"))


def test_a_machine_is_deleted_with_the_disks_that_say_so(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a")
    emulator.add_disk("gone", vm="a", lun=0, deleteOption="Delete")
    emulator.add_disk("kept", vm="a", lun=1)
    compute.virtual_machines.begin_delete(GROUP, "a").result()
    (kept,) = compute.disks.list()
    assert (kept.name, kept.managed_by, kept.properties.disk_state) == ("kept", None, "Unattached")
    compute.virtual_machines.begin_delete(GROUP, "a").result()  # 204: it is no more


def test_tags_are_patched_and_the_rest_is_not_emulated(
    emulator: AzureEmulator, compute: Any
) -> None:
    emulator.add_vm("a", tags={"x": "y"})
    compute.virtual_machines.begin_update(GROUP, "a", {"tags": {"z": "1"}}).result()
    assert emulator.vm("a")["tags"] == {"z": "1"}
    with pytest.raises(HttpResponseError, match="NotImplemented"):
        compute.virtual_machines.begin_update(GROUP, "a", {"identity": {"type": "None"}})
    with pytest.raises(HttpResponseError, match="NotImplemented"):
        compute.virtual_machines.begin_deallocate(GROUP, "a", hibernate=True)
    with pytest.raises(HttpResponseError, match="does not emulate") as caught:
        compute.virtual_machines.begin_reapply(GROUP, "a")
    assert caught.value.status_code == 501
    assert "virtualMachines/a/reapply" in refusal(caught).message
