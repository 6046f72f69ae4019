"""FIS's resource filters: a PascalCase path over what the Describe call answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.model.template import Filter


def matches(described: Mapping[str, Any], filters: Sequence[Filter]) -> bool:
    """Whether every filter finds one of its values somewhere at its path.

    Several filters are joined by AND, a filter's values by OR, and so are several values
    found at one path (FIS user guide, "target resource filters").
    """
    return all(
        any(value in one.values for value in _texts(described, one.path.split(".")))
        for one in filters
    )


def _texts(found: Any, path: Sequence[str]) -> Iterator[str]:
    """Yield what is at the path, as text; lists are walked through."""
    if isinstance(found, (list, tuple)):
        for element in found:
            yield from _texts(element, path)
    elif path:
        if isinstance(found, Mapping) and path[0] in found:
            yield from _texts(found[path[0]], path[1:])
    elif isinstance(found, bool):
        yield str(found).lower()
    elif isinstance(found, datetime):
        yield found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    elif not isinstance(found, Mapping):
        yield str(found)


def tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return EC2's server-side filters for resources that carry all the tags.

    EC2 reads ``*`` and ``?`` in a value as wildcards, FIS does not: they are escaped.
    """
    return [
        {"Name": f"tag:{key}", "Values": [_literal(value)]} for key, value in sorted(tags.items())
    ]


def has_tags(described: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """Whether the resource carries exactly these tags, among others."""
    present = {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}
    return tags.items() <= present.items()


def _literal(value: str) -> str:
    return "".join(f"\\{letter}" if letter in "*?\\" else letter for letter in value)
