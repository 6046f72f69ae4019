"""AWS Lambda's durable executions, by the SDK's own local runner, in the time of a world.

The runner keeps the journal and replays it, as Lambda does. Its clock is the world's: a wait jumps
to its end. An invocation that dies is made again, as often as it takes; the runner gives up after a
few, as Lambda does, which `dead_for_good` plays.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python import state as state_module
from aws_durable_execution_sdk_python_testing import executor as executor_module
from aws_durable_execution_sdk_python_testing import runner as runner_module
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

from bridge.dispatch.durable import DurableDispatcher
from bridge.dispatch.durable_loop import run_loop
from bridge.engine import Engine
from bridge.model.moment import SECOND, Micros
from providers.contract import TransientError
from tests.engine.world import Bench, Killed, World

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: Final = 10_000.0


class WorldClock:
    """The runner's clock: the world's time, which a wait jumps to the end of."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.before: list[tuple[Micros, Callable[[], None]]] = []
        """What happens at a time, while whoever waits past it waits for ever."""

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._world.clock())

    def arm(self, wake: datetime) -> float:
        at = Micros((wake - EPOCH) // timedelta(microseconds=1))
        if self.before and self.before[0][0] <= at:
            moment, happens = self.before.pop(0)
            self._world.now = max(self._world.now, moment)
            happens()
            return _NEVER
        self._world.now = max(self._world.now, at)
        return 0.0


class Points:
    """Counts the places at which an invocation may die; the bench's own are among them."""

    def __init__(self, at: int = -1) -> None:
        self.passed: list[str] = []
        self.struck = ""
        self._at = at

    def reach(self, name: str) -> None:
        self.passed.append(" ".join(name.split()[:2]))
        if len(self.passed) == self._at:
            self.struck = self.passed[-1]
            raise Killed


class PointedContext:
    """The SDK's context, with points before and after each operation that is not yet done."""

    def __init__(self, context: Any, points: Points) -> None:
        self._context = context
        self._points = points

    def step(self, work: Callable[[Any], Any], **options: Any) -> Any:
        def pointed(step: Any) -> Any:
            self._points.reach("before step")
            done = work(step)
            self._points.reach("unsaved step")
            return done

        found = self._context.step(pointed, **options)
        self._points.reach("after step")
        return found

    def wait(self, *given: Any, **options: Any) -> None:
        self._points.reach("before wait")
        self._context.wait(*given, **options)
        self._points.reach("after wait")


class LambdaService:
    """Runs the loop of a bench's runs; `start` is what the dispatcher begins executions with."""

    def __init__(self, bench: Bench, *, operations: int = 50) -> None:
        self.bench = bench
        self.limit = operations
        self.started: dict[str, dict[str, object]] = {}
        """Payload by name, in the order of beginning."""
        self.arns: dict[str, str] = {}
        self.request_takes = 0.0
        """Seconds; who does not await the request loses it."""
        self.failures = 0
        """So many starts are refused."""
        self.invocations = 0
        self.looks = 0
        self.before_look: Callable[[], None] = lambda: None
        """Told before each look."""
        self.dead_for_good = False
        """Whether an invocation that dies is never made again."""
        self.clock = WorldClock(bench.world)
        self.strike(Points())
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(runner_module, "SkipClock", lambda: self.clock)
        self._patch.setattr(executor_module.Executor, "RETRY_BACKOFF_SECONDS", 0)
        self._patch.setattr(executor_module.Executor, "MAX_CONSECUTIVE_FAILED_ATTEMPTS", 10**6)
        # At the end of each invocation the SDK waits for it, in real time.
        self._patch.setattr(state_module, "_STOP_SIGNAL_POLL_SECONDS", 0.002)
        self.runner = DurableFunctionTestRunner(self._invoke, execution_timeout=0)
        self._handler = durable_execution(self._loop)
        self.renew()

    def strike(self, points: Points) -> None:
        """Pass these points from now on."""
        self.points = points
        self.bench.world.hook = points.reach

    def close(self) -> None:
        self.runner.close()  # type: ignore[no-untyped-call] # the SDK's
        self.runner._scheduler._loop.close()  # which it forgets
        self._patch.undo()

    def renew(self) -> None:
        """Take a fresh process: what the one before had in memory is gone."""
        self.bench.restart()
        bench, self.dispatcher = self.bench, self.new_dispatcher()
        bench.engine = Engine(
            bench.store,
            bench.providers,
            bench.settings,
            worker="loop",
            wake=self.dispatcher.wake,
        )
        self.dispatcher.start(bench.engine)

    def new_dispatcher(self) -> DurableDispatcher:
        """Return the dispatcher of another function, which only passes wake-ups on."""
        return DurableDispatcher(self.bench.store, self.start, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.bench.world.now = Micros(self.bench.world.now + int(seconds * SECOND))

    async def start(self, name: str, payload: dict[str, object]) -> None:
        """Start an execution as Lambda does: one of a name that there was is not started again."""
        if self.failures:
            self.failures -= 1
            raise TransientError("AWS throttled lambda:InvokeFunction (TooManyRequestsException).")
        await asyncio.sleep(self.request_takes)
        assert 1 <= len(name) <= 64
        if name in self.started:
            assert self.started[name] == payload
            return
        self.started[name] = payload
        self.arns[name] = self.runner.run_async(
            input=json.dumps(payload), execution_name=name, execution_timeout=0
        )

    def ask(self, experiment: str) -> None:
        """Wake a run as the API does, from a process of its own."""

        async def asked() -> None:
            dispatcher = self.new_dispatcher()
            dispatcher.wake(experiment)
            await dispatcher.passed_on()

        asyncio.run(asked())

    def finish(self, *, seconds: float = 60) -> None:
        """Wait, in real time, until the execution that was started last has ended."""
        end = time.monotonic() + seconds
        while not self.over(list(self.started)[-1]):
            assert time.monotonic() < end, f"started {list(self.started)}"
            time.sleep(0.005)

    def over(self, name: str) -> bool:
        """Say whether an execution has ended."""
        return name in self.arns and bool(self.execution(name).is_complete)

    def execution(self, name: str) -> Any:
        """Return an execution with its journal, as the runner has it."""
        return self.runner._store.load(self.arns[name])

    # --- what Lambda calls -----------------------------------------------------------------

    def _invoke(self, event: Any, context: Any) -> Any:
        self.invocations += 1
        try:
            return self._handler(event, context)
        except Killed:
            self.renew()
            if self.dead_for_good:
                return {"Status": "FAILED", "Error": {"ErrorMessage": "died"}}
            raise RuntimeError("the process died") from None

    def _loop(self, event: Any, context: Any) -> None:
        run_loop(PointedContext(context, self.points), event, self)  # type: ignore[arg-type] # stands in

    def operations(self) -> int:
        return self.limit

    def look(self, experiment_id: str, sequence: int) -> int | None:
        self.looks += 1
        self.before_look()
        return asyncio.run(self.dispatcher.look(experiment_id, sequence))

    def hand_over(self, experiment_id: str, sequence: int) -> int | None:
        return asyncio.run(self.dispatcher.hand_over(experiment_id, sequence))
