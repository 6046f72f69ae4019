"""How records move: from looks and outcomes to phases, and in which order they are undone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from bridge.engine.decisions import Call, Revert, Unmark
from bridge.model.event import EventType
from bridge.model.experiment import ActionStatus, FailureCode
from bridge.model.moment import Micros
from bridge.model.record import Phase, Record
from providers.contract import Effect, Outcome, OutcomeKind, TimingKind, Undo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.engine.run import Run
    from providers.contract import Observation

IN_EFFECT: Final = frozenset(
    {Effect.PRESENT, Effect.APPLYING, Effect.ENDED, Effect.FAILED, Effect.LIFTING}
)
_SETTLED: Final = frozenset({Effect.PRESENT, Effect.ENDED})
UNMARK_ATTEMPTS: Final = 10
"""After so many failures a mark is left, with a journal entry; the fault itself is undone."""


# --- what came back -----------------------------------------------------------------------


def taken_over(run: Run, now: Micros) -> None:
    """Take a run from a worker that did not let go: what it sent last was sent before now.

    A call of many records lasts long, and only its beginning was written down.
    """
    for record in run.records.values():
        if record.phase is Phase.INJECTING:
            record.called_at = now
            run.touch(record)


def prepared(run: Run, name: str, outcomes: Mapping[str, Outcome], now: Micros) -> None:
    """Take the outcomes of ``prepare`` for an action's records."""
    for record in run.held(name):
        outcome = outcomes.get(record.id)
        if outcome is None or record.phase is not Phase.PREPARED:
            continue
        if outcome.kind is OutcomeKind.LEFT:
            run.set_phase([record], Phase.NOT_INJECTED, now, outcome.reason)
        elif outcome.kind is OutcomeKind.GONE:
            _gone(run, record, outcome.reason, now)
        elif outcome.kind is not OutcomeKind.DONE:
            run.set_phase([record], Phase.NOT_INJECTED, now, outcome.reason)
            if run.actions[name].verdict is None:
                run.fail_action(name, outcome.reason, now, code=FailureCode.CONFIGURATION)


def injected(
    run: Run, records: Sequence[Record], outcomes: Mapping[str, Outcome], now: Micros
) -> None:
    """Take the outcomes of ``inject``."""
    in_effect: list[Record] = []
    for record in records:
        outcome = outcomes.get(record.id, Outcome(OutcomeKind.UNKNOWN, "no answer"))
        run.touch(record)
        if outcome.kind is OutcomeKind.DONE:
            in_effect.append(record)
        elif outcome.kind is OutcomeKind.PENDING:
            record.accepted = True
            record.last_error = None
        elif outcome.kind is OutcomeKind.GONE:
            _gone(run, record, outcome.reason, now)
        elif outcome.kind is OutcomeKind.UNKNOWN:
            record.last_error = outcome.reason
            record.retry_at = Micros(now + run.pause(record.attempts))
            record.called_at = now  # with many records, its own call may have left just now
        else:
            run.set_phase([record], Phase.NOT_INJECTED, now, outcome.reason)
            if run.actions[record.action].verdict is None:
                run.fail_action(record.action, outcome.reason, now)
    run.set_phase(in_effect, Phase.INJECTED, now)


def observed(
    run: Run, records: Sequence[Record], seen: Mapping[str, Observation], now: Micros
) -> None:
    """Take what a look found."""
    settled: list[Record] = []
    for record in records:
        look = seen.get(record.id)
        if look is None or record.phase not in {Phase.INJECTING, Phase.INJECTED}:
            continue
        run.learn(record, look.news, look.notes, now)
        before = record.seen, record.last_error
        if look.reason or look.effect in _SETTLED:
            # What stood in the way before does so no more.
            record.last_error = look.reason or None
        record.seen, record.seen_at = look.effect, now
        if before != (record.seen, record.last_error):
            run.touch(record)
        if record.phase is Phase.INJECTING and look.effect in {Effect.PRESENT, Effect.ENDED}:
            settled.append(record)
        else:
            _unexpected(run, record, look, now)
    run.set_phase(settled, Phase.INJECTED, now)


