"""A document as read: its value, where its parts stand, and what is wrong with the writing."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

from bridge.model.problem import Problem, Severity

MOST_FINDINGS: Final = 50
"""Findings told of one document; its author mends the first few and comes back."""

_LINE_END: Final = re.compile(r"\r\n?|\n")


class Place(NamedTuple):
    """Where something stands in a text, counted from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """Where a text value stands, quotes included: offsets into the whole."""

    start: int
    end: int
    style: str
    """The quote or the sign it begins with (``"``, ``'``, ``|``, ``>``), empty for plain YAML."""
    value: str
    """What it says."""


class Finding(NamedTuple):
    """One thing that is wrong with the writing."""

    place: Place | None
    problem: Problem


class Lines:
    """Offsets of a text as lines and columns."""

    def __init__(self, text: str) -> None:
        """Look for the ends of lines: line feed, carriage return, or both."""
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def place(self, offset: int) -> Place:
        """Return where an offset is."""
        line = bisect_right(self._starts, offset)
        return Place(line, offset - self._starts[line - 1] + 1)

    def offset(self, place: Place) -> int:
        """Return the offset of a place; of a line that is not there, that of the last."""
        return self._starts[min(place.line, len(self._starts)) - 1] + place.column - 1


@dataclass
class Written:
    """One document of a text."""

    text: str
    """The whole text, which may hold further documents."""
    value: Any = None
    is_json: bool = False
    findings: list[Finding] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    """JSON path → where the name of the member, or the item, begins."""
    spans: dict[str, Span] = field(default_factory=dict)
    """JSON path of a text value → where it stands."""
    full: bool = False
    """Whether there was more to find than is told."""

    @property
    def broken(self) -> bool:
        """Whether the value cannot be relied on."""
        return any(one.problem.severity is Severity.ERROR for one in self.findings)

    @cached_property
    def lines(self) -> Lines:
        """Lines of the whole text."""
        return Lines(self.text)

    def place_of(self, path: str) -> Place | None:
        """Return where a JSON path stands, or the nearest part around it that is written."""
        while path:
            if path in self.places:
                return self.places[path]
            path = parent(path)
        return self.places.get("")

    def add(
        self,
        place: Place | None,
        message: str,
        path: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Note a finding, up to a number of them."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(place, Problem(path, message, severity)))
        elif not self.full:
            self.full = True
            self.findings.append(Finding(place, Problem("", "has more problems than are told")))


def twice(first: Place) -> str:
    """Return what is wrong with a name that an object has already."""
    where = f"line {first.line}, column {first.column}"
    return f"stands twice, first in {where}; remove one of them"


def deeper(levels: int) -> str:
    """Return what is wrong with a document of too many levels."""
    return f"is nested more than {levels} levels deep; flatten it"


def deeper_than(value: object, levels: int) -> bool:
    """Whether lists and objects of a value are nested deeper than that."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def parent(path: str) -> str:
    """Return the path around a path, as `wording.child` builds them."""
    if path.endswith('"]'):
        return path[: path.rindex('["')]
    if path.endswith("]"):
        return path[: path.rindex("[")]
    return path.rpartition(".")[0]
