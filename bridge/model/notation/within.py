"""Where a place within a text value is, in the document that holds the text."""

from __future__ import annotations

import re
from typing import Final

from bridge.model.notation.written import Place, Span, Written

_CHARACTER: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]",
    re.DOTALL,
)
"""What stands for one character in a JSON string."""
_HEADER: Final = re.compile(r"[|>][-+1-9]*[^\n]*\n")


def place_within(written: Written, path: str, inner: Place) -> Place | None:
    """Return where a place of the text at ``path`` is in the document around it.

    Where that cannot be told (folded YAML), it is where the text begins; None for no text.
    """
    span = written.spans.get(path)
    value = written.text[span.start : span.end] if span else ""
    if span is None:
        return None
    start = written.lines.place(span.start)
    if span.style == "|":
        return _of_block(written, span, value, inner) or start
    if span.style == ">" or "\n" in value:
        return start
    if span.style == '"':
        return written.lines.place(span.start + _of_escaped(value, inner))
    quote = len(span.style)
    return Place(start.line, start.column + quote + inner.column - 1) if inner.line == 1 else start


def _of_escaped(value: str, inner: Place) -> int:
    """Return the offset in a quoted text of a place in what it says."""
    line, column, last = 1, 1, 1
    for match in _CHARACTER.finditer(value, 1, len(value) - 1):
        last = match.start()
        if (line, column) >= inner:
            return last
        if match[0] in ("\\n", "\n"):
            line, column = line + 1, 1
        else:
            column += 1
    return last


def _of_block(written: Written, span: Span, value: str, inner: Place) -> Place | None:
    header = _HEADER.match(value)
    if header is None:
        return None
    body = value[header.end() :]
    filled = next((line for line in body.split("\n") if line.strip()), "")
    indent = len(filled) - len(filled.lstrip(" "))
    line = written.lines.place(span.start + header.end()).line + inner.line - 1
    return Place(line, inner.column + indent)
