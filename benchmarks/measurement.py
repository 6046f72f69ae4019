"""What is measured of one run: the way to its first effect, and the calls that it made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator_process import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator_process import Call

EFFECTS: Final = ("StopInstances", "StartInstances")
SAFETY: Final = ("identity", "alarms", "targets", "rights", "marks", "observation")
"""Kinds of calls that have no effect on an instance: who acts, the stop conditions, which
instances, whether the role may, the undo written on them, how they are."""

_KINDS: Final = {
    "AssumeRole": "identity",
    "DescribeAlarms": "alarms",
    "CreateTags": "marks",
    "DeleteTags": "marks",
}
_DRY_RUN: Final = 412
"""HTTP status of EC2's DryRunOperation: "would have succeeded"."""
_OK: Final = 200


@dataclass(frozen=True)
class Sample:
    """One run, from the request that starts it."""

    seconds: float
    """Until the first StopInstances arrived, less ``handled``."""
    handled: float
    """Seconds within that time in which the emulator was busy with earlier calls."""
    effects: Mapping[str, int]
    safety: Mapping[str, int]


def sample(started: float, calls: Sequence[Call]) -> Sample:
    """Judge a run by the calls that it made, oldest first. Raises BenchmarkError."""
    first = next((i for i, call in enumerate(calls) if _kind(call) == "StopInstances"), None)
    if first is None:
        raise BenchmarkError("no instance was stopped")
    arrived = calls[first].at
    handled = busy(calls[:first], arrived)
    # The targets of the fault are looked for before it; a look after it is how they are.
    counted = Counter(_kind(call, looking_for="targets") for call in calls[:first])
    counted += Counter(_kind(call) for call in calls[first:])
    if unknown := sorted(set(counted) - {*EFFECTS, *SAFETY}):
        raise BenchmarkError(f"calls that nobody expects: {', '.join(unknown)}")
    if not counted["StartInstances"]:
        raise BenchmarkError("no instance was started again")
    return Sample(
        seconds=arrived - started - handled,
        handled=handled,
        effects={name: counted[name] for name in EFFECTS},
        safety={name: counted[name] for name in SAFETY},
    )


def _kind(call: Call, *, looking_for: str = "observation") -> str:
    if call.operation in EFFECTS:
        if call.status == _DRY_RUN:
            return "rights"
        return call.operation if call.status == _OK else f"{call.operation}, refused"
    if call.operation.startswith("Describe") and call.service == "ec2":
        return looking_for
    return _KINDS.get(call.operation, f"{call.service}:{call.operation}")


def busy(calls: Sequence[Call], until: float) -> float:
    """Return the seconds in which at least one call was handled: those side by side count once."""
    seconds, end = 0.0, 0.0
    for call in calls:
        begun, done = max(call.at, end), min(call.at + call.handling, until)
        seconds += max(0.0, done - begun)
        end = max(end, done)
    return seconds
