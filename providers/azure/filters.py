"""Narrowing Azure's resources on our side: filters over ARM's JSON, tags, zones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.azure.describe import tags_of


def has_tags(described: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """Whether a resource carries all the tags; to Azure the case of names does not matter."""
    present = {name.lower(): value for name, value in tags_of(described).items()}
    return all(present.get(name.lower()) == value for name, value in tags.items())


def in_zone(described: Mapping[str, Any], zone: str | None) -> bool:
    """Whether a resource is in an availability zone; in any, where none is asked for."""
    return zone is None or zone in (described.get("zones") or ())


def listed(text: str | None) -> frozenset[str]:
    """Read a comma-separated list, in small letters."""
    words = (word.strip().lower() for word in (text or "").split(","))
    return frozenset(word for word in words if word)
