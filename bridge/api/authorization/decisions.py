"""Writing decisions down, and letting go of those that have been kept long enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bridge.model.moment import Micros, micros
from iam.policy import AuditEntry

if TYPE_CHECKING:
    from bridge.model.scope import Scope
    from bridge.settings import Settings
    from bridge.store import Store

_PRUNE_EVERY: Final = 256
"""Appended entries between two looks at what is too old."""


class DecisionLog:
    """The audit log of one scope.

    Denials and whatever changes something are written before the request goes on: where they
    cannot be written it fails. Allowed reads are written only if the settings say so: a write, and
    its wait for the disk, for each of them costs more than the read itself.
    """

    def __init__(self, store: Store, scope: Scope, settings: Settings) -> None:
        """Write into a store."""
        self._store = store
        self._scope = scope
        self._reads = settings.audit_reads
        self._retention = micros(settings.audit_retention)
        self._since = _PRUNE_EVERY
        """Begins full: a bridge that is started often must prune too."""

    async def append(self, decided: Sequence[tuple[AuditEntry, bool]]) -> None:
        """Write decisions, each with whether it is about an action that only reads."""
        kept = [
            entry
            for entry, is_read in decided
            if self._reads or not is_read or entry.outcome != "allowed"
        ]
        if not kept:
            return
        await self._store.append_audit(self._scope, kept)
        self._since += len(kept)
        if self._since >= _PRUNE_EVERY:
            self._since = 0
            await self._store.prune_audit(Micros(self._store.now() - self._retention))
