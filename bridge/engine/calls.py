"""Carrying out the machine's calls: each is performed first, then applied to the run.

Performing talks to providers and changes nothing of the run but what a provider notes in its
records; applying is plain and immediate, so two calls never interleave inside it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.engine import lifecycle
from bridge.engine.initiate import initiate
from bridge.model.event import EventType
from bridge.model.experiment import FailureCode
from bridge.model.moment import Micros
from bridge.model.record import Phase, Record
from bridge.store import OverlapError
from providers.contract import (
    AccessDeniedError,
    Caller,
    FenceLostError,
    Mark,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Plan,
    ProviderError,
    Resource,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from bridge.engine.decisions import Call, Initiate, Inject, Observe, Prepare, Revert, Unmark
    from bridge.engine.providers import Providers
    from bridge.engine.run import Run
    from bridge.engine.stop_conditions import StopWatch
    from bridge.store import Store
    from providers.contract import Fault, FaultParameters, Guard, Session

logger = logging.getLogger(__name__)

Apply = Callable[["Run", Micros], None]
"""Brings what a call found into the run."""


@dataclass
class Context:
    """What performing a call needs."""

    run: Run
    store: Store
    providers: Providers
    stop_watch: StopWatch
    guard: Guard
    installation: str
    wake: Callable[[], None]
    _sessions: dict[str, Session] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        """The experiment's identity."""
        experiment = self.run.experiment
        return Caller(
            scope=experiment.scope,
            identity=experiment.template.identity,
            name=experiment.id,
            installation=self.installation,
        )

    async def session(self, provider: str) -> Session:
        """Return the run's session of a provider, opened once."""
        if provider not in self._sessions:
            self._sessions[provider] = await self.providers.session(
                provider, self.caller, self.guard, self.wake
            )
        return self._sessions[provider]

    def fault(self, action: str) -> tuple[Fault, FaultParameters]:
        """Return the fault of an action with its parameters."""
        template = self.run.experiment.template.actions[action]
        fault = self.providers.fault(template.action_id)
        return fault, fault.Parameters.model_validate(template.parameters)

    def mark(self, action: str, fault: Fault) -> Mark:
        """Return the mark that the records of an action carry."""
        return Mark(
            installation=self.installation,
            experiment=self.run.experiment.id,
            action=action,
            fault=fault.id,
            deadline=self.run.actions[action].ends_at,
            identity=self.caller.identity or "",
        )

    def of(self, ids: Sequence[str]) -> list[Record]:
        """Return records by id."""
        return [self.run.records[record] for record in ids]


def words(error: Exception) -> str:
    """Say what went wrong without a trace, a secret or a token."""
    if isinstance(error, ProviderError | FenceLostError):
        return str(error)
    logger.error("a provider failed unexpectedly", exc_info=error)
    return f"unexpected {type(error).__name__}; the bridge's log has the details"


def _all(records: Sequence[Record], kind: OutcomeKind, reason: str) -> Outcomes:
    return {record.id: Outcome(kind, reason) for record in records}


async def perform(call: Call, context: Context) -> Apply:
    """Perform a call; never raises, the run decides what a failure means."""
    performer: Callable[[Any, Context], Awaitable[Apply]] = _PERFORMERS[type(call).__name__]
    return await performer(call, context)


async def _initiate(_call: Initiate, context: Context) -> Apply:
    return await initiate(context)


# --- prepare --------------------------------------------------------------------------------


async def _prepare(call: Prepare, context: Context) -> Apply:
    run, name = context.run, call.action
    fault, parameters = context.fault(name)
    records = await _new_records(call, context, fault, parameters)
    fresh = [record for record in records if _shared(run, record) is None]
    outcomes: Outcomes = {}
    if any(_being_undone(run, record) for record in records):
        return lambda run, now: _prepare_again(run, name, now, "", transient=True)
    if fresh:
        held = await context.store.holders(run.experiment.scope, fresh)
        if held:
            (resource, _), holder = next(iter(held.items()))
            reason = str(OverlapError(resource, holder))
            return lambda run, now: _prepare_refused(
                run, name, reason, now, FailureCode.CONFIGURATION
            )
        try:
            session = await context.session(fault.provider)
            outcomes = await fault.prepare(session, parameters, fresh)
        except Exception as error:  # noqa: BLE001 - whatever a provider raises, the run goes on
            return _prepare_failed(name, error)
        outcomes = {**outcomes, **_foreign(fault, fresh, outcomes)}

    def apply(run: Run, now: Micros) -> None:
        action = run.actions[name]
        if action.status.ended or action.verdict is not None:
            return
        action.prepared, action.look_at, action.looks = True, None, 0
        run.changed = True
        for record in records:
            # Another action of the run may have taken the resource while we were reading.
            shared = _shared(run, record)
            if shared is None:
                run.add(record)
            else:
                shared.holders = (*shared.holders, name)
                run.touch(shared)
        lifecycle.prepared(run, name, outcomes, now)

    return apply


