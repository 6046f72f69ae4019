"""The verdict of any kind whose author says where its state stands (`kubernetesStatus`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from providers.contract import Effect, Observation
from providers.kubernetes.status_path import StatusPath, read_path
from providers.kubernetes.verdicts.status import line


def judge(chosen: StatusPath, manifest: Mapping[str, Any]) -> Observation:
    """Judge by the value at the path; what no list names has not come into effect yet."""
    found = read_path(chosen.path, manifest)
    values = [_text(value) for value in found]
    for words, effect in (
        (chosen.failed, Effect.FAILED),
        (chosen.ended, Effect.ENDED),
        (chosen.in_effect, Effect.PRESENT),
    ):
        hit = next((value for value in values if value in words), None)
        if hit is not None:
            reason = f"{chosen.path} is {line(hit)}" if effect is Effect.FAILED else ""
            return Observation(effect, reason)
    shown = f"is {line(values[0])}" if values else "is not there"
    if not chosen.in_effect:
        return Observation(Effect.PRESENT)
    return Observation(
        Effect.APPLYING, f"{chosen.path} {shown} yet" if not values else f"{chosen.path} {shown}"
    )


def _text(value: object) -> str:
    """Return a value as a list may name it: texts as they are, others as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