def _unexpected(run: Run, record: Record, look: Observation, now: Micros) -> None:
    driver = record.holders[0]
    traits, going_on = run.traits[driver], run.actions[driver].verdict is None
    injecting = record.phase is Phase.INJECTING
    if look.effect is Effect.GONE:
        _gone(run, record, look.reason, now)
    elif look.effect is Effect.FAILED and going_on:
        run.fail_action(driver, look.reason, now)
    elif look.effect is Effect.UNKNOWN and injecting and _forgoes_undo(run, record):
        _cannot_tell(run, record, now)
    elif (
        look.effect is Effect.ABSENT
        and not injecting
        and going_on
        and traits.timing.kind is TimingKind.UNTIL_ENDED
    ):
        run.set_phase([record], Phase.REVERTED, now, "removed by somebody else")
        run.fail_action(driver, "The fault was removed before it had ended.", now)


def _forgoes_undo(run: Run, record: Record) -> bool:
    """Say whether what was done to the resource cannot be undone, whoever else needs it now."""
    return run.traits[record.action].undo is Undo.NONE


def _gone(run: Run, record: Record, reason: str, now: Micros) -> None:
    run.set_phase([record], Phase.GONE, now, reason)
    for name in record.holders:
        action = run.actions[name]
        if action.status.ended or action.verdict not in {None, ActionStatus.COMPLETED}:
            continue
        if run.traits[name].gone_is_failure:
            words = f"{record.resource} no longer exists. {reason}".strip()
            run.fail_action(name, words, now, code=FailureCode.TARGET)


def _cannot_tell(run: Run, record: Record, now: Micros) -> None:
    # Neither repeated (it cannot be undone) nor called done (nobody saw it).
    words = f"The reply was lost and it cannot be told whether {record.resource} was affected."
    run.set_phase([record], Phase.KEPT, now, words)
    if run.actions[record.holders[0]].verdict is None:
        run.fail_action(record.holders[0], words, now)


def reverted(
    run: Run, records: Sequence[Record], outcomes: Mapping[str, Outcome], now: Micros
) -> None:
    """Take the outcomes of ``revert``; what is not done is tried again, for ever."""
    done: list[Record] = []
    failed: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        outcome = outcomes.get(record.id, Outcome(OutcomeKind.UNKNOWN, "no answer"))
        run.learn(record, outcome.news, outcome.notes, now)
        run.touch(record)
        record.attempts += 1
        if outcome.kind in {OutcomeKind.DONE, OutcomeKind.LEFT}:
            done.append(record)
        elif outcome.kind is OutcomeKind.GONE:
            _gone(run, record, outcome.reason, now)
        elif outcome.kind is OutcomeKind.PENDING:
            record.accepted = True
            record.last_error = outcome.reason or None
            record.retry_at = Micros(now + look_pause(run, record.action, record.attempts))
        else:
            record.last_error = outcome.reason
            record.retry_at = Micros(now + run.pause(record.attempts))
            failed[outcome.reason].append(record)
    for reason, again in failed.items():
        run.note(
            EventType.REVERT_RETRY,
            now,
            resources=[record.resource for record in again],
            attempts=max(record.attempts for record in again),
            reason=reason,
        )
    run.set_phase(done, Phase.REVERTED, now)


def first_look(run: Run, action: str, now: Micros) -> Micros:
    """Return when to look at what was just injected; seldom while more of it is to come."""
    if all(record.phase is not Phase.PREPARED for record in run.held(action)):
        return Micros(now + look_pause(run, action, 0))
    planned = run.actions[action].look_at
    if planned is not None and planned > now:
        return planned
    return Micros(now + run.traits[action].watch_every)


