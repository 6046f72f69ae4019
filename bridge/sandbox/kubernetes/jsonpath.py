"""The JSONPath that printer columns use: fields, indexes, `[*]` and `[?(@.a=="b")]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>[^.\[\]]+)
      | \[(?P<index>-?\d+)\]
      | \[(?P<all>\*)\]
      | \['(?P<quoted>[^']+)'\]
      | \[\?\(@\.(?P<key>[^=!\s]+)\s*==\s*["'](?P<value>[^"']*)["']\)\]""",
    re.VERBOSE,
)


def reader(path: str) -> Callable[[dict[str, Any]], Any]:
    r"""Compile a path such as `.status.conditions[?(@.type=="Ready")].status`.

    The returned function gives the first value found, None where there is none. A dot within a
    field is written `\.`. A path that cannot be read finds nothing, as in a real API server.
    """
    text = path.strip().strip("{}").replace("\\.", "\0")
    steps = list(_STEP.finditer(text))
    if "".join(step.group() for step in steps) != text:
        return lambda _obj: None

    def read(obj: dict[str, Any]) -> Any:
        found: list[Any] = [obj]
        for step in steps:
            found = [inner for value in found for inner in _take(value, step)]
        return found[0] if found else None

    return read


def _take(value: object, step: re.Match[str]) -> list[Any]:
    field = step["field"] or step["quoted"]
    if field:
        field = field.replace("\0", ".")
        return [value[field]] if isinstance(value, dict) and field in value else []
    if not isinstance(value, list):
        return []
    if step["all"]:
        return value
    if step["index"]:
        index = int(step["index"])
        return value[index : index + 1] if index >= 0 else value[index:][:1]
    return [
        item
        for item in value
        if isinstance(item, dict) and str(item.get(step["key"])) == step["value"]
    ]
