"""Markdown of what others wrote: it can leave no cell, and become no link, image or markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bridge.cli.output import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|~&$])")


def inline(text: str) -> str:
    """Return others' text as one line of Markdown that is nothing but text."""
    return _MARKUP.sub(r"\\\1", " ".join(clean(text).split()))


def fenced(text: str, language: str = "text") -> list[str]:
    """Return others' text as a fenced block that it cannot close."""
    text = clean(text).rstrip()
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.splitlines(), fence]


def row(cells: Iterable[str]) -> str:
    """Return a row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table with an empty line before it; the cells are Markdown already."""
    yield from ("", row(heads), row(["---"] * len(heads)), *map(row, rows))


def code(text: str) -> str:
    """Return others' text as one code span that it cannot close."""
    text = " ".join(clean(text).split()) or "-"
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    padded = f" {text} " if "`" in text else text
    return f"{fence}{padded}{fence}"
