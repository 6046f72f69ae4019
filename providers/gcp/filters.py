"""Narrowing what a list holds: labels on the server, and paths over Google's own JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from unicodedata import category

_LONGEST: Final = 63
_LETTERS: Final = ("Ll", "Lo")
"""Unicode's letters that are lower-case or have no case; beside them numbers are allowed."""


def label_problem(key: str, value: str) -> str | None:
    """Return why no resource can carry a label, or None ("Labeling resources")."""
    allowed = "lower-case letters, digits, - and _, at most 63"
    if not _allowed(key) or category(key[:1] or "-") not in _LETTERS:
        return f"no label has such a key: it begins with a letter and holds {allowed}"
    if not _allowed(value):
        return f"no label has such a value: it holds {allowed}"
    return None


def _allowed(text: str) -> bool:
    return len(text) <= _LONGEST and all(
        letter in "-_"
        or (letter == letter.lower() and (category(letter) in (*_LETTERS, "Nd", "Nl", "No")))
        for letter in text
    )


def label_filter(labels: Mapping[str, str]) -> str:
    """Return the server-side filter for resources that carry all the labels; empty for none."""
    return " AND ".join(f'labels.{key} = "{value}"' for key, value in sorted(labels.items()))


def has_labels(described: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the resource carries exactly these labels, among others."""
    present: Mapping[str, str] = described.get("labels", {})
    return labels.items() <= present.items()
