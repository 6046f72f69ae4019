"""What a caller may do, as Azure's roles say it; and what each fault asks for is declared."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.azure import AzureEmulator
from providers import registry
from providers.azure.provider import AzureProvider
from providers.azure.review import allowed
from providers.azure.session import AzureSession
from providers.contract import Caller, Fault, Mark, Resource
from tests.azure_faults.records import (
    EXPERIMENT,
    ROLE,
    SCOPE,
    disk_id,
    instance_id,
    records_of,
    vm_id,
)

START = "Microsoft.Compute/virtualMachines/start/action"
OURS = [name for name, where in registry.FAULTS.items() if where.startswith("providers.azure.")]


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        ([(["*"], [])], True),
        ([(["microsoft.compute/*/START/action"], [])], True),
        ([(["*/read"], [])], False),
        ([(["*"], ["Microsoft.Compute/virtualMachines/*"])], False),
        # What one role leaves out another may give.
        ([(["*"], ["Microsoft.Compute/*"]), (["Microsoft.Compute/virtualMachines/*"], [])], True),
        ([], False),
    ],
)
def test_roles_add_up_and_take_away_from_themselves_only(
    roles: list[tuple[list[str], list[str]]], may: bool
) -> None:
    permissions = [{"actions": actions, "notActions": others} for actions, others in roles]
    assert allowed(permissions, START) is may


async def _through(fault: Fault, session: AzureSession, azure: AzureEmulator) -> None:
    """Take a fault from its review to its removal."""
    assert fault.target is not None
    ids = {
        "azure:compute:vm": [vm_id("web")],
        "azure:compute:disk": [disk_id("data")],
        "azure:compute:scale-set-instance": [instance_id("set", 0)],
    }[fault.target.resource_type]
    records = records_of(fault, ids)
    lasts = "duration" in fault.Parameters.model_fields
    parameters: Any = fault.Parameters.model_validate({"duration": "PT1M"} if lasts else {})
    mark = Mark("lab", EXPERIMENT, "act", fault.id, None, ROLE)
    resources = [Resource(fault.target.resource_type, one, {"location": "eastus"}) for one in ids]
    await fault.review(session, parameters, resources)
    await fault.prepare(session, parameters, records)
    await fault.mark(session, mark, records)
    await fault.inject(session, parameters, records)
    azure.complete_transitions()
    await fault.observe(session, records)
    for _ in range(4):
        await fault.revert(session, records)
        azure.complete_transitions()
    await fault.unmark(session, mark, records)


@pytest.mark.parametrize("name", OURS)
async def test_what_a_fault_calls_is_declared_and_nothing_is_left(
    session: AzureSession, provider: AzureProvider, azure: AzureEmulator, name: str
) -> None:
    azure.add_vm("web")
    azure.add_disk("data", vm="web")
    azure.add_scale_set("set")
    before = azure.snapshot()
    azure.forget_calls()
    fault = registry.fault(name)
    await _through(fault, session, azure)
    declared = {right.name.lower(): right.need for right in fault.permissions}
    asked = {right.lower() for call in azure.calls for right in call.rights}
    assert not asked - declared.keys()
    required = {right for right, need in declared.items() if need == "required"}
    assert not required - asked
    assert azure.snapshot() == before
    search = await provider.find_marks(Caller(SCOPE, None, "reader", "lab"))
    assert not search.found
