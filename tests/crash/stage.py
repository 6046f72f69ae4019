"""A fault of a real provider on an emulated cloud, under an engine that is thrown away.

The engine, its store and the provider are the product's own. The targets are found by a double,
since resources are made by the fault's rig; the clock is the emulator's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from bridge.engine import Engine, Providers, new_experiment
from bridge.model.experiment import Experiment
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Record
from bridge.model.template import ExperimentTemplate, TemplateAction, TemplateTarget
from bridge.settings import Settings
from providers.contract import (
    Caller,
    Fault,
    Guard,
    MarkSearch,
    Plan,
    Provider,
    Resolution,
    Resolver,
    Resource,
    Session,
)
from tests.crash.points import PointedFault, PointedStore, Points
from tests.engine.world import empty_database
from tests.trial.rig import INSTALLATION, Rig

LEASE: Final = 15.0
_ROUNDS: Final = 3000


class Given(Resolver):
    """Finds the resources that the rig has made, by the target's one id: the action's name."""

    resource_type = "given"
    provider = "given"
    description = "What the rig has made."

    def __init__(self, found: Mapping[str, Sequence[Resource]]) -> None:
        self.found = found

    async def resolve(self, session: Any, target: TemplateTarget) -> Resolution:
        (name,) = target.resource_arns
        return Resolution(list(self.found[name]))


class StageProviders(Providers):
    """The engine's look-ups: the rig's fault, with points, and its world's provider."""

    def __init__(self, settings: Settings, rig: Rig, fault: Fault, resolver: Resolver) -> None:
        super().__init__(settings)
        self._rig = rig
        self._fault = fault
        self._resolver = resolver

    def fault(self, action_id: str) -> Fault:
        return self._fault

    def resolver(self, resource_type: str) -> Resolver:
        return self._resolver

    def provider(self, name: str) -> Provider:
        return self._rig.at.provider

    async def find_marks(self, name: str, caller: Caller) -> MarkSearch:
        if name != self._rig.code.provider:
            return MarkSearch([])
        known = replace(caller, identity=self._rig.at.caller.identity)
        return await self._rig.at.provider.find_marks(known)

    async def session(
        self,
        name: str,
        caller: Caller,
        guard: Guard | None = None,
        wake: Callable[[], None] | None = None,
    ) -> Session:
        known = replace(caller, identity=self._rig.at.caller.identity)
        return await self._rig.at.provider.session(known, guard, wake)


class Stage:
    """One rig's resources, and bridge after bridge that runs its fault on them."""

    def __init__(self, rig: Rig, count: int, parameters: Mapping[str, Any] | None = None) -> None:
        """Make ``count`` targets in the rig's world."""
        self.rig = rig
        self.count = count
        self.parameters = dict(rig.parameters if parameters is None else parameters)
        self.points = Points()
        self.pointed = PointedFault(lambda: self.points)
        self.fault = self.pointed.of(rig.code)
        self.elapsed: Callable[[], None] = lambda: None
        """Told when time has passed."""
        self.actions = rig.actions(count)
        self.settings = Settings(
            installation=INSTALLATION,
            lease=timedelta(seconds=LEASE),
            call_lifetime=timedelta(seconds=60),
        )
        self.database = empty_database()
        rig.at.settle()
        self.restart()

    # --- processes ------------------------------------------------------------------------

    def clock(self) -> Micros:
        """Return the emulator's time; one microsecond passes with each look."""
        clock = self.rig.at.clock
        clock.advance(0.000001)
        return Micros(round(clock().timestamp() * SECOND))

    def restart(self) -> None:
        """Throw the process away and start another on the same database."""
        self.store = PointedStore(self.database, clock=self.clock, inline=True)
        self.store.points = self.points
        self.store.wait = self.rig.at.elapse
        found = {name: resources for name, (resources, _) in self.actions.items()}
        self.providers = StageProviders(self.settings, self.rig, self.fault, Given(found))
        self.engine = self.worker("worker")

    def worker(self, name: str) -> Engine:
        """Return another worker on the same store."""
        return Engine(
            self.store, self.providers, self.settings, worker=name, wake=lambda _run: None
        )

    def use(self, points: Points) -> None:
        """Pass these points from now on."""
        self.points = self.store.points = points

    # --- runs -----------------------------------------------------------------------------

    async def start(self) -> str:
        """Store a run of the fault on all targets; return its id."""
        caller = self.rig.at.caller
        target = self.rig.code.target
        assert target is not None
        run = new_experiment(
            ExperimentTemplate(
                id="EXT1",
                scope=caller.scope,
                dialect="test",
                description="a case of the crash matrix",
                targets={
                    name: TemplateTarget(resource_type="given", resource_arns=(name,))
                    for name in self.actions
                },
                actions={
                    name: TemplateAction(
                        action_id=self.rig.fault,
                        parameters={**self.parameters, **more},
                        targets={target.key: name},
                    )
                    for name, (_, more) in self.actions.items()
                },
                identity=caller.identity or "nobody",
            ),
            now=self.clock(),
        )
        await self.store.start_experiment(run)
        return run.id

    async def stop(self, run: str) -> None:
        """Ask a run to stop."""
        await self.store.append(
            Request(experiment=run, kind=RequestKind.STOP, at=self.clock(), details={})
        )

    async def drive(self, *, seconds: float = 24 * 3600) -> None:
        """Advance what is due, as a dispatcher does, over virtual time, until nothing is open."""
        end = self.clock() + int(seconds * SECOND)
        for _ in range(_ROUNDS):
            try:
                for run in await self.store.due():
                    await self.engine.advance(run)
                due = await self.store.next_due()
            except sa.exc.OperationalError:
                # A dispatcher goes on: what it could not do is due again when the lease is over.
                due = self.clock()
            if due is None:
                return
            self.move_to(min(due, Micros(end)))
            if due > end:
                return
        raise AssertionError("the run does not come to an end")

    def move_to(self, moment: Micros) -> None:
        """Let the world's time pass."""
        seconds = (moment - self.clock()) / SECOND
        if seconds > 0:
            self.rig.at.elapse(seconds)
            self.elapsed()

    async def run(self, run: str) -> Experiment:
        """Return a run as everybody sees it."""
        found = await self.store.experiment(self.rig.at.caller.scope, run)
        assert found is not None
        return found

    # --- the world ------------------------------------------------------------------------

    def sample(self, run: str) -> list[Record]:
        """Make the records that a run will have, to look at its resources by."""
        made: list[Record] = []
        for name, (resources, more) in self.actions.items():
            parameters = self.fault.Parameters.model_validate({**self.parameters, **more})
            plan = Plan(run, name, INSTALLATION, self.clock())
            for number, subject in enumerate(self.fault.subjects(parameters, resources, plan)):
                made.append(
                    Record(
                        id=f"{run}/{name}/{number}",
                        action=name,
                        holders=(name,),
                        fault=self.rig.fault,
                        resource=subject.resource,
                        effect=self.fault.effect,
                        touches=subject.touches,
                        state=subject.state,
                    )
                )
        return made

    def snapshots(self, records: Sequence[Record]) -> dict[str, object]:
        """Return the snapshot of each resource, by name."""
        return {record.resource: comparable(self.rig.snapshot(record)) for record in records}


def comparable(found: object) -> object:
    """Return a snapshot that does not change when the world does."""
    return json.dumps(found, sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
