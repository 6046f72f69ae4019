"""How a case goes: what strikes at its point, and how the bridge comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import sqlalchemy as sa

from bridge.engine import turn
from bridge.engine.rescue import Judge, Patience, Place, Undoing, search
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.store.tables import records as records_table
from providers.contract import Undo
from tests.crash.invariants import lateness, owed, unannounced, untruths
from tests.crash.points import Points, database_failure
from tests.crash.stage import LEASE, Stage
from tests.crash.troubles import (
    CLOUD,
    Trouble,
    forgotten,
    written_by_a_newer_bridge,
    written_by_an_older_bridge,
)
from tests.crash.watch import Watch
from tests.engine.world import Killed
from tests.trial.rig import INSTALLATION

_OVERTAKEN: Final = frozenset({"frozen", "database lost"})
"""After these the store knows nothing of the steps of whoever had the run before."""
_STOP_AT: Final = 60.0
"""Seconds after the start at which those runs are stopped that are."""


@dataclass
class Found:
    """What came of a case."""

    struck: str = ""
    complaints: list[str] = field(default_factory=list)
    missed: bool = False
    """Whether the run ended before the point came."""
    late: list[float] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """The points that were passed, by name."""
    owed: int = 0
    """The points that the journal shows at least."""


class Case:
    """One run of a fault on a stage, with one thing that happens to it at one point."""

    def __init__(self, stage: Stage, kind: str, point: int) -> None:
        """Let what ``kind`` says happen at that point; nothing if it is negative."""
        self.stage = stage
        self.kind = kind
        self.point = point
        self.points = Points(point)
        self.found = Found()
        given = stage.fault.Parameters.model_validate(stage.parameters)
        self.undo = stage.fault.undo(given)
        self._at_most = 1

    async def play(self) -> Found:
        """Play it, and say what does not hold afterwards."""
        stage, found = self.stage, self.found
        stage.use(self.points)
        stage.rig.at.emulator.behave()
        stage.rig.at.log.forget_calls()
        self.run = await stage.start()
        sample = stage.sample(self.run)
        before = stage.snapshots(sample)
        watch = Watch(stage.rig, sample)
        self._observe(watch)
        rescued = False
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(turn, "RETRY_STORE", 0)
                rescued = await WAYS.get(self.kind, killed)(self)
        finally:
            stage.pointed.before = stage.pointed.after = lambda _step, _records: None
            stage.rig.at.emulator.behave()
        watch.look()
        found.struck, found.order = self.points.struck, self.points.order
        if self.point > 0 and not found.struck and self.kind not in CLOUD:
            found.missed = True
        if not rescued:
            await self._judge_run()
        found.complaints += watch.repeated(at_most=self._at_most) + self._twice()
        kept = {r.resource for r in await stage.store.records(self.run) if r.phase is Phase.KEPT}
        if self.undo is not Undo.NONE:
            after = stage.snapshots(sample)
            found.complaints += [
                f"left behind: {name} is {after[name]}, was {was}"
                for name, was in before.items()
                if after[name] != was and name not in kept
            ]
            found.complaints += [
                f"not lasting: {record.resource}"
                for record in sample
                if record.resource in kept and not stage.rig.is_faulted(record)
            ]
        return found

    def _observe(self, watch: Watch) -> None:
        trouble = Trouble(self.stage.rig, self.kind)

        def before(step: str, records: Sequence[Record]) -> None:
            if self.kind in CLOUD:
                trouble.before(step, records)
            if self.kind not in _OVERTAKEN or not self.points.struck:
                self.found.complaints += unannounced(step, self._stored(records), records)

        def after(step: str, _records: Sequence[Record]) -> None:
            if step in {"inject", "revert"}:
                watch.look()

        self.stage.pointed.before, self.stage.pointed.after = before, after
        self.stage.elapsed = watch.look

    def _stored(self, wanted: Sequence[Record]) -> dict[str, Phase]:
        if not all(isinstance(record, Record) for record in wanted):
            return {}
        ids = [record.id for record in wanted]
        with self.stage.database.connect() as connection:
            bodies = connection.execute(
                sa.select(records_table.c.body).where(records_table.c.id.in_(ids))
            ).scalars()
            read = [Record.model_validate_json(body) for body in bodies]
        return {record.id: record.phase for record in read}

    async def _judge_run(self) -> None:
        store = self.stage.store
        experiment = await self.stage.run(self.run)
        records = await store.records(self.run)
        journal = await whole_journal(self.stage, self.run)
        self.found.complaints += untruths(experiment, records, journal)
        self.found.late = lateness(experiment, journal)
        self.found.owed = owed(journal)
        if self.kind == "newer" and self.found.struck:
            self.found.complaints += forgotten(self.stage, self.run)
        rig = self.stage.rig
        known = not (rig.no_trace or rig.known_by_answer)  # else a lost answer is a failure
        quiet = self.kind not in CLOUD and known
        # A bridge that was away past a run's planned end only undoes, and says so.
        if quiet and experiment.status not in {"completed", "stopped"}:
            self.found.complaints.append(f"{experiment.status}: {experiment.reason}")

    def _twice(self) -> list[str]:
        """Count the calls that cannot be undone, where no SDK may have repeated one."""
        rig = self.stage.rig
        if self.undo is not Undo.NONE or self.stage.count > 1 or self.kind in CLOUD:
            return []
        calls = [c for c in rig.at.log.calls if c.operation == rig.effects[0] and c.status < 300]
        real = [call for call in calls if call.status in {0, *range(200, 300)}]
        return [f"{rig.effects[0]} {len(real)} times"] if len(real) > 1 else []

    async def drive(self, *, seconds: float = 24 * 3600) -> None:
        """Let the bridge of the moment do what is due."""
        await self.stage.drive(seconds=seconds)

    async def die(self) -> bool:
        """Run until death, if it comes; start the next bridge. Says whether it died."""
        try:
            await self.drive()
        except Killed:
            await self.stage.pointed.land()
            self.stage.restart()
            return True
        return False

    def may_repeat(self) -> None:
        """Allow a fault that comes late to be undone once more."""
        self._at_most = 2


async def whole_journal(stage: Stage, run: str) -> list[Any]:
    """Read all pages of a journal."""
    found: list[Any] = []
    while True:
        page = await stage.store.journal(run, after=found[-1].sequence if found else 0)
        if not page:
            return found
        found += page


# --- what happens -----------------------------------------------------------------------------

Way = Callable[[Case], Awaitable[bool]]
"""Plays the run to its end; says whether the run is nobody's any more (its database was lost)."""


