"""Through whom an identity is taken on: pairs of a setting, read as chains."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

LONGEST: Final = 4
"""Identities between the bridge and the one wanted; more are a mistake."""

Pairs = Sequence[tuple[str, str]]
"""Patterns, in which a star stands for anything, and what they mean; the first match holds."""


def first_match(pairs: Pairs, identity: str) -> str | None:
    """Return what the first pattern that matches an identity means, or None."""
    # Only the star is special: an ARN has no brackets, but nobody wants to find that out.
    for pattern, meant in pairs:
        if fnmatchcase(identity, pattern.replace("[", "[[]").replace("?", "[?]")):
            return meant
    return None


def through(pairs: Pairs, identity: str) -> tuple[str, ...]:
    """Return the identities to take on before ``identity``, in that order.

    Each is looked up again, so that chains grow longer; one that is met again ends the chain.
    """
    found: list[str] = []
    wanted = identity
    while len(found) < LONGEST:
        before = first_match(pairs, wanted)
        if before is None or before == identity or before in found:
            break
        found.insert(0, before)
        wanted = before
    return tuple(found)
