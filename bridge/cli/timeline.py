"""A run's journal in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bridge.cli.output import clean
from bridge.client.documents import JournalEvent
from bridge.model.event import EventType
from iam.principal import LOCAL

_NAMED: Final = 3
"""Resources named in one sentence; the others are counted."""

Details = Mapping[str, Any]


def sentence(event: JournalEvent) -> str | None:
    """Return what happened, in one line; None for entries that only serve machines."""
    words = _SENTENCES.get(event.type)
    if words is None:
        return None
    return " ".join(clean(words(event.details)).split())


def since(start: datetime, moment: datetime) -> str:
    """Return the time since a run's beginning, as ``+12.3s`` or ``+1:02:03``."""
    seconds = (moment - start).total_seconds()
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"+{max(seconds, 0):.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{rest:02}" if hours else f"+{minutes}:{rest:02}"


def short(resource: str) -> str:
    """Return the part of a resource's full name that tells it from its neighbours."""
    return clean(resource).rpartition(":")[2].rpartition("/")[2] or clean(resource)


def named(resources: Sequence[str]) -> str:
    """Return some resources by name, and how many more there are."""
    text = ", ".join(short(resource) for resource in resources[:_NAMED])
    more = len(resources) - _NAMED
    return f"{text} and {more} more" if more > 0 else text


def _state(details: Details, key: str) -> tuple[str, str]:
    state = details.get(key) or {}
    return str(state.get("status", "")), str(state.get("reason", ""))


def _target(details: Details) -> str:
    name = details.get("target_name")
    if error := details.get("error_information"):
        return f"target {name}: {error}"
    count = details.get("resolved_targets_count")
    return f"target {name}: {count} of {details.get('target_type')}"


def _change(details: Details) -> str:
    return f"experiment {details.get('new')}: {details.get('reason', '')}"


def _action_start(details: Details) -> str:
    what = details.get("action_template") or details.get("action_id")
    return f"action {details.get('action_name')} starts ({what})"


def _action_end(details: Details) -> str:
    status, reason = _state(details, "action_state")
    return f"action {details.get('action_name')} {status}: {reason}"


def _action_error(details: Details) -> str:
    _, reason = _state(details, "action_state")
    return f"error at {details.get('location') or 'the experiment'}: {reason}"


def _experiment_end(details: Details) -> str:
    status, reason = _state(details, "experiment_state")
    return f"experiment {status}: {reason}"


def _phase(details: Details) -> str:
    reason = details.get("reason")
    which = named(details.get("resources", []))
    phase = f"{details.get('action')}: {which} {details.get('phase')}"
    return f"{phase} ({reason})" if reason else phase


def _by(details: Details) -> str:
    """Return who did it; nothing where nobody is asked who they are."""
    principal = str(details.get("principal", LOCAL.name))
    return "" if principal == LOCAL.name else f" by {principal}"


def _stop_requested(details: Details) -> str:
    how = ", pushed" if details.get("pushed") else ""
    by = _by(details)
    return f"stop asked for ({details.get('cause')}{how}{by}): {details.get('reason', '')}"


def _unmarked(details: Details) -> str:
    which = named(details.get("resources", []))
    return f"no undo mark on {which}: {details.get('reason', '')}"


def _retry(details: Details) -> str:
    which = named(details.get("resources", []))
    tries = details.get("attempts")
    return f"undoing {which} failed (attempt {tries}), trying again: {details.get('reason', '')}"


def _released(details: Details) -> str:
    done = f" ({details['done']})" if details.get("done") else ""
    what = short(str(details.get("resource", "")))
    return f"{what} given up{_by(details)}: {details.get('reason', '')}{done}"


def _release_refused(details: Details) -> str:
    resource = short(str(details.get("resource", "")))
    return f"{resource} could not be released: {details.get('reason', '')}"


def _resource_event(details: Details) -> str:
    who = short(str(details.get("resource", "")))
    reason = details.get("reason")
    return (
        f"{who}: {reason}: {details.get('message')}"
        if reason
        else f"{who}: {details.get('message')}"
    )


def _resource_state(details: Details) -> str:
    who = short(str(details.get("resource", "")))
    part = f" {details['part']}" if details.get("part") else ""
    words = [
        str(details[key])
        for key in ("template", "type", "phase", "verdict", "chaos", "targets", "reason", "error")
        if details.get(key)
    ]
    return f"{who}{part}: {', '.join(words)}"


def _preflight(details: Details) -> str:
    checks = details.get("checks") or []
    verdict = str(details.get("verdict", ""))
    if verdict == "ok":
        said = f"{len(checks)} ok"
    else:
        names = ", ".join(str(one.get("what")) for one in checks)
        said = f"{'cannot check' if verdict == 'cannot-check' else verdict}: {names}"
    return f"{details.get('action_name')}: before the run: {said}"


def _late(details: Details) -> str:
    return f"a late {details.get('call')} came back; what it did is undone"


_SENTENCES: Final[Mapping[EventType, Callable[[Details], str]]] = {
    EventType.EXPERIMENT_START: lambda details: f"experiment starts{_by(details)}",
    EventType.TARGET_RESOLUTION_DETAIL: _target,
    EventType.STATE_CHANGE: _change,
    EventType.ACTION_START: _action_start,
    EventType.ACTION_END: _action_end,
    EventType.ACTION_ERROR: _action_error,
    EventType.EXPERIMENT_END: _experiment_end,
    EventType.RECORD_PHASE: _phase,
    EventType.STOP_REQUESTED: _stop_requested,
    EventType.UNMARKED: _unmarked,
    EventType.REVERT_RETRY: _retry,
    EventType.RELEASED: _released,
    EventType.RELEASE_REFUSED: _release_refused,
    EventType.RESOURCE_EVENT: _resource_event,
    EventType.RESOURCE_STATE: _resource_state,
    EventType.LATE_EFFECT: _late,
    EventType.PREFLIGHT: _preflight,
}
