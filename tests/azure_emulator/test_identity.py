"""Managed identities, their tokens, and what they may do."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from bridge.sandbox.azure import AzureEmulator, Estate
from tests.azure_emulator.answers import headers, refusal

GROUP = "sandbox"
CLIENT = "00000000-0000-4000-8000-0000000000ff"
SCOPE = "https://management.azure.com/.default"


@pytest.fixture
def environment(emulator: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    variables = emulator.environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def token(client_id: str | None = None) -> str:
    with ManagedIdentityCredential(client_id=client_id) as credential:
        return str(credential.get_token(SCOPE).token)


def test_a_managed_identity_gets_a_token_that_works(
    emulator: AzureEmulator, environment: dict[str, str], connect: Any
) -> None:
    vm = emulator.add_vm("a")
    emulator.create_identity(CLIENT, actions=["Microsoft.Compute/virtualMachines/READ"])
    compute = connect("compute", token(CLIENT))
    emulator.forget_calls()
    assert compute.virtual_machines.get(GROUP, "a").id == vm
    (call,) = emulator.calls
    assert (call.caller, call.service) == (CLIENT, "Microsoft.Compute")
    assert call.operation == "VirtualMachines_Get"
    assert call.rights == ("Microsoft.Compute/virtualMachines/read",)


def test_without_a_client_id_the_token_is_the_owners(
    emulator: AzureEmulator, environment: dict[str, str], connect: Any
) -> None:
    emulator.add_vm("a")
    connect("compute", token()).virtual_machines.begin_power_off(GROUP, "a").result()
    assert {call.caller for call in emulator.calls} == {"", emulator.owner_client_id}


def test_an_unknown_identity_and_a_wrong_header_get_no_token(
    emulator: AzureEmulator, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((CredentialUnavailableError, ClientAuthenticationError)):
        token(CLIENT)
    assert emulator.calls[-1].status == 400
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises((CredentialUnavailableError, ClientAuthenticationError)):
        token()
    assert emulator.calls[-1].status == 401


@pytest.mark.parametrize("given", ["no-such-token", ""])
def test_a_request_without_a_known_token_is_refused(
    emulator: AzureEmulator, connect: Any, given: str
) -> None:
    emulator.add_vm("a")
    with pytest.raises(ClientAuthenticationError) as caught:
        connect("compute", given or " ").virtual_machines.get(GROUP, "a")
    assert caught.value.status_code == 401
    assert headers(caught)["WWW-Authenticate"].startswith("Bearer ")


def test_a_lack_of_rights_is_refused_in_arms_words_and_without_effect(
    emulator: AzureEmulator, environment: dict[str, str], connect: Any
) -> None:
    emulator.add_vm("a")
    emulator.create_identity(CLIENT, actions=["*/read"])
    compute = connect("compute", token(CLIENT))
    assert compute.virtual_machines.get(GROUP, "a").name == "a"
    with pytest.raises(HttpResponseError) as caught:
        compute.virtual_machines.begin_power_off(GROUP, "a")
    assert (caught.value.status_code, refusal(caught).code) == (403, "AuthorizationFailed")
    words = "perform action 'Microsoft.Compute/virtualMachines/powerOff/action' over scope"
    assert words in refusal(caught).message
    assert CLIENT in refusal(caught).message
    assert emulator.power("a") == "running"


def test_joining_and_attaching_ask_for_rights_on_what_is_joined(
    emulator: AzureEmulator, environment: dict[str, str], estate: Estate, connect: Any
) -> None:
    actions = [
        "Microsoft.Network/networkInterfaces/*",
        "Microsoft.Compute/virtualMachines/*",
        "*/locations/operations/read",
    ]
    emulator.create_identity(CLIENT, actions=actions)
    network, compute = connect("network", token(CLIENT)), connect("compute", token(CLIENT))
    nic = network.network_interfaces.get(GROUP, "carts-worker-1-nic")
    with pytest.raises(HttpResponseError, match="LinkedAuthorizationFailed"):
        network.network_interfaces.begin_create_or_update(GROUP, nic.name, nic)
    assert emulator.calls[-1].rights == (
        "Microsoft.Network/networkInterfaces/write",
        "Microsoft.Network/networkSecurityGroups/join/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
    )
    disk = {"diskId": estate.disk_ids["carts-data-1"]}
    begin = compute.virtual_machines.begin_attach_detach_data_disks
    begin(GROUP, "carts-worker-1", {"dataDisksToDetach": [disk]}).result()
    with pytest.raises(HttpResponseError, match="Compute/disks/write"):
        begin(GROUP, "carts-worker-1", {"dataDisksToAttach": [disk]})


def test_permissions_are_not_looked_at_when_they_are_off() -> None:
    with AzureEmulator(permissions=False) as emulator:
        emulator.create_identity(CLIENT, actions=[])
        assert emulator._api()._permissions is False


def test_what_the_caller_may_do_is_listed_for_a_group_and_a_resource(
    emulator: AzureEmulator, environment: dict[str, str], connect: Any
) -> None:
    emulator.add_vm("a")
    granted = ["Microsoft.Authorization/permissions/read", "Microsoft.Compute/*/read"]
    emulator.create_identity(CLIENT, actions=granted)
    permissions = connect("authorization", token(CLIENT)).permissions
    (of_group,) = permissions.list_for_resource_group(GROUP)
    assert (of_group.actions, of_group.not_actions) == (granted, [])
    place = (GROUP, "Microsoft.Compute", "", "virtualMachines")
    (of_vm,) = permissions.list_for_resource(*place, "a")
    assert of_vm.actions == granted
    with pytest.raises(HttpResponseError, match="ResourceNotFound"):
        list(permissions.list_for_resource(*place, "b"))


def test_the_estates_identity_can_do_what_faults_need_and_no_more(
    emulator: AzureEmulator, environment: dict[str, str], estate: Estate, connect: Any
) -> None:
    compute = connect("compute", token(estate.client_id))
    compute.virtual_machines.begin_power_off(GROUP, "carts-worker-1").result()
    compute.virtual_machines.begin_start(GROUP, "carts-worker-1").result()
    assert estate.left_behind(emulator) == []
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        compute.virtual_machines.begin_delete(GROUP, "orders-db-1")
