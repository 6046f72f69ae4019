"""What the engine would hand to the provider, and its answers in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.contract import Fault, Plan, Resource

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sandbox"
CLIENT_ID = "00000000-0000-4000-8000-0000000000c1"
ROLE = "arn:aws:iam::123456789012:role/chaos"
EXPERIMENT = "EXPabcdefghijkmnop"
PLAN = Plan(EXPERIMENT, "act", "lab", None)


def vm_id(name: str) -> str:
    return f"{GROUP_ID}/providers/Microsoft.Compute/virtualMachines/{name}"


def disk_id(name: str) -> str:
    return f"{GROUP_ID}/providers/Microsoft.Compute/disks/{name}"


def instance_id(scale_set: str, number: int) -> str:
    path = f"virtualMachineScaleSets/{scale_set}/virtualMachines/{number}"
    return f"{GROUP_ID}/providers/Microsoft.Compute/{path}"


def records_of(fault: Fault, ids: Sequence[str], action: str = "act") -> list[Record]:
    """Make the records that the engine would."""
    assert fault.target is not None
    resources = [
        Resource(fault.target.resource_type, one, {"arn": one, "location": "eastus"}) for one in ids
    ]
    subjects = fault.subjects(fault.Parameters.model_construct(), resources, PLAN)
    return [
        Record(
            id=f"{EXPERIMENT}/{action}/{number}",
            action=action,
            holders=(action,),
            fault=fault.id,
            resource=subject.resource,
            effect=fault.effect,
            state=subject.state,
            touches=subject.touches,
        )
        for number, subject in enumerate(subjects)
    ]


def kinds(outcomes: Any, records: Sequence[Record]) -> list[str]:
    """Return the outcomes or effects in the records' order, as words."""
    answers = [outcomes[record.id] for record in records]
    return [str(getattr(a, "kind", None) or a.effect) for a in answers]
