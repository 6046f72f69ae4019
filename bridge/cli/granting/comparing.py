"""What came of comparing grants, and one thing that would be written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml

from bridge.catalog.grants import Document
from bridge.catalog.needs import Need
from providers.contract import ProviderError


@dataclass
class Checked:
    """What came of comparing."""

    missing: list[str] = field(default_factory=list)
    excess: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it in words."""
        found = []
        for title, each in (
            ("missing", self.missing),
            ("too much", self.excess),
            ("could not be read", self.unread),
        ):
            found += [f"{title}: {one}" for one in each]
        return found or ["granted: exactly what is needed"]


@dataclass(frozen=True)
class Change:
    """One thing that would be written: how it is, and how it is to be."""

    what: str
    before: Any
    """JSON or text; None where there is nothing."""
    after: Any
    write: Callable[[], Awaitable[None]]
    """Writes it. Raises ProviderError, also where it is not any more as it was read."""

    def diff(self) -> list[str]:
        """Return a unified diff; empty where nothing changes."""
        old, new = (_lines(one) for one in (self.before, self.after))
        return list(difflib.unified_diff(old, new, f"{self.what} (now)", self.what, lineterm=""))


@dataclass(frozen=True)
class Left:
    """A document that is not written, and why not, where there is more to say."""

    document: Document
    reason: str = ""


class Writer(Protocol):
    """One cloud's part of `--check` and `--apply`."""

    async def check(self, granted: Sequence[Need], known: Sequence[Need], found: Checked) -> None:
        """Compare. ``granted`` must be there; no more than ``known`` may be. Never raises."""

    async def changes(self, made: Sequence[Document], left: list[Left]) -> list[Change]:
        """Return what would be written of the documents; what is not goes to ``left``.

        Raises ProviderError.
        """


def changed_meanwhile(what: str) -> ProviderError:
    """Return the error for what somebody else has changed after it was shown."""
    return ProviderError(
        f"{what} was changed by somebody else after it was read; it was not written: run the "
        "command again to see the new difference",
        code="Changed",
    )


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, dict) and "kind" in value:
        return str(yaml.safe_dump(value, sort_keys=False)).splitlines()
    return json.dumps(value, indent=2).splitlines()
