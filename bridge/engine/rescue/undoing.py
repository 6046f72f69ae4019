"""Undoing what marks stand for: in order, as the mark's identity or else the recovery role.

All of it may be repeated, interrupted, and done by two at once: reverting looks before it acts,
and a mark is removed only after what it stands for is undone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bridge.engine.context import words
from bridge.engine.rescue.search import NAME
from bridge.engine.rescue.verdicts import Verdict
from iam.identities import SELF, in_own_cloud
from providers.contract import AccessDeniedError, Caller, Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bridge.engine.providers import Providers
    from bridge.engine.rescue.search import Sighting
    from bridge.engine.rescue.verdicts import Finding
    from providers.contract import Fault, Outcomes

_AT_ONCE: Final = 8
"""Calls of many resources that are made side by side."""
_DONE: Final = frozenset({OutcomeKind.DONE, OutcomeKind.LEFT, OutcomeKind.GONE})
_NO_ANSWER: Final = Outcome(OutcomeKind.UNKNOWN, "no answer")


@dataclass(frozen=True)
class Patience:
    """How often one undo is tried before rescue gives up; it may be run again at any time."""

    pause: float = 1.0
    """Seconds between two rounds."""
    refused: int = 30
    """Rounds that refuse it: the cloud may still be at the fault itself."""
    unknown: int = 120
    """Rounds without an answer."""
    pending: int = 600
    """Rounds in which it is under way."""
    marks: int = 10
    """Rounds that do not get rid of the mark."""

    def over(self, kind: OutcomeKind, times: int) -> bool:
        """Say whether an undo that answered so that many times is given up."""
        limits = {OutcomeKind.REJECTED: self.refused, OutcomeKind.PENDING: self.pending}
        return times >= limits.get(kind, self.unknown)


@dataclass(eq=False)
class _Undo:
    """One mark on its way."""

    sighting: Sighting
    finding: Finding
    callers: list[Caller]
    """As whom to act: the mark's identity, then the recovery role if there is one."""
    undone: bool = False
    """Whether the fault is gone; then its mark is to be removed."""
    last: Outcome = _NO_ANSWER
    times: int = 0
    """How often in a row it was answered like that."""
    refusal: str = ""
    """Why the mark's identity may not."""
    result: Finding | None = None

    @property
    def caller(self) -> Caller:
        """As whom it is done now."""
        return self.callers[0]

    def answered(self, outcome: Outcome) -> None:
        """Note what came of a call; after a refusal the next in line acts."""
        self.times = self.times + 1 if outcome.kind is self.last.kind else 1
        self.last = outcome

    def pass_on(self, why: str) -> bool:
        """Go on as the next in line, if there is one."""
        if len(self.callers) == 1:
            return False
        self.callers.pop(0)
        self.refusal, self.times = why, 0
        return True


