"""What the engine would hand to the provider, and its answers in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.contract import Fault, Mark, Plan, Resource

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
ROLE = "arn:aws:iam::123456789012:role/chaos"
EXPERIMENT = "EXPabcdefghijkmnop"
INSTALLATION = "lab"
PLAN = Plan(EXPERIMENT, "act", INSTALLATION, None)


def mark_of(fault: Fault, action: str = "act") -> Mark:
    """Return the mark that the engine would have written."""
    return Mark(INSTALLATION, EXPERIMENT, action, fault.id, None, ROLE)


def resources_of(names: Sequence[str], **information: str) -> list[Resource]:
    """Return instances as a target resolves to them."""
    return [Resource("gcp:compute:instance", one, {"arn": one, **information}) for one in names]


def records_of(
    fault: Fault,
    names: Sequence[str],
    parameters: Any = None,
    action: str = "act",
    **information: str,
) -> list[Record]:
    """Make the records that the engine would."""
    subjects = fault.subjects(parameters, resources_of(names, **information), PLAN)
    return [
        Record(
            id=f"{EXPERIMENT}/{action}/{number}",
            action=action,
            holders=(action,),
            fault=fault.id,
            resource=subject.resource,
            effect=fault.effect,
            touches=subject.touches,
            state=subject.state,
        )
        for number, subject in enumerate(subjects)
    ]


def kinds(outcomes: Any, records: Sequence[Record]) -> list[str]:
    """Return the outcomes or effects in the records' order, as words."""
    answers = [outcomes[record.id] for record in records]
    return [str(getattr(a, "kind", None) or a.effect) for a in answers]


def reasons(outcomes: Any, records: Sequence[Record]) -> list[str]:
    """Return the reasons in the records' order."""
    return [outcomes[record.id].reason for record in records]
