"""What each call of a run is for, and the fewest that each cloud's API allows.

A run finds its machines by a tag, makes sure of its rights, writes a mark on each machine, stops
it, sees that it is stopped, starts it, sees that it runs, and removes the mark. Credentials are at
hand where one token serves many runs. Nothing is counted that an answer already had: the list in
which the targets are found also says how they are, and a look says of every machine how it is, so
no operation needs to be asked.

**AWS.** 1,000 instances a call: the largest page of DescribeInstances, and what CreateTags takes;
StopInstances, StartInstances and DeleteTags name no limit, 1,000 is asked of them too. Marks of
one text are one call each way. The role is assumed once per run, since the session carries the
run's name into the audit trail. EC2 answers for one right a call, by a dry run.

**Google Cloud.** ``instances.stop``, ``start`` and ``setLabels`` take one instance a call (the
bulk method that exists inserts). A list has 500 on a page at most. setLabels needs a fingerprint,
which lists carry: that of the targets for the first mark, that of the last look for its removal.
``testIamPermissions`` asks for many permissions at once.

**Azure.** ``powerOff`` and ``start`` take one machine a call, and so does the Tags API. (The
Compute Schedule API starts and deallocates up to 100 in a call, but does not power off, and needs
a resource provider that a subscription may not have registered: not counted.) A list carries
either the machines with their tags or, with ``statusOnly``, their power states, so the targets
take two of them. Azure documents no size of their pages; the emulator's is 200, and counted.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Final

from emulator_process import BenchmarkError, Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS: Final = (
    "identity",
    "targets",
    "rights",
    "marks",
    "effects",
    "observation",
    "operations",
    "undo",
)
"""Who acts; which machines, and how they are before the fault; whether the caller may; the undo
written on them and removed; stopping; looks after that; asked operations; starting."""
CERTAIN: Final = ("effects", "undo")
"""The kinds of which there must not be one call more than needed."""

PAGE: Final = {"aws": 1000, "gcp": 500, "azure": 200}
"""Machines in one answer of the list that a look reads."""

_LOOK: Final = "look"
_OPERATIONS: Final = {
    "aws": {
        "AssumeRole": "identity",
        "DescribeInstances": _LOOK,
        "CreateTags": "marks",
        "DeleteTags": "marks",
        "StopInstances": "effects",
        "StartInstances": "undo",
    },
    "gcp": {
        "token": "identity",
        "generateAccessToken": "identity",
        "instances.get": _LOOK,
        "instances.list": _LOOK,
        "instances.aggregatedList": _LOOK,
        "instances.testIamPermissions": "rights",
        "instances.setLabels": "marks",
        "instances.stop": "effects",
        "instances.start": "undo",
        "zoneOperations.get": "operations",
        "zoneOperations.list": "operations",
    },
    "azure": {
        "Tokens_Get": "identity",
        "VirtualMachines_Get": _LOOK,
        "VirtualMachines_InstanceView": _LOOK,
        "VirtualMachines_List": _LOOK,
        "VirtualMachines_ListAll": _LOOK,
        "Resources_List": _LOOK,
        "Resources_ListByResourceGroup": _LOOK,
        "Permissions_ListForResourceGroup": "rights",
        "Permissions_ListForResource": "rights",
        "Tags_GetAtScope": "marks",
        "Tags_UpdateAtScope": "marks",
        "VirtualMachines_PowerOff": "effects",
        "VirtualMachines_Start": "undo",
        "Operations_Get": "operations",
    },
}
_DRY_RUN: Final = 412
"""HTTP status of EC2's DryRunOperation: "would have succeeded"."""


def fewest(cloud: str, size: int) -> dict[str, int]:
    """Return the fewest calls of a run on ``size`` machines, by kind: see the module."""
    pages = ceil(size / PAGE[cloud])
    each = pages if cloud == "aws" else size
    return {
        "identity": 1 if cloud == "aws" else 0,
        "targets": 2 * pages if cloud == "azure" else pages,
        "rights": 2 if cloud == "aws" else 1,
        "marks": 2 * each,
        "effects": each,
        "observation": 2 * pages,
        "operations": 0,
        "undo": each,
    }


def kinds_of(cloud: str, calls: Sequence[Call], ended: float) -> list[str]:
    """Return what each call was for, ``calls`` being oldest first.

    A look before the first mark or effect is for the targets, one after ``ended`` (the end of the
    run, in seconds since the epoch) for the removal of marks. Raises BenchmarkError for a call
    that nobody expects, and for one that was refused.
    """
    kinds: list[str] = []
    look = "targets"
    for call in calls:
        kind = _kind(_OPERATIONS[cloud], call)
        if kind in ("marks", "effects") and look == "targets":
            look = "observation"
        if call.at > ended:
            look = "marks"
        kinds.append(look if kind == _LOOK else kind)
    return kinds


def _kind(operations: Mapping[str, str], call: Call) -> str:
    if call.operation not in operations:
        raise BenchmarkError(f"a call that nobody expects: {call.service} {call.operation}")
    if call.status == _DRY_RUN:
        return "rights"
    if call.status not in (200, 202, 204):
        raise BenchmarkError(f"{call.operation} was answered with {call.status}")
    return operations[call.operation]


def counted(kinds: Sequence[str]) -> dict[str, int]:
    """Count the calls by kind."""
    counts = Counter(kinds)
    return {kind: counts[kind] for kind in KINDS}
