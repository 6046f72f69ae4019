"""Wildcards of policies: ``*`` is any run of characters, also none; ``?`` is any one.

Whoever may write a policy must not be able to make the bridge think for minutes: a pattern is cut
at its stars and its pieces are found one behind the other, leftmost first, so that no star is
ever tried twice.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_KEPT: Final = 4096
"""Patterns kept as they were cut; a full set of policies has fewer."""
_ARN_PARTS: Final = 6
"""``arn:partition:service:region:account:resource``; the last may hold colons itself."""


@lru_cache(maxsize=_KEPT)
def _pieces(pattern: str) -> tuple[re.Pattern[str], ...]:
    # Without quantifiers there is nothing that a regular expression could go back to.
    return tuple(
        re.compile("".join("." if c == "?" else re.escape(c) for c in piece), re.DOTALL)
        for piece in pattern.split("*")
    )


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern describes, from its first character to its last."""
    if "?" not in pattern and "*" not in pattern:
        return pattern == text
    first, *others = _pieces(pattern)
    start = first.match(text)
    if start is None:
        return False
    if not others:
        return start.end() == len(text)
    place = start.end()
    for piece in others[:-1]:
        found = piece.search(text, place)
        if found is None:
            return False
        place = found.end()
    last = pattern.rpartition("*")[2]
    tail = len(text) - len(last)
    return tail >= place and others[-1].match(text, tail) is not None


def matches_ignoring_case(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern describes, capitals or not: how IAM compares actions."""
    return matches(pattern.lower(), text.lower())


def matches_arn(pattern: str, text: str) -> bool:
    """Whether an ARN is what a pattern describes, each of its six parts by itself.

    IAM User Guide, "Amazon Resource Name (ARN) condition operators": there a star does not reach
    past a colon, which it does in ``Resource``.
    """
    wanted, given = pattern.split(":", _ARN_PARTS - 1), text.split(":", _ARN_PARTS - 1)
    if len(wanted) != _ARN_PARTS or len(given) != _ARN_PARTS:
        return False
    return all(map(matches, wanted, given))