async def killed(case: Case) -> bool:
    """Die, and come back on the same data directory, whose lock proves the other dead."""
    if await case.die():
        await case.stage.store.take_over()
        await case.drive()
    return False


async def expired(case: Case) -> bool:
    """Die, and be followed by a bridge that must wait until the lease is over."""
    if await case.die():
        await case.drive()
    return False


async def stopped(case: Case) -> bool:
    """Die during a run that is stopped half-way; whoever stopped it asks again."""
    stage = case.stage
    try:
        await case.drive(seconds=_STOP_AT)
        await stage.stop(case.run)
        await case.drive()
    except Killed:
        await stage.pointed.land()
        stage.restart()
        await stage.store.take_over()
        await stage.stop(case.run)
        await case.drive()
    return False


async def database_fails(case: Case) -> bool:
    """Let one commit fail: before it was written, or after, so that its reply is lost."""
    case.points.strike_with(database_failure)
    await case.drive()
    return False


async def database_away(case: Case) -> bool:
    """Lose the database for three leases; the process goes on."""
    store = case.stage.store

    def away() -> BaseException | None:
        store.away_until = Micros(case.stage.clock() + int(3 * LEASE * SECOND))
        return database_failure() if case.points.struck.endswith("commit") else None

    case.points.strike_with(away)
    await case.drive()
    return False


async def older(case: Case) -> bool:
    """Go on with what a bridge of an older version wrote."""
    if await case.die():
        written_by_an_older_bridge(case.stage)
        await case.stage.store.take_over()
        await case.drive()
    return False


async def newer(case: Case) -> bool:
    """Go on with what a bridge of a newer version wrote, and lose nothing of it."""
    if await case.die():
        written_by_a_newer_bridge(case.stage)
        await case.stage.store.take_over()
        await case.drive()
    return False


async def frozen(case: Case) -> bool:
    """Freeze, be overtaken by another worker while somebody stops the run, and wake up late."""
    stage = case.stage
    case.points.frozen = gate = asyncio.Event()
    case.points.strike_with(lambda: None)
    worker = asyncio.create_task(case.drive())
    reached = asyncio.create_task(case.points.frozen_now.wait())
    await asyncio.wait({worker, reached}, return_when=asyncio.FIRST_COMPLETED)
    if worker.done():
        reached.cancel()
        return False
    case.may_repeat()
    first = stage.engine
    stage.engine = stage.worker("other")
    await stage.stop(case.run)
    # A third of them wake up while the other is still at it, the others when all is over.
    await case.drive(seconds=20 if case.point % 3 == 0 else 3600)
    gate.set()
    await worker
    stage.engine = first
    await case.drive()
    return False


async def database_lost(case: Case) -> bool:
    """Die, and have no database any more: what the marks say is undone by rescue."""
    if not await case.die():
        return False
    stage = case.stage
    caller = stage.rig.at.caller
    # One round at a time: between two of them the world goes on.
    undoing = Undoing(
        stage.providers,
        installation=INSTALLATION,
        patience=Patience(pause=0, refused=1, unknown=1, pending=1, marks=1),
    )
    judge = Judge(
        stage.providers,
        installation=INSTALLATION,
        other=None,
        standings={},
        now=stage.clock(),
        grace=Micros(0),
    )
    with stage.database.begin() as connection:
        for table in reversed(records_table.metadata.sorted_tables):
            connection.execute(table.delete())
    for _ in range(20):
        stage.rig.at.elapse(10)
        seen = await search(
            stage.providers,
            [Place(caller.scope)],
            installation=INSTALLATION,
            identities=(caller.identity,) if caller.identity else (),
        )
        if not seen.sightings:
            break
        await undoing.carry_out(judge.plan(seen.sightings).act)
    return True


WAYS: Final[dict[str, Way]] = {
    "killed": killed,
    "expired": expired,
    "stopped": stopped,
    **dict.fromkeys(CLOUD, expired),
    "database fails": database_fails,
    "database away": database_away,
    "older": older,
    "newer": newer,
    "frozen": frozen,
    "database lost": database_lost,
}
