"""FIS's resource filters: a PascalCase path over what the Describe call answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.model.template import Filter


def tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return EC2's server-side filters for resources that carry all the tags.

    EC2 reads ``*`` and ``?`` in a value as wildcards, FIS does not: they are escaped.
    """
    return [
        {"Name": f"tag:{key}", "Values": [_literal(value)]} for key, value in sorted(tags.items())
    ]


def server_filters(filters: Sequence[Filter], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return those of FIS's filters that EC2 can apply itself; ``names`` are EC2's, by path.

    EC2 takes a name once only: a second filter of the same path is left to ``matches``, which
    checks them all.
    """
    pushed = {
        names[one.path]: [_literal(value) for value in one.values]
        for one in reversed(filters)
        if one.path in names
    }
    return [{"Name": name, "Values": pushed[name]} for name in sorted(pushed)]


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """Return a resource's tags as the Describe calls of EC2 and Auto Scaling tell them."""
    return {tag["Key"]: tag.get("Value", "") for tag in described.get("Tags", ())}


def has_tags(described: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """Whether the resource carries exactly these tags, among others."""
    return tags.items() <= tags_of(described).items()


def _literal(value: str) -> str:
    return "".join(f"\\{letter}" if letter in "*?\\" else letter for letter in value)
