"""Scale set instances: one call for each set, and a mark on the set that names its instances."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.azure import AzureEmulator
from providers.azure.describe import power_of
from providers.azure.instance_marks import _numbers, _ranges
from providers.azure.provider import AzureProvider
from providers.azure.scale_sets import PowerOffScaleSetInstances
from providers.azure.session import AzureSession
from providers.contract import Caller, Mark
from tests.azure_faults.conftest import Calls
from tests.azure_faults.records import EXPERIMENT, ROLE, SCOPE, instance_id, kinds, records_of

FAULT = PowerOffScaleSetInstances()
NONE = FAULT.Parameters()
MARK = Mark("lab", EXPERIMENT, "act", FAULT.id, None, ROLE)


def powers(azure: AzureEmulator, scale_set: str, count: int) -> list[str]:
    return [power_of(azure.instance(scale_set, str(n))) for n in range(count)]


async def test_a_scale_set_takes_one_call_each_way(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    azure.add_scale_set("web", zones=["1", "2", "3"] * 4)
    azure.add_scale_set("api")
    ids = [instance_id("web", n) for n in range(11)] + [instance_id("api", 0)]
    records = records_of(FAULT, ids)
    calls()
    assert set(kinds(await FAULT.prepare(session, NONE, records), records)) == {"done"}
    assert sorted(calls()) == [
        *["VirtualMachineScaleSetVMs_List"] * 2,
        *["VirtualMachineScaleSets_Get"] * 2,
    ]
    assert set(kinds(await FAULT.inject(session, NONE, records), records)) == {"pending"}
    assert calls() == ["VirtualMachineScaleSets_PowerOff"] * 2
    azure.complete_transitions()
    assert set(kinds(await FAULT.observe(session, records), records)) == {"present"}
    assert powers(azure, "web", 12) == ["stopped"] * 11 + ["running"]
    assert powers(azure, "api", 3) == ["stopped", "running", "running"]
    calls()
    for _ in range(2):
        assert set(kinds(await FAULT.revert(session, records), records)) == {"pending"}
    assert calls("VirtualMachineScaleSets_Start") == ["VirtualMachineScaleSets_Start"] * 2
    azure.complete_transitions()
    assert set(kinds(await FAULT.revert(session, records), records)) == {"done"}
    assert set(powers(azure, "web", 12)) == {"running"}


async def test_one_that_is_gone_does_not_hold_up_the_others(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    azure.add_scale_set("web", zones=["1"] * 5)
    records = records_of(FAULT, [instance_id("web", n) for n in range(5)])
    await FAULT.prepare(session, NONE, records)
    azure.remove_instance("web", "3")
    calls()
    outcomes = kinds(await FAULT.inject(session, NONE, records), records)
    assert outcomes == ["pending", "pending", "pending", "gone", "pending"]
    assert calls() == ["VirtualMachineScaleSets_PowerOff"] * 2
    azure.complete_transitions()
    seen = kinds(await FAULT.observe(session, records), records)
    assert seen == ["present", "present", "present", "gone", "present"]
    azure.remove_scale_set("web")
    assert set(kinds(await FAULT.revert(session, records), records)) == {"gone"}


async def test_where_nobody_is_named_the_batch_is_halved(
    session: AzureSession, azure: AzureEmulator
) -> None:
    azure.add_scale_set("web", zones=["1"] * 8)
    records = records_of(FAULT, [instance_id("web", n) for n in range(8)])
    azure._cloud.get(instance_id("web", 5)).power = "deallocated"
    for record in records:
        record.state["prior"] = "running"
    outcomes = kinds(await FAULT.inject(session, NONE, records), records)
    assert outcomes == ["pending"] * 5 + ["rejected"] + ["pending"] * 2


async def test_one_operation_of_many_records_is_asked_once(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    azure.add_scale_set("web", zones=["1"] * 5)
    records = records_of(FAULT, [instance_id("web", n) for n in range(5)])
    await FAULT.prepare(session, NONE, records)
    azure.fail_late(operation="VirtualMachineScaleSets_PowerOff", error="Late")
    await FAULT.inject(session, NONE, records)
    azure.complete_transitions()
    calls()
    assert set(kinds(await FAULT.observe(session, records), records)) == {"failed"}
    assert calls("Operations_Get") == ["Operations_Get"]


async def test_a_flexible_scale_set_says_that_its_instances_are_machines(
    session: AzureSession, azure: AzureEmulator
) -> None:
    scale_set = azure.add_scale_set("web")
    azure._cloud.get(scale_set).properties["orchestrationMode"] = "Flexible"
    records = records_of(FAULT, [instance_id("web", 0)])
    outcomes = await FAULT.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "azure:compute:power-off-vms" in outcomes[records[0].id].reason


async def test_instances_are_started_from_the_mark_on_their_set_alone(
    session: AzureSession, provider: AzureProvider, azure: AzureEmulator
) -> None:
    scale_set = azure.add_scale_set("web", zones=["1"] * 6)
    records = records_of(FAULT, [instance_id("web", n) for n in (0, 1, 2, 4)])
    await FAULT.prepare(session, NONE, records)
    # In two parts, as the engine may: neither loses the other's instances.
    for part in (records[:2], records[2:]):
        assert set(kinds(await FAULT.mark(session, MARK, part), part)) == {"done"}
    tags: dict[str, Any] = azure._cloud.get(scale_set).body["tags"]
    assert tags[f"faultbridge:lab:{EXPERIMENT}:act"].endswith(" prior=running instances=0-2,4")
    await FAULT.inject(session, NONE, records)
    azure.complete_transitions()

    found = (await provider.find_marks(Caller(SCOPE, None, "reader", "lab"))).found
    rebuilt = [one.record for one in found]
    assert [one.problem for one in found] == [""] * 4
    assert {one.mark for one in found} == {MARK}
    assert [record.resource for record in rebuilt] == [record.resource for record in records]
    await FAULT.revert(session, rebuilt)
    azure.complete_transitions()
    assert set(kinds(await FAULT.revert(session, rebuilt), rebuilt)) == {"done"}
    assert set(powers(azure, "web", 6)) == {"running"}
    await FAULT.unmark(session, MARK, rebuilt[:1])
    assert tags[f"faultbridge:lab:{EXPERIMENT}:act"].endswith("instances=0-2,4")
    now = azure._cloud.get(scale_set).body["tags"]
    assert now[f"faultbridge:lab:{EXPERIMENT}:act"].endswith("instances=1-2,4")
    for _ in range(2):
        assert set(kinds(await FAULT.unmark(session, MARK, rebuilt), rebuilt)) == {"done"}
    assert (await provider.find_marks(Caller(SCOPE, None, "reader", "lab"))).found == []


async def test_another_runs_mark_is_foreign_to_the_instances_it_names(
    session: AzureSession, azure: AzureEmulator
) -> None:
    words = "v=1 fault=x until=- as=y prior=running instances=1-2"
    azure.add_scale_set("web", tags={"faultbridge:lab:EXPother:act": words})
    records = records_of(FAULT, [instance_id("web", n) for n in range(3)])
    await FAULT.prepare(session, NONE, records)
    mark = "faultbridge:lab:EXPother/act"
    assert [FAULT.foreign_mark(record) for record in records] == [None, mark, mark]


@pytest.mark.parametrize("numbers", [[], [0], [0, 1, 2, 9], [3, 5, 7], list(range(1000))])
def test_numbers_are_written_as_ranges(numbers: list[int]) -> None:
    assert _numbers(_ranges(numbers)) == numbers


def test_a_forged_range_does_not_fill_the_memory() -> None:
    assert len(_numbers("0-99999999999,5-x,-")) == 1000
