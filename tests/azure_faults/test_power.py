"""Power off, deallocate: off, seen, started again; and what is left, refused or gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bridge.sandbox.azure import AzureEmulator, VirtualClock
from bridge.settings import Settings
from providers.azure.provider import AzureProvider
from providers.azure.session import AzureSession
from providers.azure.virtual_machines import DeallocateVms, PowerOffVms, SwitchOff
from providers.contract import (
    Caller,
    FenceLostError,
    Guard,
    Resource,
    Timing,
    Undo,
)
from tests.azure_faults.conftest import Calls, OpenSession
from tests.azure_faults.records import CLIENT_ID, SCOPE, kinds, records_of, vm_id

OFF, DEALLOCATE = PowerOffVms(), DeallocateVms()
BOTH = pytest.mark.parametrize("fault", [OFF, DEALLOCATE], ids=["power-off", "deallocate"])
NONE = OFF.Parameters()

Vms = Callable[[int], list[str]]


@BOTH
def test_a_duration_restores_and_none_lasts(fault: SwitchOff) -> None:
    given = fault.Parameters.model_validate({"startInstancesAfterDuration": "PT5M"})
    assert fault.timing(given) == Timing.lasts(timedelta(minutes=5))
    assert fault.undo(given) is Undo.RESTORES
    assert fault.timing(fault.Parameters()) == Timing.instant()
    assert fault.undo(fault.Parameters()) is Undo.LASTING


def test_a_flag_is_true_or_false() -> None:
    assert OFF.Parameters.model_validate({"skipShutdown": "true"}).skip_shutdown
    with pytest.raises(ValueError, match='neither "true" nor "false"'):
        OFF.Parameters.model_validate({"skipShutdown": "yes"})


async def test_a_hundred_machines_take_the_fewest_calls(
    session: AzureSession, vms: Vms, azure: AzureEmulator, calls: Calls
) -> None:
    names = vms(100)
    records = records_of(OFF, [vm_id(name) for name in names])
    calls()
    assert set(kinds(await OFF.prepare(session, NONE, records), records)) == {"done"}
    assert calls() == ["VirtualMachines_ListAll"] * 2
    assert set(kinds(await OFF.inject(session, NONE, records), records)) == {"pending"}
    assert calls() == ["VirtualMachines_PowerOff"] * 100
    assert set(kinds(await OFF.observe(session, records), records)) == {"applying"}
    azure.complete_transitions()
    assert set(kinds(await OFF.observe(session, records), records)) == {"present"}
    assert {azure.power(name) for name in names} == {"stopped"}
    assert calls() == ["VirtualMachines_ListAll"] * 2

    assert set(kinds(await OFF.revert(session, records), records)) == {"pending"}
    assert sorted(set(calls())) == ["VirtualMachines_ListAll", "VirtualMachines_Start"]
    assert set(kinds(await OFF.observe(session, records), records)) == {"lifting"}
    azure.complete_transitions()
    assert set(kinds(await OFF.revert(session, records), records)) == {"done"}
    assert {azure.power(name) for name in names} == {"running"}
    assert calls() == ["VirtualMachines_ListAll"] * 2


@BOTH
async def test_every_step_may_be_repeated(
    session: AzureSession, vms: Vms, azure: AzureEmulator, calls: Calls, fault: SwitchOff
) -> None:
    records = records_of(fault, [vm_id(vms(1)[0])])
    given = fault.Parameters()
    for _ in range(2):
        assert kinds(await fault.prepare(session, given, records), records) == ["done"]
    for _ in range(2):
        assert kinds(await fault.inject(session, given, records), records) == ["pending"]
    assert kinds(await fault.revert(session, records), records) == ["pending"]
    azure.complete_transitions()
    assert kinds(await fault.observe(session, records), records) == ["present"]
    calls()
    for _ in range(2):
        assert kinds(await fault.revert(session, records), records) == ["pending"]
    azure.complete_transitions()
    for _ in range(2):
        assert kinds(await fault.revert(session, records), records) == ["done"]
    assert calls("VirtualMachines_Start") == ["VirtualMachines_Start"]


@BOTH
async def test_what_was_off_before_is_left_off(
    session: AzureSession, azure: AzureEmulator, fault: SwitchOff
) -> None:
    for power in ("stopped", "deallocated"):
        azure.add_vm(power, power=power)
    records = records_of(fault, [vm_id("stopped"), vm_id("deallocated")])
    outcomes = await fault.prepare(session, fault.Parameters(), records)
    assert kinds(outcomes, records) == ["left", "left"]
    assert kinds(await fault.revert(session, records), records) == ["done", "done"]
    assert (azure.power("stopped"), azure.power("deallocated")) == ("stopped", "deallocated")


async def test_an_ephemeral_os_disk_is_not_deallocated(
    session: AzureSession, azure: AzureEmulator
) -> None:
    azure.add_vm("web")
    machine = azure._cloud.get(vm_id("web"))
    machine.properties["storageProfile"]["osDisk"]["diffDiskSettings"] = {"option": "Local"}
    records = records_of(DEALLOCATE, [vm_id("web")])
    outcomes = await DEALLOCATE.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "use azure:compute:power-off-vms" in outcomes[records[0].id].reason
    assert kinds(await OFF.prepare(session, NONE, records), records) == ["done"]


async def test_one_bad_machine_does_not_hold_up_the_others(
    session: AzureSession, vms: Vms, azure: AzureEmulator
) -> None:
    names = vms(11)
    records = records_of(OFF, [vm_id(name) for name in (*names, "ghost")])
    assert kinds(await OFF.prepare(session, NONE, records), records) == ["done"] * 11 + ["gone"]
    azure.remove_vm("vm-0")
    found = kinds(await OFF.inject(session, NONE, records), records)
    assert found == ["gone"] + ["pending"] * 10 + ["gone"]
    azure.complete_transitions()
    azure.remove_vm("vm-1")
    found = kinds(await OFF.revert(session, records), records)
    assert found == ["gone"] * 2 + ["pending"] * 9 + ["gone"]
    azure.complete_transitions()
    assert {azure.power(name) for name in names[2:]} == {"running"}


@pytest.mark.parametrize("lro", ["both", "location"])
async def test_an_operation_that_fails_late_is_noticed(lro: str, azure: AzureEmulator) -> None:
    with AzureEmulator(clock=VirtualClock(), lro=lro) as emulator:  # type: ignore[arg-type] # a parameter is text
        emulator.create_identity(CLIENT_ID, actions=["*"])
        emulator.add_vm("web")
        token = emulator.environment()["IDENTITY_ENDPOINT"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IDENTITY_ENDPOINT", token)
            provider = AzureProvider(Settings(azure_endpoint=emulator.url))
            session = await provider.session(Caller(SCOPE, CLIENT_ID, "EXP", "lab"), None)
            records = records_of(OFF, [vm_id("web")])
            await OFF.prepare(session, NONE, records)
            emulator.fail_late(
                operation="VirtualMachines_PowerOff", error="VMAgentStatus", message="no reason"
            )
            assert kinds(await OFF.inject(session, NONE, records), records) == ["pending"]
            assert kinds(await OFF.observe(session, records), records) == ["applying"]
            emulator.complete_transitions()
            (seen,) = (await OFF.observe(session, records)).values()
            assert (seen.effect, "no reason (VMAgentStatus)" in seen.reason) == ("failed", True)

            await OFF.inject(session, NONE, records)
            emulator.complete_transitions()
            emulator.fail_late(operation="VirtualMachines_Start", error="AllocationFailed")
            assert kinds(await OFF.revert(session, records), records) == ["pending"]
            emulator.complete_transitions()
            outcomes = await OFF.revert(session, records)
            assert kinds(outcomes, records) == ["rejected"]
            assert "lacks capacity" in outcomes[records[0].id].reason
            assert kinds(await OFF.revert(session, records), records) == ["pending"]
            emulator.complete_transitions()
            assert kinds(await OFF.revert(session, records), records) == ["done"]
            await provider.close()


async def test_a_lost_reply_is_not_a_refusal_and_is_not_repeated(
    session: AzureSession, vms: Vms, azure: AzureEmulator, calls: Calls
) -> None:
    records = records_of(OFF, [vm_id(vms(1)[0])])
    await OFF.prepare(session, NONE, records)
    calls()
    azure.lose_reply(operation="VirtualMachines_PowerOff")
    outcomes = await OFF.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["unknown"]
    assert "did not answer VirtualMachines_PowerOff" in outcomes[records[0].id].reason
    assert calls() == ["VirtualMachines_PowerOff"]
    assert kinds(await OFF.observe(session, records), records) == ["applying"]


async def test_a_refusal_after_a_server_error_is_unknown(
    session: AzureSession, vms: Vms, azure: AzureEmulator
) -> None:
    records = records_of(OFF, [vm_id(vms(1)[0])])
    azure.fail(operation="VirtualMachines_PowerOff", error="InternalError", status=500)
    azure.fail(operation="VirtualMachines_PowerOff", error="OperationNotAllowed", status=409)
    assert kinds(await OFF.inject(session, NONE, records), records) == ["unknown"]


async def test_throttled_once_is_asked_again(
    session: AzureSession, vms: Vms, azure: AzureEmulator, calls: Calls
) -> None:
    records = records_of(OFF, [vm_id(vms(1)[0])])
    azure.throttle(operation="VirtualMachines_PowerOff")
    calls()
    assert kinds(await OFF.inject(session, NONE, records), records) == ["pending"]
    assert calls() == ["VirtualMachines_PowerOff"] * 2


@pytest.mark.parametrize(
    ("error", "status"),
    [("Conflict", 409), ("AnotherOperationInProgress", 409), ("InternalError", 500)],
)
async def test_what_passes_by_itself_is_worth_asking_again(  # noqa: PLR0917 - pytest passes them by name
    session: AzureSession, vms: Vms, azure: AzureEmulator, calls: Calls, error: str, status: int
) -> None:
    records = records_of(OFF, [vm_id(vms(1)[0])])
    azure.fail(operation="VirtualMachines_PowerOff", error=error, status=status, times=2)
    calls()
    outcomes = await OFF.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["unknown"]
    assert error in outcomes[records[0].id].reason
    assert calls() == ["VirtualMachines_PowerOff"] * (2 if status == 500 else 1)


async def test_after_the_lease_nothing_is_sent(
    open_session: OpenSession, vms: Vms, calls: Calls
) -> None:
    guard = Guard(Guard.clock() + 60)
    session = await open_session(guard)
    records = records_of(OFF, [vm_id(vms(1)[0])])
    await OFF.prepare(session, NONE, records)
    guard.deadline = Guard.clock() - 1
    calls()
    with pytest.raises(FenceLostError):
        await OFF.inject(session, NONE, records)
    with pytest.raises(FenceLostError):
        await OFF.revert(session, records)
    assert calls() == []


async def test_the_lease_is_checked_before_the_second_attempt_too(
    open_session: OpenSession, vms: Vms, azure: AzureEmulator, calls: Calls
) -> None:
    class OneCheck(Guard):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 1:
                raise FenceLostError

    session = await open_session(OneCheck(0))
    records = records_of(OFF, [vm_id(vms(1)[0])])
    azure.fail(operation="VirtualMachines_PowerOff", error="InternalError", status=500)
    calls()
    with pytest.raises(FenceLostError):
        await OFF.inject(session, NONE, records)
    assert calls() == ["VirtualMachines_PowerOff"]


async def test_the_right_to_start_is_asked_for_before_anything_is_off(
    session: AzureSession, vms: Vms, allow: Callable[..., None], calls: Calls
) -> None:
    resources = [Resource("azure:compute:vm", vm_id(name)) for name in vms(2)]
    assert await OFF.review(session, NONE, resources) == []
    assert calls() == ["Permissions_ListForResourceGroup"]
    rights = ("Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/powerOff/*")
    allow("Microsoft.Authorization/*/read", *rights)
    (denial,) = await OFF.review(session, NONE, resources)
    assert "may not Microsoft.Compute/virtualMachines/start/action in" in denial.reason
    assert '"Microsoft.Compute/virtualMachines/start/action"\n' in denial.mend
    assert f"az role assignment create --assignee {CLIENT_ID}" in denial.mend
    allow(*rights)
    assert await OFF.review(session, NONE, resources) == []


async def test_a_denied_call_names_action_and_identity(
    session: AzureSession, vms: Vms, allow: Callable[..., None]
) -> None:
    records = records_of(OFF, [vm_id(vms(1)[0])])
    allow("Microsoft.Compute/virtualMachines/read")
    outcomes = await OFF.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected"]
    reason = outcomes[records[0].id].reason
    assert reason.startswith("Not authorized to perform the required action: ")
    assert f"{CLIENT_ID} may not Microsoft.Compute/virtualMachines/powerOff/action on" in reason
