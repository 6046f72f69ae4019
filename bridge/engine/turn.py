"""A worker's turn at a run: from its claim until it is let go, or lost.

Every effect is preceded by the commit that makes it undoable, and every write is a compare-and-set
on the fence of the claim. A turn that lost the run says what it did all the same.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from bridge.engine import lifecycle, requests
from bridge.engine.calls import begin_inject, perform
from bridge.engine.context import Apply, Context
from bridge.engine.decisions import Call, Initiate, Inject, Prepare, Release, Revert
from bridge.engine.machine import decide
from bridge.engine.run import Run
from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import MINUTE, SECOND, Micros
from bridge.model.record import Phase
from bridge.store import AtOnceError, Change, LeaseLostError, OverlapError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bridge.store import Claimed, Reading, Store

logger = logging.getLogger(__name__)

_INBOX_EVERY = 1.0
"""Seconds between two looks into the inbox while calls are in flight, for requests that came
through another process; those of this one wake the run at once."""
RETRY_STORE = 1.0
"""Seconds between two attempts to tell the store of a late effect."""

T = TypeVar("T")


_AFTER_COMMIT = Inject | Revert | Release | Prepare


class Turn:
    """What one claim of a run comes to."""

    def __init__(
        self,
        store: Store,
        context: Context,
        claimed: Claimed,
        news: asyncio.Event,
        lease: Micros,
    ) -> None:
        self._store = store
        self._context = context
        self._run = context.run
        self._claimed = claimed
        self._news = news
        self._lease = lease
        self._tasks: dict[asyncio.Task[Apply], Call] = {}
        self._unsaved: list[Inject | Revert] = []
        """Effect calls that have returned and whose outcome no commit has saved yet."""
        self._taken: set[int] = set()
        """Requests of the inbox that the run has heard."""
        self._read: int | None = None
        """The last of those before which none is still to be heard."""

    async def go(self) -> None:
        """Work until there is nothing to do before the next wake-up.

        Raises what the store raises when it fails. Whatever was begun is in the store by then,
        and who takes the run when the lease is over looks at what became of it.
        """
        if self._claimed.interrupted:
            lifecycle.taken_over(self._run, self._store.now())
        _refuse_absence(self._run, self._claimed.due_at, self._store.now())
        try:
            await self._work()
        except LeaseLostError:
            await self._report_late_effects()
        except (OverlapError, AtOnceError):
            # Another run was quicker. What we had in mind was not written: look again, at once,
            # but as who takes a run over, since what came of calls in flight is lost with it.
            await self._leave(Micros(0))
        except Exception:
            await self._leave(self._lease)
            raise
        finally:
            for task in self._tasks:
                task.cancel()

    async def _work(self) -> None:
        run, store = self._run, self._store
        while True:
            self._news.clear()
            await self._read_inbox()
            await self._read_conditions()
            now = store.now()
            decision = decide(run, now)
            for call in decision.calls:
                self._begin(call, now)
            if not decision.calls and not self._tasks:
                await self._let_go(decision.wake_at, close=decision.close)
                return
            # What acts needs the commit before it, and so does what reads the store: the
            # resolved targets are written by it. What only looks at a cloud does not.
            self._launch(c for c in decision.calls if not isinstance(c, _AFTER_COMMIT))
            await self._commit()
            self._launch(c for c in decision.calls if isinstance(c, _AFTER_COMMIT))
            await self._wait(decision.wake_at)

    # --- calls -----------------------------------------------------------------------------

    def _begin(self, call: Call, now: Micros) -> None:
        self._run.busy |= _keys(call)
        if isinstance(call, Inject):
            begin_inject(call, self._run, now)

    def _launch(self, calls: Iterable[Call]) -> None:
        for call in calls:
            self._tasks[asyncio.create_task(perform(call, self._context))] = call

    async def _wait(self, wake_at: Micros | None) -> None:
        """Wait for a call to return, for news, or for the time of the next wake-up."""
        if not self._tasks:
            return
        timeout = _INBOX_EVERY
        if wake_at is not None:
            timeout = min(timeout, max(0.0, (wake_at - self._store.now()) / SECOND))
        news = asyncio.create_task(self._news.wait())
        waited: set[asyncio.Task[Any]] = {*self._tasks, news}
        try:
            await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        for task in [task for task in self._tasks if task.done()]:
            call = self._tasks.pop(task)
            self._run.busy -= _keys(call)
            if isinstance(call, Inject | Revert):
                self._unsaved.append(call)
            task.result()(self._run, self._store.now())

    # --- the store -------------------------------------------------------------------------

    async def _read_inbox(self) -> None:
        waiting = await self._store.read_inbox(self._run.experiment.id)
        for request in waiting:
            late = request.kind is RequestKind.LATE_EFFECT
            if request.sequence in self._taken or (late and self._in_flight(request)):
                continue
            self._taken.add(request.sequence)
            self._run.changed = True
            known = await self._with_holders(request) if late else request
            requests.take(self._run, known, self._store.now())
        for request in waiting:
            if request.sequence not in self._taken:
                break
            self._read = request.sequence

    def _in_flight(self, request: Request) -> bool:
        """Say whether a call is in flight for what a request is about.

        It may have looked before the late effect came, so its answer says nothing of that.
        """
        return not self._run.busy.isdisjoint(request.details.get("records", []))

    async def _with_holders(self, request: Request) -> Request:
        """Note which records are another run's now: those are not ours to undo any more."""
        named = [
            self._run.records[record].model_copy(update={"phase": Phase.REVERTING})
            for record in request.details.get("records", [])
            if record in self._run.records
        ]
        holders = await self._store.holders(self._run.experiment.scope, named)
        mine = self._run.experiment.id
        held = [
            record.id
            for record in named
            if holders.get((record.resource, record.effect), mine) != mine
        ]
        return request.model_copy(update={"details": {**request.details, "held": held}})

    async def _read_conditions(self) -> None:
        experiment = self._run.experiment
        watched = [c for c in experiment.template.watched if c.source not in self._run.pushed]
        if experiment.status is not ExperimentStatus.RUNNING or not watched:
            return
        readings: dict[str, Reading] = {}
        for source in {condition.source for condition in watched}:
            values = [c.value or "" for c in watched if c.source == source]
            readings |= await self._store.readings(experiment.scope, source, values)
        self._run.readings = readings

    async def _commit(self) -> None:
        if self._run.changed or self._run.events:
            await self._store.commit(self._claimed.claim, self._change())
            self._unsaved.clear()

    def _change(self) -> Change:
        change = self._run.take_change()
        change.inbox_read = self._read
        change.live_at_most = self._context.rules.maximum_targets_at_once
        return change

    async def _let_go(self, wake_at: Micros | None, *, close: bool) -> None:
        change = self._change()
        if close:
            change.close = True
        else:
            # Nothing to wait for is a state that should not exist; look again in a minute.
            change.release_until = wake_at or Micros(self._store.now() + MINUTE)
        await self._store.commit(self._claimed.claim, change)
        self._unsaved.clear()

    # --- leaving without a commit ----------------------------------------------------------

    async def _effects(self) -> Sequence[Inject | Revert]:
        """Wait for the calls in flight; return those that changed something, and are not saved."""
        tasks = dict(self._tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        return [*self._unsaved, *(c for c in tasks.values() if isinstance(c, Inject | Revert))]

    async def _leave(self, lease: Micros) -> None:
        """Leave the run to who takes it when ``lease`` is over, unless it was taken already.

        A worker that was frozen may find its connection dead before it finds its lease lost.
        """
        if not await self._effects() and lease:
            return
        try:
            await _insist(lambda: self._store.renew(self._claimed.claim, lease))
        except LeaseLostError:
            await self._report_late_effects()

    async def _report_late_effects(self) -> None:
        """Tell the run's next worker what we did after we had lost it. Needs no fence."""
        for call in await self._effects():
            request = Request(
                experiment=self._run.experiment.id,
                kind=RequestKind.LATE_EFFECT,
                at=self._store.now(),
                details={"call": type(call).__name__.lower(), "records": list(call.records)},
            )
            await _insist(partial(self._store.append, request))
            self._context.wake()


async def _insist(work: Callable[[], Awaitable[T]]) -> T:
    """Do it again until the store does not fail; raises what the store refuses."""
    told = False
    while True:
        try:
            return await work()
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a driver raises; nobody else can tell
            if not told:
                name = type(error).__name__
                logger.warning("the store cannot be told what a call did, yet: %s", name)
            told = True
            await asyncio.sleep(RETRY_STORE)


def _keys(call: Call) -> set[str]:
    if isinstance(call, Initiate):
        return {"initiate"}
    if isinstance(call, Prepare):
        return {f"action:{call.action}"}
    return set(call.records)


def _refuse_absence(run: Run, due_at: Micros, now: Micros) -> None:
    """Stop a run that nobody looked after for too long: it only undoes.

    No injection happens later than the limit after its planned time, nor in a run that is
    taken up again after its planned end.
    """
    experiment, limits = run.experiment, run.limits
    away = now - due_at
    planned_end = experiment.created_at + limits.planned + limits.grace
    if away > limits.late or (away > limits.grace and now > planned_end):
        run.stop(
            ExperimentStatus.STOPPED,
            f"The bridge was away for {away // SECOND} s; nothing is injected late.",
            now,
            cause="away",
        )
