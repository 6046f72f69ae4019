"""Random runs, random deaths, random trouble; always the same invariant.

``make soak N=1000 SEED=7`` plays the cases 7 … 1006. What happens in a case follows from its seed
alone, so one that fails is played again by ``make soak N=1 SEED=…``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

import pytest
import sqlalchemy as sa

from bridge.engine import Engine, turn
from bridge.model.event import Event, EventType
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.store import Store
from providers.contract import StopState
from tests.crash.chance import ALARM, Happening, happenings, template
from tests.crash.invariants import untruths
from tests.engine.world import SCOPE, Bench, Killed, PointedStore, Thing

_ROUNDS: Final = 4000


@dataclass
class _Frozen:
    """A step that stands still."""

    gate: asyncio.Event
    until: Micros
    task: asyncio.Task[None] | None = None


@dataclass
class Case:
    """One case; all of it follows from the seed."""

    seed: int
    story: list[str] = field(default_factory=list)
    """What happened, in words."""
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = Random(self.seed)  # noqa: S311 - repeatable, no secret
        self.bench = Bench()
        self.world = self.bench.world
        self.world.settle = self.draw.choice((0, 0, 3, 15)) * SECOND
        self.world.things = {f"t{n}": Thing() for n in range(self.draw.randint(2, 6))}
        self.names = list(self.world.things)
        self.store = Store(self.bench._database, clock=self.world.clock, inline=True)
        self.two = self.draw.random() < 0.5
        """Whether two workers share the store, each with a lease to wait for."""
        self.workers = [self._worker(name) for name in (["one", "two"] if self.two else ["one"])]
        self.frozen: list[_Frozen] = []
        self.waking = False
        """Whether a worker that was frozen goes on right now."""
        self.stopped_still = asyncio.Event()
        self.deaths = self.draw.choice((0, 1, 1, 2, 4))
        self.freezes = self.draw.choice((0, 1, 2)) if self.two else 0
        self.failures = self.draw.choice((0, 0, 1, 3))
        self.happenings: list[tuple[Micros, str, Callable[[], object]]] = []
        self.runs: list[str] = []

    # --- how it goes ----------------------------------------------------------------------

    async def play(self) -> list[str]:
        """Play it; return what does not hold in the end."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(turn, "RETRY_STORE", 0)
            patch.setattr(self.world, "hold", self._hold, raising=True)
            for number in range(self.draw.randint(1, 3)):
                await self._start(number)
            self._plan()
            self.world.hook = self._hook
            await self._live()
        return await self._judge()

    async def _live(self) -> None:
        for _ in range(_ROUNDS):
            await self._happen()
            for run in await self.store.due():
                await self._advance(self.draw.randrange(len(self.workers)), run)
            await self._poll()
            moments = [moment for moment, _, _ in self.happenings]
            moments += [one.until for one in self.frozen]
            due = await self.store.next_due()
            if due is not None:
                moments.append(due)
                if await self.store.watched():
                    moments.append(Micros(self.world.now + 5 * SECOND))
            if not moments:
                return
            self.world.now = max(self.world.now, min(moments))
        raise AssertionError("it does not come to an end")

    async def _happen(self) -> None:
        for happening in [one for one in self.happenings if one[0] <= self.world.now]:
            self.happenings.remove(happening)
            self.story.append(f"{self._at()}: {happening[1]}")
            done = happening[2]()
            if asyncio.iscoroutine(done):
                await done
        for one in [one for one in self.frozen if one.until <= self.world.now]:
            if one not in self.frozen:
                continue  # it went on with another step of its worker
            # A process that goes on does so with all that stood still in it.
            for step in [other for other in self.frozen if other is one or self._with(one, other)]:
                self.frozen.remove(step)
                step.gate.set()
            self.story.append(f"{self._at()}: it goes on")
            if one.task is not None:
                # One that dies now, before it can tell what it did late, is beyond the store:
                # docs/guarantee.md, "What cannot be guaranteed".
                self.waking = True
                await self._until_still(one.task)
                self.waking = False

    def _with(self, one: _Frozen, other: _Frozen) -> bool:
        return one.task is not None and other.task is one.task

    async def _advance(self, number: int, run: str) -> None:
        task = asyncio.create_task(self.workers[number].advance(run), name=str(number))
        await self._until_still(task)

    async def _until_still(self, task: asyncio.Task[None]) -> None:
        """Wait until a worker is done with a run, or frozen."""
        self.stopped_still.clear()
        still = asyncio.create_task(self.stopped_still.wait())
        await asyncio.wait({task, still}, return_when=asyncio.FIRST_COMPLETED)
        still.cancel()
        if not task.done():
            for one in self.frozen:
                one.task = one.task or task
            return
        try:
            task.result()
        except Killed:
            await self._die(int(task.get_name()))
        except sa.exc.OperationalError:
            self.story.append(f"{self._at()}: the dispatcher hears that the database failed")

    async def _die(self, number: int) -> None:
        self.kills[self.story[-1].rpartition(": dies ")[2]] += 1
        for one in [one for one in self.frozen if one.task and one.task.get_name() == str(number)]:
            self.frozen.remove(one)
            if one.task is not None:
                one.task.cancel()
                await asyncio.gather(one.task, return_exceptions=True)
        self.workers[number] = self._worker(f"{number} again")
        if not self.two:
            await self.store.take_over()

    async def _poll(self) -> None:
        try:
            await self.workers[0].stop_watch.poll()
        except sa.exc.OperationalError:
            pass  # the dispatcher polls again
        except Killed:
            await self._die(0)

    def _worker(self, name: str) -> Engine:
        store = PointedStore(self.bench._database, clock=self.world.clock, inline=True)
        store.world = self.world
        return Engine(
            store,
            self.bench.providers,
            self.bench.settings,
            worker=name,
            wake=lambda _run: None,
        )

    # --- what strikes ---------------------------------------------------------------------

    def _hook(self, point: str) -> None:
        if self.deaths and not self.waking and self.draw.random() < 0.03:
            self.deaths -= 1
            self.story.append(f"{self._at()}: dies {' '.join(point.split()[:2])}")
            raise Killed
        if self.failures and point.endswith("commit") and self.draw.random() < 0.1:
            self.failures -= 1
            self.story.append(f"{self._at()}: the database fails {point}")
            raise sa.exc.OperationalError("COMMIT", {}, Exception("told to fail"))

    async def _hold(self, step: str) -> None:
        if not self.freezes or self.draw.random() > 0.2:
            return
        self.freezes -= 1
        seconds = self.draw.choice((5, 20, 100, 1000, 9000))
        self.story.append(f"{self._at()}: freezes in {step} for {seconds} s")
        frozen = _Frozen(asyncio.Event(), Micros(self.world.now + seconds * SECOND))
        self.frozen.append(frozen)
        self.stopped_still.set()
        await frozen.gate.wait()

    def _plan(self) -> None:
        planned = list(happenings(self.draw, self.world, self.names))
        for run in self.runs:
            if self.draw.random() < 0.4:
                seconds = self.draw.randint(0, 1200)
                planned.append(Happening(seconds, f"stop {run}", partial(self._stop, run)))
        for one in planned:
            moment = Micros(self.world.now + one.seconds * SECOND)
            self.happenings.append((moment, one.words, one.happen))

    async def _stop(self, run: str) -> None:
        await self.store.append(
            Request(experiment=run, kind=RequestKind.STOP, at=self.store.now(), details={})
        )

    # --- what is run ----------------------------------------------------------------------

    async def _start(self, number: int) -> None:
        spare = f"spare{number}"
        self.world.things[spare] = Thing()
        self.world.alarms[ALARM] = StopState.CLEAR
        actions, targets = template(self.draw, self.names, spare)
        watched = (ALARM,) if self.draw.random() < 0.4 else ()
        self.runs.append(await self.bench.start(actions, targets, stop_conditions=watched))

    # --- what must hold -------------------------------------------------------------------

    async def _judge(self) -> list[str]:
        found: list[str] = []
        records: list[Record] = []
        events: list[Event] = []
        for run in self.runs:
            experiment = await self.store.experiment(SCOPE, run)
            assert experiment is not None
            own, journal = await self.store.records(run), await self.store.journal(run)
            found += untruths(experiment, own, journal)
            records += own
            events += journal
        for name, (state, marks) in self.world.snapshot().items():
            found += self._thing(name, state, records, events)
            if marks:
                found.append(f"{name} bears {sorted(marks)}")
        return found

    def _thing(
        self, name: str, state: str, records: list[Record], events: list[Event]
    ) -> list[str]:
        own = [record for record in records if record.resource == name]
        kept = [r for r in own if r.phase is Phase.KEPT and r.fault != "test:blink"]
        effects = self.world.effects
        begun, undone = effects["stopped", name], effects["running", name]
        wanted = "stopped" if kept else "running"
        found = [] if state == wanted else [f"{name} is {state}, not {wanted}"]
        if begun != undone + len(kept):
            found.append(f"{name} was halted {begun} times and let go {undone} times")
        late = [e for e in events if e.type is EventType.LATE_EFFECT]
        again = sum(record in event.details["records"] for event in late for record in _ids(own))
        injected = sum(
            name in event.details["resources"]
            for event in events
            if event.type is EventType.RECORD_PHASE and event.details["phase"] == Phase.INJECTING
        )
        times = begun + effects["blinked", name]
        if times > injected + again:
            found.append(f"{name} was faulted {times} times, said to be {injected}")
        return found

    def _at(self) -> str:
        return f"{(self.world.now - 1_800_000_000 * SECOND) / SECOND:.0f} s"


def _ids(records: list[Record]) -> set[str]:
    return {record.id for record in records}


async def played(seed: int) -> tuple[Case, list[str]]:
    """Play a case; what it raises is a finding too."""
    case = Case(seed)
    try:
        found = await case.play()
    except Exception as error:  # noqa: BLE001 - one bad case must not hide the others
        found = [f"{type(error).__name__}: {error}"]
    return case, found


def main() -> None:
    """Play so many cases from a seed on; exit with 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=1000, help="so many cases")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # providers are told to fail: each would leave a trace
    failed: list[int] = []
    kills: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(given.seed, given.seed + given.number):
        case, found = asyncio.run(played(seed))
        kills.update(case.kills)
        if found:
            failed.append(seed)
            _say(f"seed {seed}:", *(f"  {line}" for line in (*case.story, *found)))
    points = ", ".join(f"{name} {times}" for name, times in sorted(kills.items()))
    seconds = time.monotonic() - began
    _say(
        f"{given.number} cases in {seconds:.0f} s, {sum(kills.values())} deaths, "
        f"{len(failed)} with leftovers or untruths",
        f"by point: {points}",
    )
    if failed:
        _say(f"play one again: make soak N=1 SEED={failed[0]}")
        sys.exit(1)


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