async def _new_records(
    call: Prepare, context: Context, fault: Fault, parameters: FaultParameters
) -> list[Record]:
    run, name = context.run, call.action
    resources: list[Resource] = []
    for target in run.experiment.template.actions[name].targets.values():
        resources += await _resources(context, target)
    plan = Plan(
        experiment=run.experiment.id,
        action=name,
        installation=context.installation,
        ends_at=run.actions[name].ends_at,
    )
    return [
        Record(
            id=f"{run.experiment.id}/{name}/{number}",
            action=name,
            holders=(name,),
            fault=fault.id,
            resource=subject.resource,
            effect=fault.effect,
            touches=subject.touches,
            state=subject.state,
        )
        for number, subject in enumerate(fault.subjects(parameters, resources, plan))
    ]


async def _resources(context: Context, target: str) -> list[Resource]:
    found: list[Resource] = []
    after = 0
    while True:
        page = await context.store.resolved_targets(
            context.run.experiment.id, target=target, after=after, limit=1000
        )
        if not page:
            return found
        after = page[-1][0]
        found += [Resource(one.resource_type, one.id, one.information) for _, one in page]


def _shared(run: Run, record: Record) -> Record | None:
    return next(
        (
            other
            for other in run.records.values()
            if record.effect is not None
            and (other.resource, other.effect) == (record.resource, record.effect)
            and not other.phase.ended
        ),
        None,
    )


def _being_undone(run: Run, record: Record) -> bool:
    other = _shared(run, record)
    return other is not None and all(
        run.actions[holder].verdict is not None for holder in other.holders
    )


def _foreign(fault: Fault, records: Sequence[Record], outcomes: Outcomes) -> Outcomes:
    marks = {record.id: fault.foreign_mark(record) for record in records}
    return {
        record.id: Outcome(
            OutcomeKind.REJECTED,
            f"{record.resource} bears the mark {marks[record.id]} of another run; "
            "wait for it to end, or undo it with `faultbridge rescue`",
        )
        for record in records
        if marks[record.id] and outcomes.get(record.id) == Outcome(OutcomeKind.DONE)
    }


def _prepare_failed(name: str, error: Exception) -> Apply:
    reason = words(error)
    if isinstance(error, AccessDeniedError):
        return lambda run, now: _prepare_refused(run, name, reason, now, FailureCode.AUTHORIZATION)
    if isinstance(error, TransientError | FenceLostError):
        return lambda run, now: _prepare_again(run, name, now, reason, transient=True)
    code = FailureCode.DEPENDENCY if isinstance(error, ProviderError) else FailureCode.INTERNAL
    return lambda run, now: _prepare_refused(run, name, reason, now, code)


def _prepare_refused(run: Run, name: str, reason: str, now: Micros, code: FailureCode) -> None:
    if run.actions[name].verdict is None and not run.actions[name].status.ended:
        run.fail_action(name, reason, now, code=code)


def _prepare_again(run: Run, name: str, now: Micros, reason: str, *, transient: bool) -> None:
    action = run.actions[name]
    late = now > (action.started_at or now) + run.limits.late
    if not transient or late:
        _prepare_refused(run, name, reason or "not ready in time", now, FailureCode.DEPENDENCY)
        return
    action.looks += 1
    action.look_at = Micros(now + run.pause(action.looks))
    run.changed = True


# --- inject, observe ------------------------------------------------------------------------


def begin_inject(call: Inject, run: Run, now: Micros) -> None:
    """Write down, before the commit and the call, that the records may be touched from now."""
    records = [run.records[record] for record in call.records]
    attempts = {record.id: record.attempts + 1 for record in records}
    run.set_phase([r for r in records if r.phase is Phase.PREPARED], Phase.INJECTING, now)
    for record in records:
        if record.called_at is None:
            record.sequence = run.experiment.next_sequence
            run.experiment.next_sequence += 1
        record.called_at = now
        record.attempts = attempts[record.id]
        record.retry_at = record.seen = record.seen_at = None
        run.touch(record)


