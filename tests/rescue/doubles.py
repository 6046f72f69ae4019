"""A cloud in memory whose things bear marks, and which refuses, hangs and fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.engine import Providers
from bridge.engine.rescue import Finding, Judge, Patience, Plan, Sighting, Undoing
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from bridge.settings import Settings
from bridge.store.standing import RunStanding
from providers import registry
from providers.contract import (
    DONE,
    AccessDeniedError,
    Caller,
    Fault,
    FoundMark,
    Guard,
    Mark,
    MarkSearch,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Provider,
    ProviderError,
    Timing,
    Undo,
)

SCOPE = Scope(cloud="aws", account="111111111111", region="us-east-1")
ROLE = "arn:aws:iam::111111111111:role/chaos"
RECOVERY = "arn:aws:iam::111111111111:role/recovery"
NOW = Micros(1_800_000_000 * SECOND)
SOON = Micros(NOW + 600 * SECOND)
GRACE = Micros(75 * SECOND)
QUICK = Patience(pause=0)
SETTINGS = Settings(installation="mine", account=SCOPE.account, region=SCOPE.region)


@dataclass
class Cloud:
    """What stands in the clouds, and how they answer."""

    marks: dict[tuple[str, str], FoundMark] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    denied: set[str | None] = field(default_factory=set)
    """Identities that may do nothing."""
    reverts: list[tuple[str, str | None]] = field(default_factory=list)
    """Resource and identity of each call, in order."""
    answers: dict[str, list[Outcome | Exception]] = field(default_factory=dict)
    """What undoing a resource answers first, before it succeeds."""
    keeps_marks: bool = False
    """Whether nobody may remove a mark."""
    searches: list[tuple[str, Scope, str | None]] = field(default_factory=list)
    look: Callable[[str, Caller], Any] = lambda _name, _caller: None
    """What a search does before it answers; it may raise, or return something to wait for."""
    partly: dict[str | None, str] = field(default_factory=dict)
    """Identities that cannot look everywhere, and what they say."""
    at_once: int = 0
    most_at_once: int = 0

    def mark(
        self,
        resource: str,
        *,
        experiment: str = "EXP1",
        installation: str = "mine",
        deadline: Micros | None = SOON,
        identity: str = ROLE,
        touches: Iterable[str] = (),
        problem: str = "",
    ) -> Sighting:
        """Break a thing, and let its mark say so."""
        mark = Mark(installation, experiment, "act", Mend.id, deadline, identity)
        record = Record(
            id=f"{experiment}/act/{resource}",
            action="act",
            holders=("act",),
            fault=Mend.id,
            resource=resource,
            effect=None,
            phase=Phase.INJECTED,
            touches=tuple(touches),
        )
        self.broken.add(resource)
        found = FoundMark(mark, record, problem, {"prior": "whole"})
        self.marks[resource, mark.key] = found
        return Sighting(found, SCOPE)


CLOUD = Cloud()


@dataclass(frozen=True)
class Session:
    caller: Caller
    guard: Guard | None = None


class Clouds(Provider):
    """Every provider of the registry; the settings and the peer are not needed."""

    name = ""

    def __init__(self, settings: object, peer: object = None) -> None:
        pass

    async def session(
        self, caller: Caller, guard: Guard | None, wake: Callable[[], None] | None = None
    ) -> Session:
        return Session(caller)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        cloud = CLOUD
        cloud.searches.append((self.name, caller.scope, caller.identity))
        cloud.at_once += 1
        cloud.most_at_once = max(cloud.at_once, cloud.most_at_once)
        try:
            await asyncio.sleep(0)
            waiting = cloud.look(self.name, caller)
            if waiting is not None:
                await waiting
        finally:
            cloud.at_once -= 1
        if caller.identity in cloud.denied:
            raise ProviderError("may not look")
        said = cloud.partly.get(caller.identity)
        return MarkSearch(list(cloud.marks.values()), (said,) if said else ())

    async def close(self) -> None:
        pass


class Aws(Clouds):
    name = "aws"
    regional = True


class Azure(Clouds):
    name = "azure"
    lists_partly = True


class Mend(Fault):
    """Break things. The registry remembers a fault by its id, so it is nobody else's."""

    id = "aws:test:bend"
    provider = "aws"
    undoing = "mend it"

    def undo(self, parameters: Any) -> Undo:
        return Undo.RESTORES

    def timing(self, parameters: Any) -> Timing:
        return Timing.instant()

    async def prepare(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        raise NotImplementedError

    inject = prepare

    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        raise NotImplementedError

    async def revert(self, session: Any, records: Sequence[Record]) -> Outcomes:
        cloud, identity = CLOUD, session.caller.identity
        await asyncio.sleep(0)
        if identity in cloud.denied:
            raise AccessDeniedError(f"{identity} may not")
        outcomes: dict[str, Outcome] = {}
        for record in records:
            cloud.reverts.append((record.resource, identity))
            answer = cloud.answers.get(record.resource) or [DONE]
            first = answer.pop(0)
            if isinstance(first, Exception):
                raise first
            outcomes[record.id] = first
            if first.kind is OutcomeKind.DONE:
                cloud.broken.discard(record.resource)
        return outcomes

    async def unmark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:
        cloud = CLOUD
        await asyncio.sleep(0)
        if cloud.keeps_marks or session.caller.identity in cloud.denied:
            refused = Outcome(OutcomeKind.REJECTED, "may not untag")
            return {record.id: refused for record in records}
        for record in records:
            cloud.marks.pop((record.resource, mark.key), None)
        return {record.id: DONE for record in records}


def new_cloud(monkeypatch: pytest.MonkeyPatch, **providers: type[Provider]) -> Cloud:
    """Begin with an empty cloud behind the registry."""
    for name, value in vars(Cloud()).items():
        setattr(CLOUD, name, value)
    known = providers or {"aws": Aws}
    here = __name__
    table = {name: f"{here}:{kind.__name__}" for name, kind in known.items()}
    monkeypatch.setattr(registry, "PROVIDERS", table)
    monkeypatch.setattr(registry, "FAULTS", {Mend.id: f"{here}:Mend"})
    return CLOUD


def judged(
    *sightings: Sighting,
    standings: dict[str, RunStanding] | None = None,
    other: str | None = None,
    now: Micros = NOW,
) -> Plan:
    """Decide about marks."""
    judge = Judge(
        Providers(SETTINGS),
        installation="mine",
        other=other,
        standings=standings or {},
        now=now,
        grace=GRACE,
    )
    return judge.plan(sightings)


async def rescued(
    *sightings: Sighting, settings: Settings = SETTINGS, patience: Patience = QUICK
) -> list[Finding]:
    """Undo what nobody knows the run of."""
    undoing = Undoing(Providers(settings), installation="mine", patience=patience)
    return await undoing.carry_out(judged(*sightings).act)