def look_pause(run: Run, action: str, looks: int) -> Micros:
    """Return how long to wait before the next look: growing, up to the fault's own pace."""
    traits = run.traits[action]
    first = min(traits.settle_every, run.limits.look_first)
    return Micros(min(first << min(looks // 4, 10), traits.watch_every))


# --- letting go ---------------------------------------------------------------------------


def let_go(run: Run, name: str, now: Micros) -> list[Record]:
    """Move the records of an action that ends; return those that must be looked at first."""
    traits, action = run.traits[name], run.actions[name]
    stays = traits.undo is Undo.NONE or (
        traits.undo is Undo.LASTING and action.verdict is ActionStatus.COMPLETED
    )
    moves: dict[Phase, list[Record]] = defaultdict(list)
    doubtful: list[Record] = []
    for record in run.held(name):
        others = tuple(holder for holder in record.holders if holder != name)
        if record.phase.ended or record.id in run.busy or record.releasing is not None:
            continue
        if others:
            # Shared with another action of the run: the last to end undoes it.
            record.holders = others
            run.touch(record)
        elif record.phase is Phase.PREPARED:
            moves[Phase.NOT_INJECTED].append(record)
        elif record.phase is Phase.INJECTED or (
            record.phase is Phase.INJECTING and record.seen in IN_EFFECT
        ):
            keep = stays or _forgoes_undo(run, record)
            moves[Phase.KEPT if keep else Phase.REVERTING].append(record)
        elif record.phase is Phase.INJECTING:
            # A call that was sent may still take effect for one call lifetime; only a look
            # after that proves that it never will.
            certain = Micros((record.called_at or now) + run.limits.call_lifetime)
            if record.seen == Effect.ABSENT and (record.seen_at or 0) >= certain:
                moves[Phase.NOT_INJECTED].append(record)
            else:
                doubtful.append(record)
                if record.seen == Effect.ABSENT and now < certain:
                    run.wake(certain)
    for phase, records in moves.items():
        run.set_phase(records, phase, now)
    return doubtful


def reverts(run: Run, now: Micros) -> list[Call]:
    """Return the reverting calls that are due, many records in one, in reverse order."""
    undoing = [record for record in run.records.values() if record.phase is Phase.REVERTING]
    later: dict[str, int] = {}
    for record in (*undoing, *_doubtful(run)):
        for resource in record.related:
            later[resource] = max(later.get(resource, -1), record.sequence)
    groups: dict[str, list[str]] = defaultdict(list)
    for record in undoing:
        if record.id in run.busy or record.releasing is not None:
            continue
        if any(later[resource] > record.sequence for resource in record.related):
            continue  # what was done later to the same resource is undone first
        if record.retry_at is not None and now < record.retry_at:
            run.wake(record.retry_at)
        else:
            groups[record.fault].append(record.id)
    return [Revert(fault, tuple(ids)) for fault, ids in groups.items()]


def _doubtful(run: Run) -> list[Record]:
    return [
        record
        for record in run.records.values()
        if record.phase is Phase.INJECTING
        and all(run.actions[name].verdict is not None for name in record.holders)
    ]


def needs_unmark(record: Record) -> bool:
    """Say whether a mark stands, or may stand, on a resource that needs it no longer."""
    return (
        record.phase.ended
        and record.marked is not False
        and record.called_at is not None
        and record.attempts < UNMARK_ATTEMPTS
    )


def unmarks(run: Run, now: Micros) -> list[Call]:
    """Return the calls that remove marks."""
    groups: dict[str, list[str]] = defaultdict(list)
    for record in run.records.values():
        if not needs_unmark(record) or record.id in run.busy:
            continue
        if record.retry_at is not None and now < record.retry_at:
            run.wake(record.retry_at)
        else:
            groups[record.action].append(record.id)
    return [Unmark(action, tuple(ids)) for action, ids in groups.items()]


def unmarked(
    run: Run, records: Sequence[Record], outcomes: Mapping[str, Outcome], now: Micros
) -> None:
    """Take the outcomes of ``unmark``."""
    for record in records:
        outcome = outcomes.get(record.id, Outcome(OutcomeKind.UNKNOWN, "no answer"))
        run.touch(record)
        if outcome.kind in {OutcomeKind.DONE, OutcomeKind.GONE}:
            record.marked = False
            continue
        record.attempts += 1
        record.retry_at = Micros(now + run.pause(record.attempts))
        if record.attempts >= UNMARK_ATTEMPTS:
            run.note(
                EventType.UNMARKED,
                now,
                resources=[record.resource],
                reason=f"the mark could not be removed: {outcome.reason}",
            )