async def _inject(call: Inject, context: Context) -> Apply:
    fault, parameters = context.fault(call.action)
    records = context.of(call.records)
    unmarked: dict[str, list[str]] = {}
    try:
        session = await context.session(fault.provider)
        unmarked = await _mark(context, call.action, fault, session, records)
        outcomes = await fault.inject(session, parameters, records)
    except Exception as error:  # noqa: BLE001 - an exception means "unknown for all"
        outcomes = _all(records, OutcomeKind.UNKNOWN, words(error))

    def apply(run: Run, now: Micros) -> None:
        for reason, resources in unmarked.items():
            run.note(EventType.UNMARKED, now, resources=resources, reason=reason)
        action = run.actions[call.action]
        action.looks = 0
        action.look_at = Micros(now + lifecycle.look_pause(run, call.action, 0))
        if all(outcomes.get(r.id, _UNKNOWN).kind is OutcomeKind.UNKNOWN for r in records):
            action.look_at = now  # look at once: the reply was lost, the effect may stand
        lifecycle.injected(run, records, outcomes, now)

    return apply


_UNKNOWN = Outcome(OutcomeKind.UNKNOWN)


async def _mark(
    context: Context, action: str, fault: Fault, session: Session, records: Sequence[Record]
) -> dict[str, list[str]]:
    """Write marks where they are missing; return the resources left without, by reason."""
    bare = [record for record in records if record.marked is not True]
    if not bare:
        return {}
    try:
        outcomes = await fault.mark(session, context.mark(action, fault), bare)
    except FenceLostError:
        raise
    except Exception as error:  # noqa: BLE001 - marks are optional; the run proceeds
        outcomes = _all(bare, OutcomeKind.UNKNOWN, words(error))
    unmarked: dict[str, list[str]] = defaultdict(list)
    for record in bare:
        outcome = outcomes.get(record.id, _UNKNOWN)
        if outcome.kind is OutcomeKind.DONE:
            record.marked = True
            continue
        # Unknown may have been written: it is removed in the end like one that was.
        record.marked = None if outcome.kind is OutcomeKind.UNKNOWN else False
        unmarked[outcome.reason].append(record.resource)
    return dict(unmarked)


async def _observe(call: Observe, context: Context) -> Apply:
    records = context.of(call.records)
    fault = context.providers.fault(records[0].fault)
    seen: Observations = {}
    failure = ""
    try:
        session = await context.session(fault.provider)
        seen = await fault.observe(session, records)
    except Exception as error:  # noqa: BLE001 - what cannot be read is looked at again
        failure = words(error)

    def apply(run: Run, now: Micros) -> None:
        action = run.actions[call.action]
        action.looks += 1
        action.look_at = Micros(now + lifecycle.look_pause(run, call.action, action.looks))
        run.changed = True
        if failure and records[0].last_error != failure:
            records[0].last_error = failure
            run.touch(records[0])
        lifecycle.observed(run, records, seen, now)

    return apply


# --- revert, unmark -------------------------------------------------------------------------


async def _revert(call: Revert, context: Context) -> Apply:
    records = context.of(call.records)
    fault = context.providers.fault(call.fault)
    try:
        session = await context.session(fault.provider)
        outcomes = await fault.revert(session, records)
    except Exception as error:  # noqa: BLE001 - an undo is tried until it succeeds
        outcomes = _all(records, OutcomeKind.UNKNOWN, words(error))
    return lambda run, now: lifecycle.reverted(run, records, outcomes, now)


async def _unmark(call: Unmark, context: Context) -> Apply:
    records = context.of(call.records)
    fault = context.providers.fault(records[0].fault)
    try:
        session = await context.session(fault.provider)
        outcomes = await fault.unmark(session, context.mark(call.action, fault), records)
    except Exception as error:  # noqa: BLE001 - tried again, then left with a journal entry
        outcomes = _all(records, OutcomeKind.UNKNOWN, words(error))
    return lambda run, now: lifecycle.unmarked(run, records, outcomes, now)


_PERFORMERS: dict[str, Any] = {
    "Initiate": _initiate,
    "Prepare": _prepare,
    "Inject": _inject,
    "Observe": _observe,
    "Revert": _revert,
    "Unmark": _unmark,
}
