"""What reviews asked, and what was answered: beside what they found missing, for whoever shows it.

A review answers with denials, which are all that a run needs. Whoever collects (``collected``)
gets each question with its answer as well, those that could not be asked too. A fault that notes
nothing is taken to have asked nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What came of a question before a run."""

    OK = "ok"
    """The identity has the right; the thing is there."""
    MISSING = "missing"
    """It has not; it is not."""
    UNCHECKED = "cannot-check"
    """Nobody could say; the run will find out."""


@dataclass(frozen=True)
class Check:
    """One question, and its answer."""

    what: str
    """A right in the cloud's own words, as faults declare it, or what is looked for."""
    verdict: Verdict
    cloud: str
    account: str = ""
    """AWS account, Google project, Azure subscription; of a cluster its full name."""
    namespace: str = ""
    """Of a cluster."""
    reason: str = ""
    """Why it is missing or could not be asked; safe to show."""
    mend: str = ""
    """A policy or manifest that would make it good, ready to apply."""
    region: str = ""
    """Azure resource group, where the answer holds in that one only."""


_collected: ContextVar[list[Check] | None] = ContextVar("_collected", default=None)


@contextmanager
def collected() -> Iterator[list[Check]]:
    """Collect what is noted within, in this task and in those that it begins."""
    found: list[Check] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def collecting() -> bool:
    """Say whether anybody collects: what only informs need not be asked otherwise."""
    return _collected.get() is not None


def note(*checks: Check) -> None:
    """Tell whoever collects; nobody need."""
    found = _collected.get()
    if found is not None:
        found.extend(checks)
