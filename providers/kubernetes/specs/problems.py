"""How values of a chaos resource are put into words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from bridge.model.wording import nearest

MOST_PROBLEMS: Final = 50
"""More than that is told of no document."""

_SHOWN_LENGTH: Final = 60
_COMPARED_LENGTH: Final = 64
_JSON_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def shown(value: Any) -> str:
    """The value as it stands in JSON, cut to a length that fits into a message."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        head = value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "…"
        readable = json.dumps(head, ensure_ascii=False)
        # A lone surrogate is legal in a JSON escape but cannot be written to a log or a socket.
        return readable.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, int):
        # Python refuses to print numbers of thousands of digits.
        return str(value) if value.bit_length() <= _COMPARED_LENGTH else "a number beyond 64 bits"
    if isinstance(value, float):
        return repr(value)
    return json_type(value)


def json_type(value: Any) -> str:
    """The JSON type of a value in words, such as "an object"."""
    if value is None:
        return "null"
    return next((word for kind, word in _JSON_TYPES if isinstance(value, kind)), "not JSON")


def meant(word: str, known: Iterable[str]) -> str:
    """The ending `did you mean "delay"?` of a message, empty when nothing is near."""
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else ""