class Undoing:
    """Carries a plan out."""

    def __init__(
        self, providers: Providers, *, installation: str, patience: Patience | None = None
    ) -> None:
        """Act for ``installation``; the recovery role is the providers' settings'."""
        self._providers = providers
        self._installation = installation
        self._patience = patience or Patience()
        self._several = asyncio.Semaphore(_AT_ONCE)

    async def carry_out(self, act: Iterable[tuple[Sighting, Finding]]) -> list[Finding]:
        """Undo, and remove the marks; return what came of each, in the order given.

        What touches another resource is undone before that resource (a disk before its
        instance). Never raises what a provider raises.
        """
        undos = [self._undo(sighting, finding) for sighting, finding in act]
        while waiting := [one for one in undos if one.result is None]:
            await self._round(waiting)
            if any(one.result is None for one in waiting):
                await asyncio.sleep(self._patience.pause)
        return [one.result for one in undos if one.result is not None]

    def _undo(self, sighting: Sighting, finding: Finding) -> _Undo:
        mark = sighting.found.mark
        provider = self._providers.fault(mark.fault).provider
        first = in_own_cloud(
            provider, Caller(sighting.scope, mark.identity or None, NAME, self._installation)
        )
        second = self._providers.recovery(provider, replace(first, scope=sighting.scope))
        callers = [first, *((second,) if second and second != first else ())]
        return _Undo(sighting, finding, callers, undone=finding.verdict is Verdict.WOULD_UNMARK)

    # --- one round -------------------------------------------------------------------------

    async def _round(self, waiting: Sequence[_Undo]) -> None:
        held_up = _held_up(waiting)
        due = [one for one in waiting if not one.undone and one not in held_up]
        await asyncio.gather(*(self._revert(*group) for group in self._grouped(due)))
        undone = [one for one in waiting if one.undone and one.result is None]
        await asyncio.gather(*(self._unmark(*group) for group in self._grouped(undone)))

    def _grouped(self, undos: Sequence[_Undo]) -> list[tuple[Fault, Caller, list[_Undo]]]:
        groups: dict[tuple[str, str, Caller], list[_Undo]] = defaultdict(list)
        for one in undos:
            mark = one.sighting.found.mark
            groups[mark.fault, "" if not one.undone else mark.key, one.caller].append(one)
        return [
            (self._providers.fault(fault), caller, group)
            for (fault, _, caller), group in groups.items()
        ]

    async def _revert(self, fault: Fault, caller: Caller, group: Sequence[_Undo]) -> None:
        records = [one.sighting.found.record for one in group]

        async def revert() -> Outcomes:
            session = await self._providers.session(fault.provider, caller)
            return await fault.revert(session, records)

        outcomes = await self._asked(revert, group)
        for one in group:
            outcome = outcomes[one.sighting.found.record.id]
            one.answered(outcome)
            if outcome.kind in _DONE:
                one.undone, one.times = True, 0
            elif outcome.kind is OutcomeKind.REJECTED and one.pass_on(outcome.reason):
                continue
            elif self._patience.over(outcome.kind, one.times):
                one.result = _result(one, Verdict.FAILED, _tried(one, outcome))

    async def _unmark(self, fault: Fault, caller: Caller, group: Sequence[_Undo]) -> None:
        records = [one.sighting.found.record for one in group]
        mark = group[0].sighting.found.mark

        async def unmark() -> Outcomes:
            session = await self._providers.session(fault.provider, caller)
            return await fault.unmark(session, mark, records)

        outcomes = await self._asked(unmark, group)
        for one in group:
            outcome = outcomes[one.sighting.found.record.id]
            only = one.finding.verdict is Verdict.WOULD_UNMARK
            one.times += 1
            if outcome.kind in _DONE:
                reason = one.last.reason if one.last.kind in _DONE else ""
                one.result = _result(one, Verdict.UNMARKED if only else Verdict.REVERTED, reason)
            elif outcome.kind is OutcomeKind.REJECTED and one.pass_on(outcome.reason):
                continue
            elif one.times >= self._patience.marks:
                # The fault is undone; a mark that stays keeps others off the resource.
                why = f"its mark could not be removed: {_tried(one, outcome)}"
                one.result = _result(one, Verdict.FAILED if only else Verdict.REVERTED, why)

    async def _asked(
        self, call: Callable[[], Awaitable[Outcomes]], group: Sequence[_Undo]
    ) -> dict[str, Outcome]:
        """Make a call, and return an outcome for each, whatever the call raises."""
        answered: Outcomes = {}
        missing = _NO_ANSWER
        async with self._several:
            try:
                answered = await call()
            except AccessDeniedError as error:
                missing = Outcome(OutcomeKind.REJECTED, str(error))
            except Exception as error:  # noqa: BLE001 - one group must not stop the others
                missing = Outcome(OutcomeKind.UNKNOWN, words(error))
        ids = (one.sighting.found.record.id for one in group)
        return {record: answered.get(record, missing) for record in ids}


def _held_up(waiting: Sequence[_Undo]) -> set[_Undo]:
    """Return those for which something that touches their resource has to be undone first.

    One that was refused holds nothing up: it may itself be waiting for the other.
    """
    dependent: dict[str, list[_Undo]] = defaultdict(list)
    for one in waiting:
        if not one.undone and one.last.kind is not OutcomeKind.REJECTED:
            for resource in one.sighting.found.record.touches:
                dependent[resource].append(one)
    return {
        one
        for one in waiting
        for other in dependent.get(one.sighting.found.record.resource, ())
        if other is not one
        and other.sighting.found.record.resource not in one.sighting.found.record.touches
    }


def _tried(one: _Undo, outcome: Outcome) -> str:
    reason = outcome.reason or f"no success after {one.times} tries"
    if not one.refusal:
        return reason
    recovery = one.caller.identity or "whoever runs the command"
    return f"{one.refusal} As {recovery}: {reason}"


def _result(one: _Undo, verdict: Verdict, reason: str) -> Finding:
    acted_as = (one.caller.identity or SELF) if one.refusal else ""
    if acted_as and verdict is not Verdict.FAILED:
        more = f"; {reason}" if reason else ""
        reason = f"as {acted_as}, since the mark's identity was refused: {one.refusal}{more}"
    return replace(
        one.finding,
        verdict=verdict,
        reason=reason,
        acted_as=acted_as,
        left_behind=verdict is Verdict.FAILED,
    )
