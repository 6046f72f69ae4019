"""Both styles of long-running operations, with the SDK's own poller and by plain HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import closing
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from bridge.sandbox.azure import AzureEmulator

GROUP = "sandbox"
both_styles = pytest.mark.parametrize("emulator", ["both", "location"], indirect=True)


def ask(url: str, token: str = "", method: str = "GET") -> tuple[int, dict[str, str], Any]:
    """Send a request without the SDK; answer status, headers and JSON."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            body = answer.read()
            return answer.status, dict(answer.headers), json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        with closing(error):
            body = error.read()
            return error.code, dict(error.headers), json.loads(body) if body else None


def power_off(emulator: AzureEmulator) -> tuple[int, dict[str, str], Any]:
    path = f"{emulator.vm('a')['id']}/powerOff?api-version=2026-04-01"
    return ask(f"{emulator.url}{path}", emulator.owner_token, "POST")


@both_styles
def test_the_sdks_poller_waits_for_the_end(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    compute.virtual_machines.begin_power_off(GROUP, "a", skip_shutdown=True).result()
    assert emulator.power("a") == "stopped"
    polls = [call for call in emulator.calls if call.operation == "Operations_Get"]
    assert len(polls) >= 2
    rights = ("Microsoft.Compute/locations/operations/read",)
    assert {(poll.service, poll.rights) for poll in polls} == {("Microsoft.Compute", rights)}


@both_styles
def test_the_poller_raises_what_failed_late(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    emulator.fail_late(operation="VirtualMachines_PowerOff", error="VMAgentLost", message="Sorry.")
    with pytest.raises(HttpResponseError, match="VMAgentLost") as caught:
        compute.virtual_machines.begin_power_off(GROUP, "a").result()
    assert "Sorry." in str(caught.value)
    machine = emulator.vm("a")
    assert machine["properties"]["provisioningState"] == "Failed"
    assert emulator.power("a") == "running"
    compute.virtual_machines.begin_power_off(GROUP, "a").result()
    assert emulator.vm("a")["properties"]["provisioningState"] == "Succeeded"


@both_styles
def test_a_result_comes_with_the_end(emulator: AzureEmulator, compute: Any) -> None:
    emulator.add_vm("a")
    disk = emulator.add_disk("d")
    profile = compute.virtual_machines.begin_attach_detach_data_disks(
        GROUP, "a", {"dataDisksToAttach": [{"diskId": disk, "lun": 3}]}
    ).result()
    assert [entry.lun for entry in profile.data_disks] == [3]


@both_styles
def test_a_write_answers_the_resource_at_once_and_in_the_end(
    emulator: AzureEmulator, network: Any
) -> None:
    emulator.add_vm("a")
    poller = network.network_security_groups.begin_create_or_update(
        GROUP, "g", {"location": "eastus", "properties": {"securityRules": []}}
    )
    assert poller.result().properties.provisioning_state == "Succeeded"
    network.network_security_groups.begin_delete(GROUP, "g").result()
    assert emulator.security_groups() == []


def test_both_headers_lead_to_the_operation(emulator: AzureEmulator) -> None:
    emulator.add_vm("a")
    status, headers, body = power_off(emulator)
    assert (status, headers["Retry-After"], body) == (202, "0", None)
    monitor, location = headers["Azure-AsyncOperation"], headers["Location"]
    prefix = f"{emulator.url}/subscriptions/{emulator.subscription}/providers/Microsoft.Compute"
    assert monitor.startswith(f"{prefix}/locations/eastus/operations/")
    assert ask(monitor)[0] == 401
    status, _, document = ask(monitor, emulator.owner_token)
    assert (status, document["status"]) == (200, "InProgress")
    assert document["name"] in monitor
    status, headers, body = ask(location, emulator.owner_token)
    assert (status, headers["Location"], body) == (202, location, None)
    emulator.complete_transitions()
    assert ask(monitor, emulator.owner_token)[2]["status"] == "Succeeded"
    assert ask(location, emulator.owner_token)[0] == 204


@pytest.mark.parametrize("emulator", ["location"], indirect=True)
def test_location_alone_can_be_all_there_is(emulator: AzureEmulator) -> None:
    emulator.add_vm("a")
    status, headers, _ = power_off(emulator)
    assert status == 202
    assert "Location" in headers
    assert "Azure-AsyncOperation" not in headers


def test_an_operation_that_never_was_is_not_found(emulator: AzureEmulator) -> None:
    emulator.add_vm("a")
    location = power_off(emulator)[1]["Location"]
    known = location.partition("?")[0].rpartition("/")[2]
    assert ask(location.replace(known, "0" * 36), emulator.owner_token)[0] == 404
    assert ask(location.replace("eastus", "westus"), emulator.owner_token)[0] == 404


def test_an_operation_fails_with_its_resource(emulator: AzureEmulator) -> None:
    emulator.add_vm("a")
    monitor = power_off(emulator)[1]["Azure-AsyncOperation"]
    emulator.remove_vm("a")
    document = ask(monitor, emulator.owner_token)[2]
    assert (document["status"], document["error"]["code"]) == ("Failed", "ResourceNotFound")


def test_retry_after_is_what_the_emulator_was_made_with() -> None:
    with AzureEmulator(retry_after=7) as emulator:
        emulator.add_vm("a")
        assert power_off(emulator)[1]["Retry-After"] == "7"
