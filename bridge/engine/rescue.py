"""Undo by marks alone: for when the database is lost.

Each fault's undo also stands on the resource that it was done to. Rescue finds the marks,
touches only those of its own installation, and reverts with the same code as a run does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bridge.engine.context import words
from providers import registry
from providers.contract import (
    Caller,
    FoundMark,
    MarkSearch,
    Outcome,
    OutcomeKind,
    ProviderError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bridge.engine.providers import Providers
    from bridge.model.scope import Scope
    from providers.contract import Outcomes


class Verdict(StrEnum):
    """What rescue did, or would do, about one mark."""

    REVERTED = "reverted"
    WOULD_REVERT = "would revert"
    FOREIGN = "another installation's"
    OPEN = "its run is open"
    UNREADABLE = "unreadable"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One mark and what came of it."""

    resource: str
    mark: str
    verdict: Verdict
    reason: str = ""


class Rescue:
    """Finds marks and reverts what they stand for."""

    def __init__(
        self,
        providers: Providers,
        *,
        installation: str,
        scope: Scope,
        identities: Sequence[str] = (),
        pause: float = 1.0,
    ) -> None:
        """Look in ``scope`` as the reader and as each of ``identities``.

        ``pause`` is the time in seconds between two rounds of reverting.
        """
        self._providers = providers
        self._installation = installation
        self._scope = scope
        self._identities = (None, *identities)
        self._pause = pause

    async def search(self) -> MarkSearch:
        """Find every mark that can be seen, of any installation. Reads only."""
        found: dict[tuple[str, str], FoundMark] = {}
        problems: list[str] = []
        for name in registry.PROVIDERS:
            for identity in self._identities:
                caller = self._caller(identity)
                try:
                    search = await self._providers.find_marks(name, caller)
                except ProviderError as error:
                    problems.append(f"{name}, as {identity or 'the reader'}: {error}")
                    continue
                problems += search.unsearched
                for mark in search.found:
                    found.setdefault((mark.record.resource, mark.mark.key), mark)
        return MarkSearch(list(found.values()), list(dict.fromkeys(problems)))

    async def run(
        self,
        marks: Sequence[FoundMark],
        *,
        dry_run: bool,
        open_runs: Collection[str] = (),
        rounds: int = 600,
    ) -> list[Finding]:
        """Revert what the marks of this installation stand for, and remove the marks.

        The runs of ``open_runs`` are a bridge's to undo and are left alone. What cannot be
        reverted is tried again, ``rounds`` times in all, since the undo of one resource may
        have to wait for another's (a disk before its instance).
        """
        findings: list[Finding] = []
        mine: list[FoundMark] = []
        for found in marks:
            verdict = self._judge(found, open_runs)
            if verdict is not None:
                findings.append(_finding(found, verdict, found.problem))
            elif dry_run:
                findings.append(_finding(found, Verdict.WOULD_REVERT))
            else:
                mine.append(found)
        last: Mapping[str, Outcome] = {}
        for round_ in range(rounds):
            if not mine:
                break
            if round_:
                await asyncio.sleep(self._pause)
            last = await self._revert(mine)
            done = [f for f in mine if last[f.record.id].kind in _REVERTED]
            await self._unmark(done)
            findings += [_finding(f, Verdict.REVERTED, last[f.record.id].reason) for f in done]
            mine = [found for found in mine if found not in done]
        findings += [_finding(f, Verdict.FAILED, last[f.record.id].reason) for f in mine]
        return findings

    def _judge(self, found: FoundMark, open_runs: Collection[str]) -> Verdict | None:
        if found.mark.installation != self._installation:
            return Verdict.FOREIGN
        if found.mark.experiment in open_runs:
            return Verdict.OPEN
        return Verdict.UNREADABLE if found.problem else None

    def _caller(self, identity: str | None, name: str = "rescue") -> Caller:
        return Caller(self._scope, identity, name, self._installation)

    async def _revert(self, marks: Sequence[FoundMark]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        for (fault_id, identity), group in _grouped(marks).items():
            records = [found.record for found in group]
            answered: Outcomes = {}
            reason = "no answer"
            try:
                fault = self._providers.fault(fault_id)
                session = await self._providers.session(fault.provider, self._caller(identity))
                answered = await fault.revert(session, records)
            except Exception as error:  # noqa: BLE001 - one group must not stop the others
                reason = words(error)
            for record in records:
                outcomes[record.id] = answered.get(record.id, Outcome(OutcomeKind.UNKNOWN, reason))
        return outcomes

    async def _unmark(self, marks: Sequence[FoundMark]) -> None:
        for found in marks:
            fault = self._providers.fault(found.mark.fault)
            try:
                session = await self._providers.session(
                    fault.provider, self._caller(found.mark.identity or None)
                )
                await fault.unmark(session, found.mark, [found.record])
            except Exception as error:  # noqa: BLE001 - a mark left does no harm: reverting looks first
                words(error)


_REVERTED = frozenset({OutcomeKind.DONE, OutcomeKind.LEFT, OutcomeKind.GONE})


def _grouped(marks: Sequence[FoundMark]) -> dict[tuple[str, str | None], list[FoundMark]]:
    groups: dict[tuple[str, str | None], list[FoundMark]] = defaultdict(list)
    for found in marks:
        groups[found.mark.fault, found.mark.identity or None].append(found)
    return groups


def _finding(found: FoundMark, verdict: Verdict, reason: str = "") -> Finding:
    return Finding(found.record.resource, found.mark.key, verdict, reason)
