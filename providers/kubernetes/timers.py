"""The timers that a resource carries itself: the user's own, and ours as a dead man's switch.

What the user wrote is never changed. Where nothing is written and the kind ends itself by a
timer, ours is set a little later than the run would end it, so that the fault goes even if no
bridge ever comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from providers.kubernetes import specs
from providers.kubernetes.resource import CHAOS_MESH, LITMUS
from providers.kubernetes.verdicts.status import object_of, objects_of

GRACE: Final = timedelta(seconds=60)
"""How much later than the run the resource's own timer ends the fault."""


def written_timer(group: str, kind: str, spec: Mapping[str, Any]) -> tuple[str, timedelta] | None:
    """Return path and length of the timer that the author wrote, the longest of several.

    Durations that cannot be read are skipped: the check of the spec names them.
    """
    found = [(path, length) for path, length in _timers(group, kind, spec) if length is not None]
    return max(found, key=lambda timer: timer[1], default=None)


def with_switch(
    group: str, kind: str, spec: Mapping[str, Any], limit: timedelta
) -> tuple[dict[str, Any], timedelta | None]:
    """Return the spec to create, and after how long the resource then ends by itself.

    ``limit`` is the action's maximum duration. A Schedule has no timer that could end it, and a
    StatusCheck breaks nothing. Litmus is left as written: its
    TOTAL_CHAOS_DURATION is the length of the chaos, not a limit, and each ChaosExperiment has a
    default for it. None where nothing would ever end it.
    """
    written = written_timer(group, kind, spec)
    if written is not None:
        return dict(spec), written[1]
    if group == CHAOS_MESH and kind == "Workflow":
        made = _with_entry_deadline(spec, limit + GRACE)
        return made, None if made == spec else limit + GRACE
    if group == CHAOS_MESH and specs.honours_duration(kind, spec):
        return specs.with_duration(kind, spec, limit + GRACE), limit + GRACE
    return dict(spec), None


def _timers(
    group: str, kind: str, spec: Mapping[str, Any]
) -> Iterator[tuple[str, timedelta | None]]:
    if group == CHAOS_MESH and kind == "Workflow":
        yield from _deadlines_of_entry(spec)
    elif group == CHAOS_MESH and kind == "StatusCheck":
        yield "duration", _go(spec.get("duration"))
    elif group == CHAOS_MESH:
        try:
            yield "duration", specs.duration_of(kind, spec)
        except ValueError:
            return
    elif group == LITMUS and kind == "ChaosEngine":
        yield from _variables(spec)


def _deadlines_of_entry(spec: Mapping[str, Any]) -> Iterator[tuple[str, timedelta | None]]:
    for number, template in enumerate(objects_of(spec.get("templates"))):
        if template.get("name") == spec.get("entry") and template.get("deadline"):
            yield f"templates[{number}].deadline", _go(template["deadline"])


def _variables(spec: Mapping[str, Any]) -> Iterator[tuple[str, timedelta | None]]:
    for number, experiment in enumerate(objects_of(spec.get("experiments"))):
        components = object_of(object_of(experiment.get("spec")).get("components"))
        for place, variable in enumerate(objects_of(components.get("env"))):
            if variable.get("name") == "TOTAL_CHAOS_DURATION":
                path = f"experiments[{number}].spec.components.env[{place}].value"
                yield path, _seconds(variable.get("value"))


def _with_entry_deadline(spec: Mapping[str, Any], length: timedelta) -> dict[str, Any]:
    deadline = specs.go_duration(length)
    return {
        **spec,
        "templates": [
            {**template, "deadline": deadline} if _is_open_entry(template, spec) else template
            for template in spec.get("templates") or ()
        ],
    }


def _is_open_entry(template: object, spec: Mapping[str, Any]) -> bool:
    """Whether a template is the entry and says nothing of its end; what cannot be read is kept."""
    return (
        isinstance(template, dict)
        and template.get("name") == spec.get("entry")
        and template.get("deadline") is None
    )


def _go(text: object) -> timedelta | None:
    try:
        return specs.parse_go_duration(str(text))
    except ValueError:
        return None


def _seconds(text: object) -> timedelta | None:
    try:
        return timedelta(seconds=int(str(text)))
    except (ValueError, OverflowError):
        return None
