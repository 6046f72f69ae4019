"""Whether a document can be JSON at all, and is of a size that a cluster would take.

YAML brings in what JSON does not have: dates, numbers as keys, endless loops by anchors. All walks
here are iterative and bounded, so that no document can exhaust the stack or the machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.problems import shown

DEEPEST: Final = 64
MOST_VALUES: Final = 50_000
# The API server's limit of a request is 3 MiB, etcd's of an object 1.5 MiB.
MOST_TEXT: Final = 1_500_000


def document_problems(document: Any, path: str) -> list[Problem]:
    """What keeps `document` from being a JSON document of reasonable size; empty when nothing."""
    waiting: list[tuple[Any, str, int]] = [(document, path, 0)]
    values = 0
    text = 0
    while waiting:
        value, where, depth = waiting.pop()
        values += 1
        if depth > DEEPEST:
            return [Problem(path, f"is nested more than {DEEPEST} levels deep, flatten it")]
        if isinstance(value, dict):
            odd = next((key for key in value if not isinstance(key, str)), None)
            if odd is not None or None in value:
                return [Problem(where, f"has the key {shown(odd)}, keys are text: quote it")]
            text += sum(map(len, value))
        elif isinstance(value, str):
            text += len(value)
        elif problem := _not_json(value, where):
            return [problem]
        if values + len(waiting) > MOST_VALUES or text > MOST_TEXT:
            return [Problem(path, "is larger than a cluster accepts (1.5 MiB), shorten it")]
        if isinstance(value, dict | list) and len(value) + values > MOST_VALUES:
            return [Problem(path, "is larger than a cluster accepts (1.5 MiB), shorten it")]
        waiting.extend((member, below, depth + 1) for below, member in _members(value, where))
    return []


def _members(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield child(where, key), member
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield child(where, index), member


def _not_json(value: Any, where: str) -> Problem | None:
    if value is None or isinstance(value, bool | int | list):
        return None
    if isinstance(value, float):
        if math.isfinite(value):
            return None
        return Problem(where, f"{value} is not a number in JSON, write a finite one")
    return Problem(where, f"is a {type(value).__name__}, which JSON does not have: quote it")
