"""What the machine may ask for: one class per kind of call to a provider."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.model.moment import Micros


@dataclass(frozen=True)
class Initiate:
    """Resolve the targets, review the rights, read the stop conditions."""


@dataclass(frozen=True)
class Prepare:
    """Make the records of an action."""

    action: str


@dataclass(frozen=True)
class Inject:
    """Mark and inject; the records are committed as ``injecting`` before."""

    action: str
    records: tuple[str, ...]


@dataclass(frozen=True)
class Observe:
    """Look at resources."""

    action: str
    records: tuple[str, ...]


@dataclass(frozen=True)
class Revert:
    """Put the prior state back, or go on putting it back."""

    fault: str
    records: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """Let go of what still holds resources that an operator gave up by force."""

    fault: str
    records: tuple[str, ...]
    webhooks: bool


@dataclass(frozen=True)
class Unmark:
    """Remove the marks of records that have ended."""

    action: str
    records: tuple[str, ...]


Call = Initiate | Prepare | Inject | Observe | Revert | Release | Unmark


@dataclass(frozen=True)
class Decision:
    """What to do now, and when to look again if nothing else happens."""

    calls: tuple[Call, ...]
    wake_at: Micros | None
    """None when nothing is left to wait for."""
    close: bool
    """The run is over in every respect."""
