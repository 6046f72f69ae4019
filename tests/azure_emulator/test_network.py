"""Network interfaces and security groups, and what they cut off."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from bridge.sandbox.azure import AzureEmulator, Estate
from tests.azure_emulator.answers import refusal

GROUP = "sandbox"


def rule(name: str, direction: str, access: str = "Deny", priority: int = 100, **more: Any) -> Any:
    return {
        "name": name,
        "properties": {
            "priority": priority,
            "direction": direction,
            "access": access,
            "protocol": "*",
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "*",
            **more,
        },
    }


def write(network: Any, name: str, *rules: Any, **more: Any) -> Any:
    body = {"location": "eastus", "properties": {"securityRules": list(rules)}}
    return network.network_security_groups.begin_create_or_update(GROUP, name, body, **more)


def put_on(network: Any, vm: str, group_id: str | None, **more: Any) -> Any:
    nic = network.network_interfaces.get(GROUP, f"{vm}-nic")
    nic.properties.network_security_group = {"id": group_id} if group_id else None
    return network.network_interfaces.begin_create_or_update(GROUP, f"{vm}-nic", nic, **more)


def test_an_interface_is_written_as_a_whole_and_read_back(
    emulator: AzureEmulator, estate: Estate, network: Any
) -> None:
    nic = network.network_interfaces.get(GROUP, "carts-worker-2-nic")
    assert nic.properties.virtual_machine.id == estate.vm_ids["carts-worker-2"]
    written = network.network_interfaces.begin_create_or_update(GROUP, nic.name, nic).result()
    assert written.properties.provisioning_state == "Succeeded"
    assert written.etag != nic.etag
    assert estate.left_behind(emulator) == []
    assert len(list(network.network_interfaces.list(GROUP))) == 5
    assert len(list(network.network_interfaces.list_all())) == 5


def test_a_group_that_denies_everything_isolates_once_it_is_on(
    emulator: AzureEmulator, estate: Estate, network: Any
) -> None:
    deny = [rule("in", "Inbound"), rule("out", "Outbound")]
    group = write(network, "isolate", *deny).result()
    assert [r.name for r in group.properties.security_rules] == ["in", "out"]
    assert len(group.properties.default_security_rules) == 6
    assert emulator.isolated("carts-worker-1") == frozenset()
    put_on(network, "carts-worker-1", group.id, polling=False)
    nic = emulator.interface("carts-worker-1")
    assert nic["properties"]["provisioningState"] == "Updating"
    assert nic["properties"]["networkSecurityGroup"]["id"] == group.id
    assert emulator.isolated("carts-worker-1") == frozenset()
    emulator.complete_transitions()
    assert emulator.isolated("carts-worker-1") == {"Inbound", "Outbound"}
    assert emulator.isolated("carts-worker-2") == frozenset()
    assert estate.left_behind(emulator)
    put_on(network, "carts-worker-1", estate.security_group_id).result()
    assert emulator.isolated("carts-worker-1") == frozenset()
    network.network_security_groups.begin_delete(GROUP, "isolate").result()
    assert estate.left_behind(emulator) == []


@pytest.mark.parametrize(
    ("rules", "cut"),
    [
        ([rule("in", "Inbound")], {"Inbound"}),
        ([rule("out", "Outbound", priority=4096)], {"Outbound"}),
        ([rule("a", "Inbound", "Allow", 100), rule("b", "Inbound", "Deny", 101)], set()),
        ([rule("a", "Inbound", "Allow", 102), rule("b", "Inbound", "Deny", 101)], {"Inbound"}),
        ([rule("a", "Inbound", destinationPortRange="22")], set()),
        ([rule("a", "Inbound", protocol="Tcp")], set()),
    ],
)
def test_only_what_denies_everything_first_cuts_a_direction_off(
    emulator: AzureEmulator, network: Any, rules: list[Any], cut: set[str]
) -> None:
    emulator.add_vm("a")
    group = write(network, "g", *rules).result()
    put_on(network, "a", group.id).result()
    assert emulator.isolated("a") == cut


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule("a", "Inbound", priority=99)], "SecurityRuleInvalidPriority"),
        ([rule("a", "Inbound", priority=4097)], "SecurityRuleInvalidPriority"),
        ([rule("a", "Inbound"), rule("b", "Inbound")], "SecurityRuleConflict"),
        ([{"name": "a", "properties": {"priority": 100}}], "SecurityRuleParameterMissing"),
    ],
)
def test_rules_that_cannot_be_are_refused(
    emulator: AzureEmulator, network: Any, rules: list[Any], code: str
) -> None:
    emulator.add_vm("a")
    with pytest.raises(HttpResponseError) as caught:
        write(network, "g", *rules)
    assert (caught.value.status_code, refusal(caught).code) == (400, code)
    assert emulator.security_groups() == []


def test_a_group_in_use_is_not_deleted(
    emulator: AzureEmulator, estate: Estate, network: Any
) -> None:
    group = network.network_security_groups.get(GROUP, "carts-nsg")
    assert group.properties.network_interfaces[0].id.endswith("carts-worker-1-nic")
    with pytest.raises(HttpResponseError, match="carts-worker-1-nic") as caught:
        network.network_security_groups.begin_delete(GROUP, "carts-nsg")
    assert refusal(caught).code == "InUseNetworkSecurityGroupCannotBeDeleted"
    put_on(network, "carts-worker-1", None).result()
    network.network_security_groups.begin_delete(GROUP, "carts-nsg").result()
    assert list(network.network_security_groups.list_all()) == []
    assert "is gone" in " ".join(estate.left_behind(emulator))


def test_single_rules_are_written_and_deleted(emulator: AzureEmulator, network: Any) -> None:
    emulator.add_vm("a")
    emulator.add_security_group("g", vm="a")
    wanted = rule("deny", "Inbound")
    made = network.security_rules.begin_create_or_update(GROUP, "g", "deny", wanted).result()
    assert (made.name, made.properties.access) == ("deny", "Deny")
    assert emulator.isolated("a") == {"Inbound"}
    assert [each.name for each in network.security_rules.list(GROUP, "g")] == ["deny"]
    assert network.security_rules.get(GROUP, "g", "deny").properties.priority == 100
    network.security_rules.begin_delete(GROUP, "g", "deny").result()
    assert emulator.isolated("a") == frozenset()
    with pytest.raises(ResourceNotFoundError):
        network.security_rules.get(GROUP, "g", "deny")


def test_an_interface_cannot_refer_to_what_is_not_there(
    emulator: AzureEmulator, network: Any
) -> None:
    emulator.add_vm("a")
    before = emulator.snapshot()
    nowhere = emulator.vm("a")["id"].replace("virtualMachines/a", "networkSecurityGroups/no")
    with pytest.raises(HttpResponseError, match="was not found") as caught:
        put_on(network, "a", nowhere.replace("Microsoft.Compute", "Microsoft.Network"))
    assert refusal(caught).code == "InvalidResourceReference"
    assert emulator.snapshot() == before


def test_a_second_write_while_one_is_under_way_is_refused(
    emulator: AzureEmulator, estate: Estate, network: Any
) -> None:
    put_on(network, "carts-worker-1", None, polling=False)
    with pytest.raises(HttpResponseError) as caught:
        put_on(network, "carts-worker-1", None)
    assert refusal(caught).code == "AnotherOperationInProgress"
    write(network, "g", polling=False)
    with pytest.raises(HttpResponseError, match="in progress"):
        network.network_security_groups.begin_delete(GROUP, "g")


def test_a_write_that_fails_late_leaves_things_as_they_were(
    emulator: AzureEmulator, estate: Estate, network: Any
) -> None:
    emulator.fail_late(operation="NetworkInterfaces_CreateOrUpdate", error="Broken")
    with pytest.raises(HttpResponseError, match="Broken"):
        put_on(network, "carts-worker-1", None).result()
    emulator.fail_late(operation="NetworkSecurityGroups_CreateOrUpdate", error="Broken")
    with pytest.raises(HttpResponseError, match="Broken"):
        write(network, "g").result()
    emulator.fail_late(operation="NetworkSecurityGroups_CreateOrUpdate", error="Broken")
    with pytest.raises(HttpResponseError, match="Broken"):
        write(network, "carts-nsg", rule("in", "Inbound")).result()
    assert estate.left_behind(emulator) == []


def test_if_match_refuses_another_version_and_what_is_gone(
    emulator: AzureEmulator, estate: Estate, network: Any
) -> None:
    nic = network.network_interfaces.get(GROUP, "carts-worker-1-nic")
    headers = {"If-Match": nic.etag}
    begin = network.network_interfaces.begin_create_or_update
    begin(GROUP, nic.name, nic, headers=headers).result()
    with pytest.raises(HttpResponseError, match="PreconditionFailed") as caught:
        begin(GROUP, nic.name, nic, headers=headers)
    assert caught.value.status_code == 412
    emulator.vanish(operation="NetworkInterfaces_CreateOrUpdate")
    with pytest.raises(HttpResponseError, match="PreconditionFailed"):
        begin(GROUP, nic.name, nic, headers={"If-Match": "*"})
    assert begin(GROUP, nic.name, nic).result().properties.virtual_machine is None
