"""How a problem is put into words: paths, quotations, suggestions."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_QUOTED: Final = 64
_COMPARED: Final = 100


def child(path: str, key: str | int) -> str:
    """Return the JSON path of a member or an item: ``actions.stop``, ``filters[0]``.

    A name that could be read as more than one step is put in brackets: ``actions["a.b"]``.
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    # A cut key keeps the paths of many members under one huge key from filling the memory.
    if len(key) > _QUOTED or not _PLAIN.fullmatch(key):
        return f"{path}[{quote(key)}]"
    return f"{path}.{key}" if path else key


def quote(text: str) -> str:
    """Return a text in double quotes, fit to be sent, cut to 64 characters."""
    sendable = text[: _QUOTED + 1].encode(errors="replace").decode()
    if len(sendable) > _QUOTED:
        sendable = sendable[: _QUOTED - 1] + "…"
    return json.dumps(sendable, ensure_ascii=False)


def quoted_list(words: Iterable[str]) -> str:
    """Return words as ``"a", "b" or "c"``."""
    quoted = [quote(word) for word in words]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None.

    Only the first hundred known words are compared, so that a document full of wrong names
    costs no more than it should.
    """
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
        if len(folded) >= _COMPARED:
            break
    matches = difflib.get_close_matches(word[:_QUOTED].casefold(), folded, n=1)
    return folded[matches[0]] if matches else None


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return ``did you mean "x"?``, or ``otherwise`` where nothing comes near."""
    match = nearest(word, known)
    return otherwise if match is None else f"did you mean {quote(match)}?"
