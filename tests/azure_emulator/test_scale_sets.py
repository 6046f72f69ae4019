"""A uniform scale set and its instances."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from bridge.sandbox.azure import AzureEmulator, Estate
from tests.azure_emulator.answers import refusal

GROUP = "sandbox"


def powers(compute: Any) -> list[str]:
    members = compute.virtual_machine_scale_set_vms.list(GROUP, "web", expand="instanceView")
    codes = [each.properties.instance_view.statuses[1].code for each in members]
    return [code.removeprefix("PowerState/") for code in codes]


def test_it_is_read_with_its_instances(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    scale_set = compute.virtual_machine_scale_sets.get(GROUP, "web")
    assert scale_set.id == estate.scale_set_id
    assert scale_set.properties.orchestration_mode == "Uniform"
    assert [each.name for each in compute.virtual_machine_scale_sets.list(GROUP)] == ["web"]
    (listed,) = compute.virtual_machine_scale_sets.list_all()
    assert "/resourceGroups/SANDBOX/" in listed.id
    members = list(compute.virtual_machine_scale_set_vms.list(GROUP, "web"))
    assert [(m.instance_id, m.zones) for m in members] == [
        ("0", ["1"]),
        ("1", ["2"]),
        ("2", ["3"]),
    ]
    assert all(m.properties.instance_view is None for m in members)
    one = compute.virtual_machine_scale_set_vms.get(GROUP, "web", "1", expand="instanceView")
    assert one.properties.instance_view.statuses[1].code == "PowerState/running"
    view = compute.virtual_machine_scale_set_vms.get_instance_view(GROUP, "web", "1")
    assert view.statuses[1].code == "PowerState/running"


def test_some_instances_or_all_are_powered_off_and_started(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    sets = compute.virtual_machine_scale_sets
    sets.begin_power_off(GROUP, "web", {"instanceIds": ["0", "2"]}, polling=False)
    assert powers(compute) == ["stopping", "running", "stopping"]
    emulator.complete_transitions()
    assert powers(compute) == ["stopped", "running", "stopped"]
    sets.begin_power_off(GROUP, "web").result()
    assert powers(compute) == ["stopped"] * 3
    sets.begin_start(GROUP, "web", {"instanceIds": ["1"]}).result()
    assert powers(compute) == ["stopped", "running", "stopped"]
    sets.begin_start(GROUP, "web", {"instanceIds": ["*"]}).result()
    assert estate.left_behind(emulator) == []
    sets.begin_restart(GROUP, "web", {"instanceIds": ["1"]}, polling=False)
    assert powers(compute) == ["running", "starting", "running"]


def test_one_instance_is_powered_off_and_started(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    members = compute.virtual_machine_scale_set_vms
    members.begin_power_off(GROUP, "web", "1", skip_shutdown=True).result()
    assert powers(compute) == ["running", "stopped", "running"]
    members.begin_start(GROUP, "web", "1").result()
    assert powers(compute) == ["running"] * 3


def test_an_unknown_instance_is_named_and_nothing_is_begun(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    with pytest.raises(HttpResponseError, match="instanceId 9 is not an active") as caught:
        compute.virtual_machine_scale_sets.begin_power_off(
            GROUP, "web", {"instanceIds": ["0", "9"]}
        )
    assert (caught.value.status_code, refusal(caught).target) == (400, "instanceIds")
    assert powers(compute) == ["running"] * 3
    with pytest.raises(HttpResponseError, match="names no instance"):
        compute.virtual_machine_scale_sets.begin_power_off(GROUP, "web", {"instanceIds": []})
    with pytest.raises(ResourceNotFoundError):
        compute.virtual_machine_scale_set_vms.get(GROUP, "web", "9")


def test_a_busy_instance_refuses_a_second_change(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    sets = compute.virtual_machine_scale_sets
    sets.begin_power_off(GROUP, "web", {"instanceIds": ["0"]}, polling=False)
    with pytest.raises(HttpResponseError) as caught:
        sets.begin_start(GROUP, "web", {"instanceIds": ["0", "1"]})
    assert refusal(caught).code == "Conflict"
    sets.begin_power_off(GROUP, "web", {"instanceIds": ["1"]}).result()
    assert emulator.instance("web", "0")["properties"]["provisioningState"] == "Succeeded"


def test_what_fails_late_goes_back(emulator: AzureEmulator, estate: Estate, compute: Any) -> None:
    emulator.fail_late(operation="VirtualMachineScaleSets_PowerOff", error="Broken")
    with pytest.raises(HttpResponseError, match="Broken"):
        compute.virtual_machine_scale_sets.begin_power_off(GROUP, "web").result()
    assert powers(compute) == ["running"] * 3


def test_vanish_takes_the_named_instances_away_or_the_set(
    emulator: AzureEmulator, estate: Estate, compute: Any
) -> None:
    sets = compute.virtual_machine_scale_sets
    emulator.vanish(operation="VirtualMachineScaleSets_PowerOff", times=2)
    with pytest.raises(HttpResponseError, match="not an active"):
        sets.begin_power_off(GROUP, "web", {"instanceIds": ["1"]})
    assert len(powers(compute)) == 2
    assert estate.left_behind(emulator) == []
    with pytest.raises(ResourceNotFoundError):
        sets.begin_power_off(GROUP, "web")


def test_instances_and_sets_are_taken_away(emulator: AzureEmulator, estate: Estate) -> None:
    emulator.remove_instance("web", "0")
    with pytest.raises(KeyError):
        emulator.remove_instance("web", "0")
    emulator.remove_scale_set("web")
    assert estate.left_behind(emulator) == []
