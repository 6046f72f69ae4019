"""A small world to break, in virtual time, and a process that may die at any point.

The world keeps resources with a state and counts what was done to each; its faults behave as
a cloud's: effects take time, replies get lost, resources vanish.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar, TypeVar

import sqlalchemy as sa

from bridge.engine import Engine, Providers, new_experiment
from bridge.model.experiment import ActionsMode, Experiment
from bridge.model.moment import SECOND, Micros, parse_duration
from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.model.template import (
    ExperimentTemplate,
    Selection,
    StopCondition,
    TemplateAction,
    TemplateTarget,
)
from bridge.settings import Settings
from bridge.store import Change, Claim, Store
from bridge.store.database import open_engine
from bridge.store.migrate import upgrade
from bridge.store.tables import inbox
from providers.contract import (
    DONE,
    PENDING,
    Caller,
    Denial,
    Effect,
    Fault,
    FaultParameters,
    Guard,
    Mark,
    MarkSearch,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Provider,
    PushedSource,
    Resolution,
    Resolver,
    Resource,
    Session,
    StopSource,
    StopState,
    TargetSpec,
    Timing,
    TransientError,
    Undo,
)

T = TypeVar("T")

SCOPE = Scope(cloud="test", account="123456789012", region="here")
START = Micros(1_800_000_000 * SECOND)


class Killed(BaseException):
    """The process died here. Not an Exception: nothing may catch and survive it."""


@dataclass
class Thing:
    """One resource of the world."""

    state: str = "running"
    due: Micros | None = None
    """When a transition ends."""
    marks: set[str] = field(default_factory=set)
    tags: dict[str, str] | None = field(default_factory=dict)
    """None where its resolver cannot tell."""


@dataclass
class World:
    """Everything outside the bridge, and the only clock."""

    now: Micros = START
    things: dict[str, Thing] = field(default_factory=dict)
    settle: int = 0
    """Microseconds that a transition takes."""
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(what, resource) → how often it took effect."""
    calls: list[str] = field(default_factory=list)
    alarms: dict[str, StopState] = field(default_factory=dict)
    alarms_readable: bool = True
    hook: Callable[[str], None] = lambda _point: None
    """Told of each point that a process passes; may raise."""
    frozen: asyncio.Event | None = None
    """Set by a test to hold a worker between its last check and its effect."""
    freeze_in: str = "inject"
    """In which step it is held; in ``revert`` and ``observe`` after the look."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    broken: str = ""
    """Why undoing fails."""
    lose_replies: int = 0
    """So many injecting calls take effect, and their answer is lost."""
    blind_until: int = 0
    """No look at a thing succeeds before that time."""
    refuse_calls: bool = False
    """Injecting calls fail before they take effect."""
    database_back: int = 0
    """The database is away until that time; each attempt to reach it takes five seconds."""
    denials: list[Denial] = field(default_factory=list)
    taggable: bool = True

    def clock(self) -> Micros:
        """Return the world's time; one microsecond passes with each look."""
        self.now = Micros(self.now + 1)
        return self.now

    def point(self, name: str) -> None:
        """Pass a point."""
        self.calls.append(name)
        self.hook(name)

    async def hold(self, step: str) -> None:
        """Hold the worker that comes here first, if a test wants that."""
        if self.frozen is not None and self.freeze_in == step:
            gate, self.frozen = self.frozen, None
            self.reached.set()
            await gate.wait()

    def answer(self) -> None:
        """Lose the answer to a call that has taken effect, if that is wanted."""
        if self.lose_replies:
            self.lose_replies -= 1
            raise TransientError("the reply was lost")

    def look(self, thing: str) -> str:
        """Return a thing's state, after the transitions that are due."""
        one = self.things.get(thing)
        if one is None:
            return "gone"
        if one.due is not None and self.now >= one.due:
            one.state, one.due = {"stopping": "stopped", "pending": "running"}[one.state], None
        return one.state

    def change(self, thing: str, state: str) -> None:
        """Begin a transition."""
        one = self.things[thing]
        between = {"stopped": "stopping", "running": "pending"}[state]
        one.state, one.due = between, Micros(self.now + self.settle)
        self.effects[state, thing] += 1
        self.look(thing)

    def snapshot(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Return the world as it can be compared."""
        return {
            name: (self.look(name), frozenset(thing.marks)) for name, thing in self.things.items()
        }


@dataclass(frozen=True)
class WorldSession:
    """A caller's way into the world."""

    caller: Caller
    guard: Guard | None
    world: World


class Halt(Fault):
    """Halt things, and let them run again."""

    id = "test:halt"
    provider = "world"
    target = TargetSpec("Things", "test:thing")
    effect = "power"
    world: ClassVar[World]

    class Parameters(FaultParameters):
        """``length`` makes it restore; ``forever`` makes it impossible to undo."""

        length: str | None = None
        forever: bool = False
        gone_is_fine: bool = False
        touches: str = ""

    def undo(self, parameters: Any) -> Undo:
        if parameters.forever:
            return Undo.NONE
        return Undo.RESTORES if parameters.length else Undo.LASTING

    def timing(self, parameters: Any) -> Timing:
        if parameters.length:
            return Timing.lasts(parse_duration(parameters.length))
        return Timing.instant()

    def gone_is_failure(self, parameters: Any) -> bool:
        return not parameters.gone_is_fine

    async def review(
        self, session: Any, parameters: Any, resources: Sequence[Resource]
    ) -> list[Denial]:
        return list(session.world.denials)

    async def prepare(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        world: World = session.world
        world.point(f"before prepare {len(records)}")
        outcomes: dict[str, Outcome] = {}
        for record in records:
            state = world.look(record.resource)
            record.state["prior"] = state
            if parameters.touches:
                record.touches = (parameters.touches,)
            outcomes[record.id] = {
                "gone": Outcome(OutcomeKind.GONE, "it is gone"),
                "running": DONE,
            }.get(state, Outcome(OutcomeKind.LEFT, f"already {state}"))
        world.point("after prepare")
        return outcomes

    async def inject(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        world: World = session.world
        if session.guard is not None:
            session.guard.check()
        await world.hold("inject")
        world.point("before inject " + ",".join(r.resource for r in records))
        if world.refuse_calls:
            raise TransientError("throttled")
        outcomes: dict[str, Outcome] = {}
        for record in records:
            state = world.look(record.resource)
            if state == "gone":
                outcomes[record.id] = Outcome(OutcomeKind.GONE, "it is gone")
                continue
            if state == "running":
                world.change(record.resource, "stopped")
            outcomes[record.id] = PENDING
        world.point("after inject")
        world.answer()
        return outcomes

    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        world: World = session.world
        world.point("before observe")
        if world.now < world.blind_until:
            raise TransientError("throttled")
        seen = {
            "running": Effect.ABSENT,
            "stopping": Effect.APPLYING,
            "stopped": Effect.PRESENT,
            "pending": Effect.LIFTING,
            "gone": Effect.GONE,
        }
        found = {r.id: Observation(seen[world.look(r.resource)]) for r in records}
        await world.hold("observe")
        return found

    async def revert(self, session: Any, records: Sequence[Record]) -> Outcomes:
        world: World = session.world
        if session.guard is not None:
            session.guard.check()
        world.point("before revert " + ",".join(r.resource for r in records))
        if world.broken:
            raise TransientError(world.broken)
        outcomes: dict[str, Outcome] = {}
        looks = {record.resource: world.look(record.resource) for record in records}
        await world.hold("revert")
        for record in records:
            state = looks[record.resource]
            if state == "stopped":
                # What runs already, since it was looked at, a cloud does not start again.
                if world.look(record.resource) == "stopped":
                    world.change(record.resource, "running")
                state = world.look(record.resource)
            outcomes[record.id] = {
                "running": DONE,
                "gone": Outcome(OutcomeKind.GONE, "it is gone"),
            }.get(state, PENDING)
        world.point("after revert")
        return outcomes

    async def mark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:
        world: World = session.world
        world.point("before mark")
        await world.hold("mark")
        if not world.taggable:
            return {r.id: Outcome(OutcomeKind.REJECTED, "may not tag") for r in records}
        for record in records:
            if record.resource in world.things:
                world.things[record.resource].marks.add(mark.key)
        world.point("after mark")
        return {record.id: DONE for record in records}

    async def unmark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:
        world: World = session.world
        world.point("before unmark")
        for record in records:
            if record.resource in world.things:
                world.things[record.resource].marks.discard(mark.key)
        world.point("after unmark")
        return {record.id: DONE for record in records}


class Flicker(Halt):
    """Halt things in a way that ends by itself after five seconds; then it wants removing."""

    id = "test:flicker"
    effect = None  # type: ignore[assignment] # several may share a thing

    class Parameters(FaultParameters):
        """``limit`` is the longest time that it may take."""

        limit: str = "PT1M"

    def undo(self, parameters: Any) -> Undo:
        return Undo.RESTORES

    def timing(self, parameters: Any) -> Timing:
        return Timing.until_ended(parse_duration(parameters.limit))

    def gone_is_failure(self, parameters: Any) -> bool:
        return True

    async def prepare(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        return {record.id: DONE for record in records}

    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        seen = dict(await super().observe(session, records))
        world: World = session.world
        for record in records:
            began = record.called_at or world.now
            if seen[record.id].effect is Effect.PRESENT and world.now > began + 5 * SECOND:
                seen[record.id] = Observation(Effect.ENDED)
        return seen


class Blink(Halt):
    """Something that nobody can see afterwards and that cannot be undone."""

    id = "test:blink"

    def undo(self, parameters: Any) -> Undo:
        return Undo.NONE

    def timing(self, parameters: Any) -> Timing:
        return Timing.instant()

    async def inject(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        world: World = session.world
        world.point("before inject blink")
        for record in records:
            world.effects["blinked", record.resource] += 1
        world.point("after inject")
        world.answer()
        return {record.id: DONE for record in records}

    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        return {r.id: Observation(Effect.UNKNOWN, "cannot be seen") for r in records}


class Pause(Fault):
    """Wait."""

    id = "test:pause"
    provider = "world"

    class Parameters(FaultParameters):
        """How long."""

        duration: str

    def undo(self, parameters: Any) -> Undo:
        return Undo.NONE

    def timing(self, parameters: Any) -> Timing:
        return Timing.lasts(parse_duration(parameters.duration))

    async def prepare(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        raise AssertionError("nothing to prepare")

    inject = prepare

    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        raise AssertionError("nothing to observe")

    async def revert(self, session: Any, records: Sequence[Record]) -> Outcomes:
        raise AssertionError("nothing to revert")


class Things(Resolver):
    """Finds things by id, or all of them."""

    resource_type = "test:thing"
    provider = "world"
    description = "A thing."

    async def resolve(self, session: Any, target: TemplateTarget) -> Resolution:
        world: World = session.world
        world.point("before resolve")
        if target.resource_arns:
            missing = [name for name in target.resource_arns if name not in world.things]
            names = [name for name in target.resource_arns if name in world.things]
        else:
            missing, names = [], sorted(world.things)
        found = [
            Resource("test:thing", name, {"arn": name}, world.things[name].tags) for name in names
        ]
        return Resolution(found, missing)


class Alarms(StopSource):
    """Reads the world's alarms."""

    source = "test:alarm"
    provider = "world"

    async def read(self, session: Any, values: Sequence[str]) -> Mapping[str, StopState]:
        world: World = session.world
        if not world.alarms_readable:
            raise TransientError("throttled")
        return {value: world.alarms.get(value, StopState.UNREADABLE) for value in values}


class Pushes(PushedSource):
    """Is only heard; a value is met by every signal that begins with it."""

    source = "test:push"

    def matches(self, value: str, said: str) -> bool:
        return said.startswith(value)


class WorldProvider(Provider):
    """Opens sessions into the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def session(
        self, caller: Caller, guard: Guard | None, wake: Callable[[], None] | None = None
    ) -> Session:
        return WorldSession(caller, guard, self.world)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        return MarkSearch([])

    async def close(self) -> None:
        """Nothing is open."""


class WorldProviders(Providers):
    """The engine's look-ups, answered with the world's doubles."""

    def __init__(self, world: World, settings: Settings) -> None:
        super().__init__(settings)
        self._provider = WorldProvider(world)

    def fault(self, action_id: str) -> Fault:
        return {f.id: f for f in (Halt(), Flicker(), Blink(), Pause())}[action_id]

    def resolver(self, resource_type: str) -> Resolver:
        return Things()

    def stop_source(self, source: str) -> StopSource:
        return {one.source: one for one in (Alarms(), Pushes())}[source]

    def provider(self, name: str) -> Provider:
        return self._provider


class PointedStore(Store):
    """A store whose commits are points at which a process may die."""

    world: World

    async def _run(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self.world.now < self.world.database_back:
            self.world.now = Micros(self.world.now + 5 * SECOND)
            raise sa.exc.OperationalError("BEGIN", {}, Exception("the database is away"))
        return await super()._run(work, *args, **kwargs)

    def _commit(self, claim: Claim, change: Change) -> None:
        self.world.point("before commit")
        super()._commit(claim, change)
        self.world.point("after commit")


@cache
def _schema() -> sa.Engine:
    """Return a database in memory as the migrations leave it; they take longer than most runs."""
    made = open_engine("sqlite://")
    upgrade(made)
    return made


def empty_database() -> sa.Engine:
    """Return a fresh database in memory."""
    made = open_engine("sqlite://")
    with _schema().connect() as source, made.connect() as target:
        drivers = [one.connection.driver_connection for one in (source, target)]
        for one in (source, target):
            one.rollback()
        assert drivers[0] is not None
        drivers[0].backup(drivers[1])
    return made


class Bench:
    """A world, a store (in memory if not said otherwise) and an engine, in virtual time."""

    def __init__(self, database: str = "sqlite://", **settings: Any) -> None:
        self.world = World()
        self.settings = Settings(
            installation="test", **{"call_lifetime": timedelta(seconds=60), **settings}
        )
        if database == "sqlite://":
            self._database = empty_database()
        else:
            self._database = open_engine(database)
            upgrade(self._database)
        self.woken: list[str] = []
        self.restart()

    def restart(self) -> None:
        """Throw the process away and start another on the same database."""
        self.store = PointedStore(self._database, clock=self.world.clock, inline=True)
        self.store.world = self.world
        self.providers = WorldProviders(self.world, self.settings)
        self.engine = Engine(
            self.store,
            self.providers,
            self.settings,
            worker="worker",
            wake=self.woken.append,
        )

    def close(self) -> None:
        """Let go of the database's connections."""
        self._database.dispose()

    def other_engine(self) -> Engine:
        """Return a second worker on the same store."""
        return Engine(
            self.store, self.providers, self.settings, worker="other", wake=self.woken.append
        )

    async def start(
        self,
        actions: dict[str, TemplateAction],
        targets: dict[str, TemplateTarget] | None = None,
        *,
        stop_conditions: tuple[str, ...] = (),
        pushed: tuple[str, ...] = (),
        actions_mode: ActionsMode = ActionsMode.RUN_ALL,
        **template: Any,
    ) -> str:
        """Store a run; return its id."""
        run = new_experiment(
            ExperimentTemplate(
                id="EXT1",
                scope=SCOPE,
                dialect="test",
                description="a test",
                targets=targets or {"all": TemplateTarget(resource_type="test:thing")},
                actions=actions,
                stop_conditions=tuple(
                    StopCondition(source=source, value=value)
                    for source, values in (("test:alarm", stop_conditions), ("test:push", pushed))
                    for value in values
                ),
                identity="somebody",
                **template,
            ),
            now=self.world.now,
            actions_mode=actions_mode,
        )
        await self.store.start_experiment(run)
        return run.id

    async def drive(self, *, seconds: float = 3600 * 24) -> None:
        """Advance whatever is due, jumping over the time in between, until nothing is open."""
        end = self.world.now + int(seconds * SECOND)
        for _ in range(5_000):
            for experiment in await self.store.due():
                await self.engine.advance(experiment)
            await self.engine.stop_watch.poll()
            due = await self.store.next_due()
            if due is None:
                return
            # With stop conditions to watch the clock goes in steps of their polling.
            watching = bool(await self.store.watched())
            step = int(self.settings.stop_poll.total_seconds() * SECOND)
            due = min(due, Micros(self.world.now + step)) if watching else due
            if due > end:
                self.world.now = Micros(max(self.world.now, end))
                return
            self.world.now = max(self.world.now, due)
        raise AssertionError("the run does not come to an end")

    def requests(self) -> int:
        """Return how many requests were ever put into an inbox."""
        with self._database.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one()

    async def run(self, experiment: str) -> Experiment:
        """Return a run as everybody sees it."""
        found = await self.store.experiment(SCOPE, experiment)
        assert found is not None
        return found


def halt(*, after: tuple[str, ...] = (), target: str = "all", **parameters: Any) -> TemplateAction:
    """Return an action that halts things."""
    return TemplateAction(
        action_id="test:halt",
        targets={"Things": target},
        parameters=parameters,
        start_after=after,
    )


def action(kind: str, *, after: tuple[str, ...] = (), **parameters: Any) -> TemplateAction:
    """Return another action, on all things where it takes any."""
    targets = {} if kind == "pause" else {"Things": "all"}
    return TemplateAction(
        action_id=f"test:{kind}", targets=targets, parameters=parameters, start_after=after
    )


def things(*names: str, selection: str = "ALL") -> TemplateTarget:
    """Return a target of things by name, or of all."""
    return TemplateTarget(
        resource_type="test:thing",
        resource_arns=names,
        selection_mode=Selection.parse(selection),
    )
