"""What is wrong with a chaos resource, told as path, reason and mend."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]

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


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a resource.

    `path` is the JSON path of the field ("spec.delay.latency"), `message` says what is wrong and
    what to write instead. An error is what a cluster refuses; a warning is what it accepts though
    it cannot do what was meant.
    """

    path: str
    message: str
    severity: Severity = "error"


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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, None when none is near."""
    options = list(known)
    cut = word[:_COMPARED_LENGTH]
    folded = {option.casefold(): option for option in options}
    if cut.casefold() in folded:
        return folded[cut.casefold()]
    found = difflib.get_close_matches(cut, options, n=1)
    return found[0] if found else None


def meant(word: str, known: Iterable[str]) -> str:
    """The ending `did you mean "delay"?` of a message, empty when nothing is near."""
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else ""


def child(path: str, key: str | int) -> str:
    """The path of a member: `spec.pods`, `spec.nodes[0]`, `labelSelectors["a.b/c"]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    # A cut key keeps the paths of many members under one huge key from filling the memory.
    if key.isidentifier() and len(key) <= _SHOWN_LENGTH:
        return f"{path}.{key}"
    return f"{path}[{shown(key)}]"
