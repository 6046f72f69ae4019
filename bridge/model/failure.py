"""What a log may say of a failure that nobody foresaw: kinds and places, never texts.

The text of a foreign exception may quote whatever it was about: a statement with its values, an
address that is a credential, a header. So no log has it, and no traceback, which ends with it.
"""

from __future__ import annotations

import traceback
from typing import Final

_MOST: Final = 8
"""Exceptions that led to one another."""


def whereabouts(error: BaseException) -> str:
    """Return the kind of an exception and the places it came through, innermost last.

    Those that led to it follow, each on lines of its own.
    """
    lines: list[str] = []
    one: BaseException | None = error
    for _ in range(_MOST):
        if one is None:
            break
        lines.append(f"{'after ' if lines else ''}{type(one).__module__}.{type(one).__qualname__}")
        frames = traceback.extract_tb(one.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(lines)
