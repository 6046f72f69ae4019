"""Reading a status of any shape: what is not there, or of another type, is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 200
"""Characters of one text of a status that are passed on."""


@dataclass(frozen=True)
class Around:
    """What stands around a resource in its cluster, as far as the identity may read it."""

    parts: Sequence[Mapping[str, Any]] | None = None
    """What its controller has made for it: the nodes of a Workflow, the runs of a Schedule, the
    results of a ChaosEngine. None where they could not be read."""
    chaos: Mapping[str, Mapping[str, Any]] | None = None
    """The chaos resources of a Workflow's nodes, by the node's name; those that could be read."""
    unread: str = ""
    """Why the parts could not be read."""


NOTHING_AROUND: Final = Around()


def line(value: object) -> str:
    """Return a value as one line of bounded length; empty for what is empty."""
    return " ".join(str(value or "")[: 4 * LONGEST].split())[:LONGEST]


def object_of(value: object) -> dict[str, Any]:
    """Return an object, empty where it is none."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, none where it is none."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def condition(status: Mapping[str, Any], name: str) -> bool:
    """Say whether a condition is True. By its type: the order of conditions is random."""
    return any(
        one.get("type") == name and one.get("status") == "True"
        for one in objects_of(status.get("conditions"))
    )


def annotation_is_true(manifest: Mapping[str, Any], name: str) -> bool:
    """Say whether an annotation is the exact text "true", which alone counts with Chaos Mesh."""
    about = object_of(manifest.get("metadata"))
    return object_of(about.get("annotations")).get(name) == "true"
