"""Restart and redeploy: no trace in the machine, but Azure can be asked about the operation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.sandbox.azure import AzureEmulator
from providers.azure.irreversible import IrreversibleFault, RedeployVms, RestartVms
from providers.azure.session import AzureSession
from providers.contract import Timing, Undo
from tests.azure_faults.conftest import Calls
from tests.azure_faults.records import kinds, records_of, vm_id

NONE = RestartVms.Parameters()
BOTH = pytest.mark.parametrize("fault", [RestartVms(), RedeployVms()], ids=["restart", "redeploy"])


@BOTH
async def test_it_is_in_effect_when_azure_says_so(
    session: AzureSession,
    vms: Callable[[int], list[str]],
    azure: AzureEmulator,
    calls: Calls,
    fault: IrreversibleFault,
) -> None:
    assert (fault.undo(NONE), fault.timing(NONE)) == (Undo.NONE, Timing.instant())
    records = records_of(fault, [vm_id(name) for name in vms(2)])
    assert kinds(await fault.prepare(session, NONE, records), records) == ["done"] * 2
    assert kinds(await fault.inject(session, NONE, records), records) == ["pending"] * 2
    calls()
    assert kinds(await fault.observe(session, records), records) == ["applying"] * 2
    assert "Operations_Get" not in calls()
    azure.complete_transitions()
    assert kinds(await fault.observe(session, records), records) == ["present"] * 2
    assert calls("Operations_Get") == ["Operations_Get"] * 2
    assert kinds(await fault.revert(session, records), records) == ["done"] * 2
    assert calls() == []


@BOTH
async def test_what_fails_late_and_what_is_lost_is_told(
    session: AzureSession,
    vms: Callable[[int], list[str]],
    azure: AzureEmulator,
    fault: IrreversibleFault,
) -> None:
    records = records_of(fault, [vm_id(vms(1)[0])])
    azure.fail_late(operation=fault.call, error="VMRestartTimeout", message="it hangs")
    await fault.inject(session, NONE, records)
    azure.complete_transitions()
    (seen,) = (await fault.observe(session, records)).values()
    assert (seen.effect, "it hangs (VMRestartTimeout)" in seen.reason) == ("failed", True)

    lost = records_of(fault, [vm_id("vm-0")])
    azure.lose_reply(operation=fault.call)
    assert kinds(await fault.inject(session, NONE, lost), lost) == ["unknown"]
    assert kinds(await fault.observe(session, lost), lost) == ["unknown"]
    azure.remove_vm("vm-0")
    assert kinds(await fault.observe(session, lost), lost) == ["gone"]


@BOTH
async def test_only_running_machines_are_taken(
    session: AzureSession, azure: AzureEmulator, fault: IrreversibleFault
) -> None:
    azure.add_vm("off", power="stopped")
    records = records_of(fault, [vm_id("off"), vm_id("ghost")])
    outcomes = await fault.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected", "gone"]
    assert "the machine is stopped" in outcomes[records[0].id].reason
