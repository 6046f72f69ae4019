"""Tables and blocks of Markdown, for what is generated."""

from __future__ import annotations

from collections.abc import Iterable


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table, one row a line."""
    lines = [head, tuple("---" for _ in head), *rows]
    cells = ([" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def fenced(language: str, text: str) -> str:
    """Return a block of a language."""
    return f"```{language}\n{text.rstrip()}\n```\n"
