"""What Chaos Mesh wants of a chaos resource right now: to run, or to stop.

Order of the questions as in its `desiredphase` controller: being deleted, one-shot, duration,
pause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_KINDS
from bridge.sandbox.kubernetes.go_duration import parse_go_duration

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.objects import Object

PAUSE_ANNOTATION = "experiment.chaos-mesh.org/pause"

MESSAGES = {
    "Deleted": "Experiment has been deleted",
    "TimeUp": "Time up according to the duration",
    "Paused": "Experiment has been paused",
    "Started": "Experiment has started",
}


@dataclass(frozen=True)
class DesiredPhase:
    """Run or Stop; the event that goes with a change to it; when it will change by itself."""

    phase: Literal["Run", "Stop"]
    reason: str = ""
    until: datetime | None = None


def is_paused(chaos: Object) -> bool:
    """Tell whether a resource is paused: by the exact text "true", nothing else."""
    annotations = chaos["metadata"].get("annotations") or {}
    return bool(annotations.get(PAUSE_ANNOTATION) == "true")


def end_of_duration(chaos: Object) -> datetime | None:
    """When `spec.duration` is over, counted from creation, not from injection.

    None for a resource without a duration, or with one that cannot be read (TimeChaos is
    admitted with any text): it runs until it is deleted.
    """
    try:
        duration = parse_go_duration(chaos["spec"].get("duration") or "")
        created = datetime.fromisoformat(chaos["metadata"]["creationTimestamp"])
        return created.astimezone(UTC) + duration
    except (ValueError, OverflowError):
        return None


def desired_phase(chaos: Object, now: datetime) -> DesiredPhase:
    """Decide what a chaos resource should be doing at this moment."""
    if "deletionTimestamp" in chaos["metadata"]:
        return DesiredPhase("Stop", "Deleted")
    if CHAOS_KINDS[chaos["kind"]].is_one_shot(chaos["spec"]):
        return DesiredPhase("Run")
    end = end_of_duration(chaos)
    if end is not None and now >= end:
        return DesiredPhase("Stop", "TimeUp")
    if is_paused(chaos):
        return DesiredPhase("Stop", "Paused", until=end)
    return DesiredPhase("Run", "Started", until=end)
