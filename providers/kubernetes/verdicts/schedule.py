"""The verdict of a Schedule: it ends when no further run fits into the action's time.

A Schedule has no end of its own. So the action goes on as long as another run would be over
before `maxDuration`; after the last of these the action ends, and the Schedule is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from providers.contract import Effect, Observation
from providers.kubernetes import specs
from providers.kubernetes.cron import next_run_past
from providers.kubernetes.resource import CustomResource, metadata, moment
from providers.kubernetes.verdicts import records
from providers.kubernetes.verdicts.status import (
    Around,
    annotation_is_true,
    line,
    object_of,
    objects_of,
)

MAY_COME: Final = timedelta(seconds=10)
"""How long a run that is due may take to begin before it counts as left out."""
OF_SCHEDULE: Final = "managed-by"
"""Label of a run with the name of its Schedule."""


def judge(
    resource: CustomResource, manifest: Mapping[str, Any], now: datetime, around: Around
) -> Observation:
    """Judge a Schedule."""
    spec, status = object_of(manifest.get("spec")), object_of(manifest.get("status"))
    last = moment(status.get("time"))
    active = [line(one.get("name")) for one in objects_of(status.get("active"))]
    begun = bool(last or active or around.parts)
    if active or any(unfinished(resource, part, now) for part in around.parts or ()):
        return Observation(Effect.PRESENT, _running(spec, active, around, now, resource))
    since = last or moment(metadata(manifest).get("creationTimestamp")) or now
    due = next_run_past(str(spec.get("schedule", "")), since, now - MAY_COME)
    if due is None:
        reason = "when its next run is due cannot be told, so it does not end by itself"
        return Observation(Effect.PRESENT if begun else Effect.APPLYING, reason)
    if _fits(due, spec, resource):
        if annotation_is_true(manifest, records.PAUSE):
            reason = f"paused by the annotation {records.PAUSE}; no further run begins"
        else:
            reason = "" if begun else f"its first run is due at {due:%Y-%m-%d %H:%M:%S}Z"
        return Observation(Effect.PRESENT if begun else Effect.APPLYING, reason)
    return _over(resource, around) if begun else _never(due)


def child_kind(spec: Mapping[str, Any]) -> str:
    """Return the kind of its runs."""
    return str(spec.get("type") or "")


def child_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of its runs, which stands under the kind's name: `networkChaos`."""
    wanted = child_kind(spec).lower()
    return next((object_of(value) for key, value in spec.items() if str(key).lower() == wanted), {})


def child_length(spec: Mapping[str, Any]) -> timedelta | None:
    """Return how long a run lasts; None where it does not end by itself."""
    kind, inner = child_kind(spec), child_spec(spec)
    if kind == "Workflow":
        entry = next(
            (
                one
                for one in objects_of(inner.get("templates"))
                if one.get("name") == inner.get("entry")
            ),
            {},
        )
        text = entry.get("deadline")
    elif specs.is_one_shot(kind, inner):
        return timedelta()
    else:
        text = inner.get("duration")
    try:
        return specs.parse_go_duration(str(text)) if text else None
    except ValueError:
        return None


def unfinished(resource: CustomResource, child: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a run is still at it; kinds without records are known by the Schedule only."""
    if metadata(child).get("deletionTimestamp"):
        return True
    if not records.experiment_of(child):
        return False
    return as_child(resource, child, now).effect not in {Effect.ENDED, Effect.FAILED}


def as_child(resource: CustomResource, child: Mapping[str, Any], now: datetime) -> Observation:
    """Judge one run of a Schedule by its own records."""
    spec = object_of(child.get("spec"))
    kind = str(child.get("kind") or resource.child)
    length = child_length({"type": kind, kind: spec})
    named = resource.model_copy(
        update={
            "kind": kind,
            "name": line(metadata(child).get("name")),
            "one_shot": specs.is_one_shot(kind, spec),
            "lasts": length.total_seconds() if length else None,
        }
    )
    return records.judge(named, child, now, Around())


def _fits(due: datetime, spec: Mapping[str, Any], resource: CustomResource) -> bool:
    """Say whether another run would be over before the action's time is."""
    if resource.deadline is None:
        return True
    end = datetime.fromtimestamp(resource.deadline / 1e6, UTC)
    return due + (child_length(spec) or timedelta()) < end


def _running(
    spec: Mapping[str, Any],
    active: list[str],
    around: Around,
    now: datetime,
    resource: CustomResource,
) -> str:
    if child_length(spec) is None and active:
        more = (
            ", and no other begins (concurrencyPolicy Forbid)"
            if spec.get("concurrencyPolicy", "Forbid") == "Forbid"
            else ""
        )
        return f"its run {active[0]} has no end of its own{more}; write a duration into its spec"
    reasons = (as_child(resource, part, now).reason for part in around.parts or ())
    return next(filter(None, reasons), "")


def _over(resource: CustomResource, around: Around) -> Observation:
    runs = resource.notes.runs
    never = {name: words for name, words in runs.items() if words}
    if runs and len(never) == len(runs):
        name, words = next(iter(never.items()))
        return Observation(Effect.FAILED, f"never injected: run {name}: {words}")
    if not runs:
        why = around.unread or "its runs had gone before they were looked at"
        return Observation(Effect.ENDED, f"whether its runs injected anything is not known: {why}")
    if never:
        name, words = next(iter(never.items()))
        return Observation(
            Effect.ENDED, f"{len(never)} of {len(runs)} runs were never injected: {name}: {words}"
        )
    return Observation(Effect.ENDED)


def _never(due: datetime) -> Observation:
    return Observation(
        Effect.FAILED,
        "no run of the Schedule is over before maxDuration: the next would begin at "
        f"{due:%Y-%m-%d %H:%M:%S}Z",
    )
