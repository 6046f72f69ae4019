"""Chaos that is stored in a Schedule or a Workflow and that no webhook looks at.

Its CRD's schema is held to, its quantities and durations are not: what is wrong with those is
found when the chaos is created, or never.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from providers.kubernetes.specs.embedded import FIELDS

Step = str | int
CONSEQUENCE: Final = "and fails or ignores it when its turn comes"


def unjudged(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Step, ...]]:
    """Yield the places in a spec that the kind's webhook passes over, as paths of keys.

    A Schedule's webhook reads the chaos of its type, a Workflow's that of each template's type.
    """
    if kind == "Schedule":
        yield from _others(spec.get("type"), ())
        yield ("workflow",)
    elif kind == "Workflow" and isinstance(templates := spec.get("templates"), list):
        for index, template in enumerate(templates):
            if isinstance(template, Mapping):
                yield from _others(template.get("templateType"), ("templates", index))
                yield "templates", index, "schedule"


def _others(kind: object, place: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    for name, field in FIELDS.items():
        if name != kind:
            yield *place, field


def passes(error: ErrorDetails, expected: Mapping[str, Any], places: set[tuple[Step, ...]]) -> bool:
    """Say whether a cluster takes what this error is about: a text, where nobody reads it."""
    location = error["loc"]
    inside = any(location[:length] in places for length in range(1, len(location)))
    plain = expected.get("type") == "string" and not expected.keys() & {"pattern", "enum", "format"}
    return inside and plain and error["type"] == "value_error" and isinstance(error["input"], str)


def with_values(spec: dict[str, Any], values: Mapping[tuple[Step, ...], Any]) -> dict[str, Any]:
    """Return a copy of a spec with these values in their places."""
    result = copy.deepcopy(spec)
    for (*path, last), value in values.items():
        holder: Any = result
        for key in path:
            holder = holder[key]
        holder[last] = value
    return result
