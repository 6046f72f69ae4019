"""How long a chaos lasts by its own spec, for the engine's deadlines and the dead man's switch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.kubernetes.specs.durations import go_duration, parse_go_duration
from providers.kubernetes.specs.kinds import KINDS
from providers.kubernetes.specs.problems import json_type


def is_one_shot(kind: str, spec: Mapping[str, Any]) -> bool:
    """Whether the chaos happens once and is over, such as a pod-kill: no duration, nothing to undo.

    False for kinds that are not known.
    """
    known = KINDS.get(kind)
    action = spec.get("action")
    return known is not None and isinstance(action, str) and action in known.one_shot


def honours_duration(kind: str, spec: Mapping[str, Any]) -> bool:
    """Whether Chaos Mesh ends this chaos when `spec.duration` has passed."""
    known = KINDS.get(kind)
    return known is not None and known.chaos and not is_one_shot(kind, spec)


def duration_of(kind: str, spec: Mapping[str, Any]) -> timedelta | None:
    """The duration that the user wrote; None if absent, empty, or not honoured by the kind.

    Raises ValueError, naming the field and the mend, when it is not Go duration text.
    """
    text = spec.get("duration")
    if not honours_duration(kind, spec) or text is None or text == "":
        return None
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004 - one exception for all that can be wrong with a document
            f'spec.duration: must be text, is {json_type(text)}, write it like "30s"'
        )
    try:
        return parse_go_duration(text)
    except ValueError as refusal:
        raise ValueError(f"spec.duration: {refusal}") from refusal


def with_duration(kind: str, spec: Mapping[str, Any], duration: timedelta) -> dict[str, Any]:
    """A copy of the spec with this duration, written as Go text.

    Raises ValueError for a kind or an action that ignores durations.
    """
    if not honours_duration(kind, spec):
        action = spec.get("action")
        what = f"{kind} with action {action}" if is_one_shot(kind, spec) else kind
        raise ValueError(f"spec.duration: {what} does not honour a duration, leave it out")
    return {**spec, "duration": go_duration(duration)}
