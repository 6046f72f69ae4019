"""Giving records up by force: an operator's word, carried out by the fault's provider.

What was said stands in the record before anything is done, so a worker that dies leaves the next
one to go on with it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from bridge.engine.decisions import Call, Release
from bridge.engine.lifecycle import IN_EFFECT
from bridge.model.event import EventType
from bridge.model.moment import Micros
from bridge.model.record import Phase, Record
from providers.contract import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.engine.run import Run


def who(details: Mapping[str, Any]) -> dict[str, str]:
    """Return who asked, as far as a request or a record says."""
    return {name: str(details[name]) for name in ("principal", "request_id") if name in details}


def ask(
    run: Run,
    record: Record,
    reason: str,
    now: Micros,
    *,
    webhooks: bool,
    asker: Mapping[str, str],
) -> None:
    """Note that a record is to be released by force; one that nobody touched ends at once."""
    if record.phase is Phase.PREPARED:
        _end(run, record, reason, "nothing was done to it yet", now, asker=asker)
        return
    record.releasing = {"reason": reason, "webhooks": webhooks, **asker}
    record.attempts, record.retry_at = 0, None
    run.touch(record)


def end(run: Run, record: Record, reason: str, now: Micros, *, asker: Mapping[str, str]) -> None:
    """Give a record up as its resource is."""
    _end(run, record, reason, "", now, asker=asker)


def releases(run: Run, now: Micros) -> list[Call]:
    """Return the releasing calls that are due."""
    groups: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for record in run.records.values():
        if record.releasing is None or record.phase.ended or record.id in run.busy:
            continue
        due = _due(run, record)
        if now < due:
            run.wake(due)
        else:
            groups[record.fault, bool(record.releasing.get("webhooks"))].append(record.id)
    return [Release(fault, tuple(ids), webhooks) for (fault, webhooks), ids in groups.items()]


def _due(run: Run, record: Record) -> Micros:
    """Return when to release a record: not while its injection may still take effect.

    A call that was sent, perhaps by a worker that died, may do so for one call lifetime; what is
    created after its release nobody would ever undo.
    """
    due = record.retry_at or Micros(0)
    if record.phase is Phase.INJECTING and record.seen not in IN_EFFECT:
        due = max(due, Micros((record.called_at or 0) + run.limits.call_lifetime))
    return due


def released(
    run: Run,
    records: Sequence[Record],
    outcomes: Mapping[str, Outcome],
    now: Micros,
    *,
    webhooks: bool,
) -> None:
    """Take the outcomes of ``release``; what was refused is undone as before.

    ``webhooks`` is what the call allowed: an operator may have allowed more meanwhile.
    """
    for record in records:
        if record.releasing is None or record.phase.ended:
            continue
        outcome = outcomes.get(record.id, Outcome(OutcomeKind.UNKNOWN, "no answer"))
        run.learn(record, outcome.news, outcome.notes, now)
        run.touch(record)
        record.attempts += 1
        if outcome.kind in {OutcomeKind.DONE, OutcomeKind.GONE, OutcomeKind.LEFT}:
            said = record.releasing
            _end(run, record, str(said.get("reason", "")), outcome.reason, now, asker=who(said))
        elif outcome.kind is OutcomeKind.REJECTED and not (
            record.releasing.get("webhooks") and not webhooks
        ):
            record.releasing, record.last_error = None, outcome.reason
            record.retry_at = Micros(now + run.pause(1))
            run.note(
                EventType.RELEASE_REFUSED,
                now,
                record=record.id,
                resource=record.resource,
                reason=outcome.reason,
            )
        else:
            record.last_error = outcome.reason or None
            record.retry_at = Micros(now + run.pause(record.attempts))


def _end(
    run: Run, record: Record, reason: str, done: str, now: Micros, *, asker: Mapping[str, str]
) -> None:
    details = {**({"done": done} if done else {}), **asker}
    run.note(
        EventType.RELEASED,
        now,
        record=record.id,
        resource=record.resource,
        reason=reason,
        **details,
    )
    record.releasing = None
    words = f"released by an operator: {reason}" + (f" ({done})" if done else "")
    run.set_phase([record], Phase.RELEASED, now, words)
