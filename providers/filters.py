"""Narrowing targets: FIS's resource filters, a dotted path over what the cloud answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.model.template import Filter


def matches(
    described: Mapping[str, Any], filters: Sequence[Filter], *, any_case: bool = False
) -> bool:
    """Whether every filter finds one of its values somewhere at its path.

    Several filters are joined by AND, a filter's values by OR, and so are several values
    found at one path (FIS user guide, "target resource filters"). With ``any_case`` the case
    of the path's names does not matter.
    """
    return all(
        any(value in one.values for value in _texts(described, one.path.split("."), any_case))
        for one in filters
    )


def _texts(found: Any, path: Sequence[str], any_case: bool) -> Iterator[str]:
    """Yield what is at the path, as text; lists are walked through."""
    if isinstance(found, (list, tuple)):
        for element in found:
            yield from _texts(element, path, any_case)
    elif path:
        if isinstance(found, Mapping):
            for name, value in found.items():
                if name == path[0] or (any_case and name.lower() == path[0].lower()):
                    yield from _texts(value, path[1:], any_case)
    elif isinstance(found, bool):
        yield str(found).lower()
    elif isinstance(found, datetime):
        yield found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    elif found is not None and not isinstance(found, Mapping):
        yield str(found)
