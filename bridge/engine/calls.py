"""Carrying out the machine's calls: each is performed first, then applied to the run.

Performing talks to providers and changes nothing of the run but what a provider notes in its
records; applying is plain and immediate, so two calls never interleave inside it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, assert_never

from bridge.engine import lifecycle, releasing
from bridge.engine.context import words
from bridge.engine.decisions import Initiate, Inject, Observe, Prepare, Release, Revert, Unmark
from bridge.engine.initiate import initiate
from bridge.engine.prepare import prepare
from bridge.model.event import EventType
from bridge.model.moment import Micros
from bridge.model.record import Phase, Record
from providers.contract import (
    FenceLostError,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from bridge.engine.context import Apply, Context
    from bridge.engine.decisions import Call
    from bridge.engine.run import Run
    from providers.contract import Fault, Session


async def perform(call: Call, context: Context) -> Apply:
    """Perform a call. Providers' failures never escape: the run decides what one means."""
    match call:
        case Initiate():
            work: Coroutine[Any, Any, Apply] = initiate(context)
        case Prepare():
            work = prepare(call, context)
        case Inject():
            work = _inject(call, context)
        case Observe():
            work = _observe(call, context)
        case Revert():
            work = _revert(call, context)
        case Release():
            work = _release(call, context)
        case Unmark():
            work = _unmark(call, context)
        case _:
            assert_never(call)
    return await work


def _all(records: Sequence[Record], kind: OutcomeKind, reason: str) -> Outcomes:
    return {record.id: Outcome(kind, reason) for record in records}


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
        action.look_at = lifecycle.first_look(run, call.action, now)
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


async def _release(call: Release, context: Context) -> Apply:
    records = context.of(call.records)
    fault = context.providers.fault(call.fault)
    try:
        session = await context.session(fault.provider)
        outcomes = await fault.release(session, records, webhooks=call.webhooks)
    except Exception as error:  # noqa: BLE001 - tried again until it is refused or done
        outcomes = _all(records, OutcomeKind.UNKNOWN, words(error))
    return lambda run, now: releasing.released(run, records, outcomes, now, webhooks=call.webhooks)


async def _unmark(call: Unmark, context: Context) -> Apply:
    records = context.of(call.records)
    fault = context.providers.fault(records[0].fault)
    try:
        session = await context.session(fault.provider)
        outcomes = await fault.unmark(session, context.mark(call.action, fault), records)
    except Exception as error:  # noqa: BLE001 - tried again, then left with a journal entry
        outcomes = _all(records, OutcomeKind.UNKNOWN, words(error))
    return lambda run, now: lifecycle.unmarked(run, records, outcomes, now)
