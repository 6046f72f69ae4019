"""The kinds of value in the FIS service model, and what is wrong with one that does not fit.

A request is checked against a table of these (`requests`), since the AWS SDKs check required
members and least lengths only: all else is the server's to refuse. Lengths are in characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.model.problem import Problem
from bridge.model.wording import child, quote, quoted_list, suggestion

NOT_BLANK: Final = r"[\S]+"
"""Unanchored in the service model, so it asks for one character that is no space."""
NOT_EMPTY: Final = r"[\s\S]+"
ANYTHING: Final = r"[\s\S]*"
TARGET_PARAMETER: Final = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$"
"""The one anchored pattern of the service model."""

_PUNCTUATION: Final = frozenset("_.:/=+-@")


def _letters_and_signs(text: str) -> bool:
    return bool(text) and all(
        char in _PUNCTUATION or unicodedata.category(char)[0] in "LZN" for char in text
    )


_PATTERNS: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    NOT_BLANK: (lambda text: bool(text.strip()), "is blank; write at least one character"),
    NOT_EMPTY: (bool, "is empty; write at least one character"),
    ANYTHING: (lambda _: True, ""),
    TARGET_PARAMETER: (
        _letters_and_signs,
        "has a character that is not allowed; use letters, digits, spaces and _ . : / = + - @ only",
    ),
}


@dataclass(frozen=True)
class Text:
    """A string."""

    most: int | None = None
    pattern: str = ANYTHING
    least: int = 0
    choices: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """Choices of the service model that the bridge does not act on, and why."""
    example: str = ""
    """Shown where the value is missing or too short."""


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Items:
    """A list."""

    item: Shape
    most: int | None = None


@dataclass(frozen=True)
class Entries:
    """A map with names that the author chooses."""

    key: Text
    value: Shape
    most: int | None = None
    exceptions: Mapping[str, Text] = field(default_factory=dict)
    """Names whose value has other limits than the service model's."""


@dataclass(frozen=True)
class Structure:
    """An object with a fixed set of members. A member that is null counts as absent."""

    members: Mapping[str, Shape]
    required: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Refused:
    """A member of the service model that the bridge does not act on, refused by name."""

    because: str


@dataclass(frozen=True)
class Anything:
    """Whatever JSON can say; who reads it judges it."""


Shape = Text | Whole | Items | Entries | Structure | Refused | Anything


def problems(shape: Shape, value: Any, path: str) -> Iterator[Problem]:
    """Yield everything in which a JSON value does not fit a shape, in document order."""
    match shape:
        case Text():
            yield from (Problem(path=path, message=message) for message in _text(shape, value))
        case Whole():
            yield from (Problem(path=path, message=message) for message in _whole(shape, value))
        case Items():
            yield from _items(shape, value, path)
        case Entries():
            yield from _entries(shape, value, path)
        case Structure():
            yield from _structure(shape, value, path)
        case Refused():
            yield Problem(path=path, message=shape.because)
        case Anything():
            pass


def _text(shape: Text, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield _wrong_type(value, "a string", "put it in double quotes")
        return
    if shape.choices:
        if value in shape.refused:
            yield shape.refused[value]
        elif value not in shape.choices:
            yield f"{quote(value)} is not known; write {quoted_list(shape.choices)}"
        return
    fits, complaint = _PATTERNS[shape.pattern]
    if not fits(value):
        yield complaint + _example(shape)
    elif len(value) < shape.least:
        short = f"{quote(value)} is shorter than {shape.least} characters"
        yield f"{short}; write it in full{_example(shape)}"
    if shape.most is not None and len(value) > shape.most:
        yield f"has {len(value)} characters; shorten it to {shape.most}"


def _whole(shape: Whole, value: Any) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield _wrong_type(value, "a whole number", "write digits, without quotes")
    elif shape.least is not None and value < shape.least:
        yield f"is less than {shape.least}; raise it"
    elif shape.most is not None and value > shape.most:
        yield f"is more than {shape.most}; lower it"


def _items(shape: Items, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield Problem(path=path, message=_wrong_type(value, "a list", "put it in [ ]"))
        return
    if shape.most is not None and len(value) > shape.most:
        yield Problem(path=path, message=f"has {len(value)} items; list at most {shape.most}")
    for index, item in enumerate(value):
        yield from problems(shape.item, item, child(path, index))


def _entries(shape: Entries, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path=path, message=_wrong_type(value, "an object", "write { name: value }"))
        return
    if shape.most is not None and len(value) > shape.most:
        yield Problem(path=path, message=f"has {len(value)} entries; give at most {shape.most}")
    for key, item in value.items():
        for message in _text(shape.key, key):
            yield Problem(path=child(path, key), message=f"the name {message}")
        yield from problems(shape.exceptions.get(key, shape.value), item, child(path, key))


def _structure(shape: Structure, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path=path, message=_wrong_type(value, "an object", "write { … }"))
        return
    given = {key for key, item in value.items() if item is not None}
    for name, member in shape.members.items():
        if name in shape.required and name not in given:
            hint = _example(member) if isinstance(member, Text) else ""
            yield Problem(path=child(path, name), message=f"is required; add it{hint}")
        elif name in given:
            yield from problems(member, value[name], child(path, name))
    for name in value:
        if name not in shape.members:
            known = [n for n, m in shape.members.items() if not isinstance(m, Refused)]
            mend = suggestion(name, known, "remove it")
            yield Problem(path=child(path, name), message=f"is not a member of this object; {mend}")


def _example(shape: Text) -> str:
    return f", such as {quote(shape.example)}" if shape.example else ""


def _wrong_type(value: Any, wanted: str, mend: str) -> str:
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    found = "null" if value is None else names.get(type(value), "a number")
    return f"is {found}, not {wanted}; {mend}"
