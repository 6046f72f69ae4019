"""One action on some resources, driven as the engine drives it, step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bridge.model.record import Record
from bridge.sandbox.calls import Call
from providers.contract import Effect, Guard, Observation, Outcome, OutcomeKind, ProviderError
from tests.trial.rig import Rig

ROUNDS: Final = 12
"""Looks after which something that should settle never will."""
IN_EFFECT: Final = frozenset({Effect.PRESENT, Effect.ENDED})
UNDONE: Final = frozenset({OutcomeKind.DONE, OutcomeKind.GONE, OutcomeKind.LEFT})
ACCEPTED: Final = frozenset({OutcomeKind.DONE, OutcomeKind.PENDING})

Outcomes = dict[str, Outcome]


class Life:
    """The records of an action and a session to act on them with."""

    def __init__(self, rig: Rig, session: Any, records: Sequence[Record]) -> None:
        self.rig = rig
        self.session = session
        self.records = list(records)

    @classmethod
    async def of(cls, rig: Rig, count: int = 1) -> Life:
        """Build resources, forget what was called for that, and begin."""
        records = rig.records(count)
        rig.at.settle()
        rig.at.log.forget_calls()
        return cls(rig, await rig.session(), records)

    async def under(self, guard: Guard) -> Life:
        """Go on with the same records under another guard."""
        return Life(self.rig, await self.rig.session(guard), self.records)

    def only(self, records: Sequence[Record]) -> Life:
        """Go on with some of the records."""
        return Life(self.rig, self.session, records)

    async def prepare(self) -> Outcomes:
        """Prepare them all; the answers must be complete."""
        given = self.rig.given
        return self._all(await self.rig.code.prepare(self.session, given, self.records))

    async def prepared(self) -> Life:
        """Prepare them all, which must do."""
        outcomes = await self.prepare()
        assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.DONE}, outcomes
        return self

    async def mark(self) -> Outcomes:
        """Write the marks."""
        return await self._marks("mark")

    async def unmark(self) -> Outcomes:
        """Remove the marks."""
        return await self._marks("unmark")

    async def inject(self) -> Outcomes:
        """Inject once."""
        given = self.rig.given
        return self._all(await self.rig.code.inject(self.session, given, self.records))

    async def try_inject(self) -> Outcomes:
        """Inject once; what a provider raises means "unknown for all", as in the engine."""
        try:
            return await self.inject()
        except ProviderError as error:
            unknown = Outcome(OutcomeKind.UNKNOWN, str(error))
            return {record.id: unknown for record in self.records}

    async def observe(self) -> dict[str, Observation]:
        """Look once."""
        seen = await self.rig.code.observe(self.session, self.records)
        assert seen.keys() == {record.id for record in self.records}
        return dict(seen)

    async def effects(self) -> set[Effect]:
        """Look once, and return what was seen at all."""
        return {look.effect for look in (await self.observe()).values()}

    async def in_effect(self) -> Life:
        """Inject, which must be accepted, and look until the fault is on all of them."""
        outcomes = await self.inject()
        assert {outcome.kind for outcome in outcomes.values()} <= ACCEPTED, outcomes
        return await self.settled()

    async def settled(self) -> Life:
        """Look until the fault is on all of them."""
        self.rig.at.settle()
        if self.rig.no_trace:
            return self
        for _ in range(ROUNDS):
            seen = await self.effects()
            if seen <= IN_EFFECT:
                return self
            self.rig.at.settle()
        raise AssertionError(f"it never took effect: {await self.observe()}")

    async def until_in_effect(self) -> Life:
        """Inject what is not in effect, again and again as the engine does, until all is."""
        left = self
        for _ in range(ROUNDS):
            await left.try_inject()
            self.rig.at.settle()
            if self.rig.no_trace:
                return self
            seen = await self.observe()
            left = self.only([r for r in self.records if seen[r.id].effect not in IN_EFFECT])
            if not left.records:
                return self
        raise AssertionError(f"it never took effect: {await self.observe()}")

    async def revert(self) -> Outcomes:
        """Revert once."""
        return self._all(await self.rig.code.revert(self.session, self.records))

    async def try_revert(self) -> Outcomes:
        """Revert once; what a provider raises means "not yet", as in the engine."""
        try:
            return await self.revert()
        except ProviderError as error:
            unknown = Outcome(OutcomeKind.UNKNOWN, str(error))
            return {record.id: unknown for record in self.records}

    async def undone(self) -> Outcomes:
        """Revert what is not yet undone, again and again as the engine does, until all is."""
        last: Outcomes = {}
        for _ in range(ROUNDS):
            open_ = [r for r in self.records if r.id not in last or last[r.id].kind not in UNDONE]
            if not open_:
                return last
            last |= await self.only(open_).try_revert()
            self.rig.at.settle()
        raise AssertionError(f"it was never undone: {last}")

    @property
    def targets(self) -> list[Record]:
        """The records of the targets themselves."""
        return self.rig.targets(self.records)

    def snapshots(self) -> dict[str, object]:
        """Take the snapshot of each resource."""
        return {record.id: self.rig.snapshot(record) for record in self.records}

    def traces(self) -> dict[str, object]:
        """Take the trace of each resource."""
        return {record.id: self.rig.trace(record) for record in self.records}

    def faulted(self) -> list[bool]:
        """Tell of each resource whether the fault is on it."""
        return [self.rig.is_faulted(record) for record in self.records]

    async def _marks(self, way: str) -> Outcomes:
        actions: defaultdict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            actions[record.action].append(record)
        outcomes: Outcomes = {}
        for action, records in actions.items():
            step = getattr(self.rig.code, way)
            outcomes |= await step(self.session, self.rig.mark(action), records)
        return self._all(outcomes)

    def _all(self, outcomes: Any) -> Outcomes:
        assert set(outcomes) == {record.id for record in self.records}
        return dict(outcomes)


@contextmanager
def calls_of(rig: Rig) -> Iterator[list[Call]]:
    """Collect the calls that arrive meanwhile; filled when the block ends."""
    rig.at.log.forget_calls()
    arrived: list[Call] = []
    try:
        yield arrived
    finally:
        arrived += rig.at.log.calls
        rig.at.log.forget_calls()


def changing(rig: Rig, calls: Sequence[Call]) -> list[Call]:
    """Return the calls that bring the fault about or take it back; rehearsals count."""
    return [call for call in calls if call.operation in (*rig.effects, *rig.undoings)]


def kinds(outcomes: Outcomes) -> list[OutcomeKind]:
    """Return the kinds in the records' order."""
    return [outcome.kind for outcome in outcomes.values()]
