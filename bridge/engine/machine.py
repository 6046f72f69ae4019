"""The pure machine: from a run and the time to what has to be done next.

No I/O and no clock of its own, so all semantics are tested here in virtual time: the order by
``startAfter``, durations, stop, failure, skip. How single records move stands in
``bridge.engine.lifecycle``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.engine import guardrails, lifecycle, releasing
from bridge.engine.decisions import Call, Decision, Initiate, Inject, Observe, Prepare
from bridge.model.experiment import ActionStatus, ExperimentStatus, FailureCode
from bridge.model.moment import Micros, micros
from bridge.model.record import Phase, Record
from providers.contract import Effect, TimingKind

if TYPE_CHECKING:
    from bridge.engine.run import Run
    from bridge.model.experiment import ActionState

_DONE: Final = frozenset({ActionStatus.COMPLETED, ActionStatus.SKIPPED})
_BEFORE_THE_END: Final = frozenset({ExperimentStatus.INITIATING, ExperimentStatus.RUNNING})
_UNDER_WAY: Final = frozenset({ExperimentStatus.RUNNING, ExperimentStatus.STOPPING})


def decide(run: Run, now: Micros) -> Decision:
    """Move the run as far as it goes without asking anybody, and say what to ask next."""
    run.wake_at = None
    calls: list[Call] = []
    while True:
        # One action's end may be another's start, so go round until nothing moves.
        before = _shape(run)
        _check_timetable(run, now)
        _check_stop_conditions(run, now)
        calls = [*_initiate(run, now)]
        for name in run.actions:
            calls += _action(run, name, now)
        _end(run, now)
        if _shape(run) == before:
            break
    calls += lifecycle.reverts(run, now)
    calls += releasing.releases(run, now)
    calls += lifecycle.unmarks(run, now)
    close = (
        run.experiment.status.ended
        and not run.busy
        and not calls
        and all(record.phase.ended for record in run.records.values())
        and not any(map(lifecycle.needs_unmark, run.records.values()))
    )
    return Decision(calls=tuple(calls), wake_at=run.wake_at, close=close)


def _shape(run: Run) -> tuple[object, ...]:
    return (
        run.experiment.status,
        tuple((action.status, action.verdict) for action in run.actions.values()),
    )


def _check_timetable(run: Run, now: Micros) -> None:
    """Stop a run at whose time none may be; what has not begun is cancelled."""
    status = run.experiment.status
    if status not in _BEFORE_THE_END:
        return
    closed = run.limits.timetable.closed(now)
    if closed:
        begun = status is ExperimentStatus.RUNNING
        verdict = ExperimentStatus.STOPPED if begun else ExperimentStatus.CANCELLED
        run.stop(verdict, f"Experiment halted by {closed}.", now, cause=guardrails.CAUSE)
    else:
        run.wake(run.limits.timetable.changes(now))


def _check_stop_conditions(run: Run, now: Micros) -> None:
    experiment = run.experiment
    if experiment.status is not ExperimentStatus.RUNNING:
        return
    for condition in experiment.template.watched:
        if condition.source in run.pushed:
            continue  # silence is its rule: nobody says that it goes on being clear
        reading = run.readings.get(condition.value or "")
        known = reading.read_at if reading else None
        since = max(known or Micros(0), experiment.started_at or experiment.created_at)
        limit = Micros(since + run.limits.stop_unreadable)
        if now >= limit:
            run.stop(
                ExperimentStatus.STOPPED,
                f"Experiment halted: stop condition {condition.value} could not be read for "
                f"{run.limits.stop_unreadable // 1_000_000} s.",
                now,
                cause="stop-condition-unreadable",
            )
            return
        # No wake-up at the limit: the watch looks at the readings for all runs at once.


def _initiate(run: Run, now: Micros) -> list[Call]:
    experiment = run.experiment
    if experiment.status is not ExperimentStatus.INITIATING or "initiate" in run.busy:
        return []
    first = next(iter(run.actions.values()))
    if first.look_at is not None and now < first.look_at:
        run.wake(first.look_at)
        return []
    return [Initiate()]


def _action(run: Run, name: str, now: Micros) -> list[Call]:
    action = run.actions[name]
    if action.status.ended or run.experiment.status not in _UNDER_WAY:
        return []
    stopping = run.experiment.stop_verdict is not None
    if action.status is ActionStatus.PENDING:
        if stopping:
            run.set_action(name, ActionStatus.CANCELLED, "Action was cancelled.", now)
            return []
        after = run.experiment.template.actions[name].start_after
        if not all(run.actions[other].status in _DONE for other in after):
            return []
        _start(run, name, now)
    if action.verdict is None and stopping:
        run.wind_down(name, ActionStatus.STOPPED, "Action was stopped.")
    if action.verdict is None:
        return _go_on(run, name, action, now)
    return _wind_down(run, name, action, now)


def _start(run: Run, name: str, now: Micros) -> None:
    run.set_action(name, ActionStatus.INITIATING, "Action is initiating.", now)
    timing = run.traits[name].timing
    if timing.kind is not TimingKind.INSTANT:
        run.actions[name].ends_at = Micros(now + micros(timing.length))


def _go_on(run: Run, name: str, action: ActionState, now: Micros) -> list[Call]:
    if not action.prepared:
        return _prepare(run, name, action, now)
    traits = run.traits[name]
    held = run.held(name)
    calls: list[Call] = []
    ready = [record for record in held if record.action == name and _injectable(record, now)]
    if ready:
        if now > (action.started_at or now) + run.limits.late:
            reason = ready[0].last_error or "the injection did not begin in time"
            run.fail_action(name, f"Unable to inject in time: {reason}", now)
            return []
        if not _busy(run, held):
            calls.append(Inject(name, tuple(record.id for record in ready[: traits.batch])))
    for record in held:
        # Past its time a repeat waits for a look, not for the clock.
        if record.phase is Phase.INJECTING and record.retry_at is not None:
            run.wake(record.retry_at if now < record.retry_at else None)
    if _complete(run, name, action, held, now):
        return []
    waiting = {record.id for record in ready}
    driven = [
        record
        for record in held
        if record.holders[0] == name
        and record.releasing is None
        and (
            (record.phase is Phase.INJECTING and record.id not in waiting)
            or (record.phase is Phase.INJECTED and traits.timing.kind is TimingKind.UNTIL_ENDED)
        )
    ]
    calls += _look(run, name, action, driven, now)
    return calls


def _prepare(run: Run, name: str, action: ActionState, now: Micros) -> list[Call]:
    if f"action:{name}" in run.busy:
        return []
    if action.look_at is not None and now < action.look_at:
        run.wake(action.look_at)
        return []
    return [Prepare(name)]


def _injectable(record: Record, now: Micros) -> bool:
    if record.releasing is not None:
        return False
    if record.phase is Phase.PREPARED:
        return True
    # A call whose reply was lost is repeated once a look has shown that it did nothing.
    return (
        record.phase is Phase.INJECTING
        and not record.accepted
        and record.seen == Effect.ABSENT
        and (record.retry_at is None or now >= record.retry_at)
    )


def _busy(run: Run, records: list[Record]) -> bool:
    return any(record.id in run.busy for record in records)


def _complete(run: Run, name: str, action: ActionState, held: list[Record], now: Micros) -> bool:
    """Decide whether the action ends now, and how."""
    timing = run.traits[name].timing
    in_effect = all(record.phase is Phase.INJECTED or record.phase.ended for record in held)
    if in_effect and action.status is ActionStatus.INITIATING:
        run.set_action(name, ActionStatus.RUNNING, "Action is running.", now)
    completed = False
    if timing.kind is TimingKind.INSTANT:
        completed = in_effect
    elif timing.kind is TimingKind.LASTS:
        completed = now >= (action.ends_at or now)
        untouched = sum(record.phase is Phase.PREPARED for record in held) if completed else 0
        if untouched:
            reason = (
                f"The action's time was over before {untouched} of {len(held)} resources were "
                "touched; give it longer, or fewer targets."
            )
            run.fail_action(name, reason, now, code=FailureCode.CONFIGURATION)
            return True
    else:
        completed = all(record.phase.ended or record.seen == Effect.ENDED for record in held)
        if not completed and now >= (action.ends_at or now):
            run.fail_action(name, _too_long(held), now, code=FailureCode.CONFIGURATION)
            return True
    if completed:
        run.wind_down(name, ActionStatus.COMPLETED, _completed(timing.kind, held))
        return True
    run.wake(action.ends_at)
    return _never_settled(run, name, held, now)


def _completed(timing: TimingKind, held: list[Record]) -> str:
    """Say that an action is completed, and what was incomplete about its fault's own end."""
    ended = (r.last_error for r in held if r.seen == Effect.ENDED and r.last_error)
    why = next(ended, "") if timing is TimingKind.UNTIL_ENDED else ""
    return f"Action was completed: {why}" if why else "Action was completed."


def _too_long(held: list[Record]) -> str:
    why = next((record.last_error for record in held if record.last_error), "")
    return "Action exceeded the specified maximum duration." + (f" {why}" if why else "")


def _never_settled(run: Run, name: str, held: list[Record], now: Micros) -> bool:
    traits = run.traits[name]
    if traits.timing.kind is TimingKind.UNTIL_ENDED:
        return False  # its own limit is the action's
    for record in held:
        if record.phase is Phase.INJECTING and record.accepted and record.called_at is not None:
            limit = Micros(record.called_at + traits.settle_limit)
            if now >= limit:
                run.fail_action(name, f"{record.resource} did not change in time.", now)
                return True
            run.wake(limit)
    return False


def _look(
    run: Run, name: str, action: ActionState, records: list[Record], now: Micros
) -> list[Call]:
    if not records or _busy(run, records):
        return []
    if action.look_at is not None and now < action.look_at:
        run.wake(action.look_at)
        return []
    return [Observe(name, tuple(record.id for record in records))]


def _wind_down(run: Run, name: str, action: ActionState, now: Micros) -> list[Call]:
    doubtful = lifecycle.let_go(run, name, now)
    if all(record.phase.ended for record in run.held(name)):
        verdict = action.verdict or ActionStatus.STOPPED
        run.set_action(name, verdict, action.verdict_reason, now)
        return []
    return _look(run, name, action, doubtful, now)


def _end(run: Run, now: Micros) -> None:
    experiment = run.experiment
    if experiment.status not in _UNDER_WAY:
        return
    if not all(action.status.ended for action in run.actions.values()):
        return
    if any(not record.phase.ended for record in run.records.values()):
        return
    verdict = experiment.stop_verdict or ExperimentStatus.COMPLETED
    run.set_status(verdict, experiment.stop_reason or "Experiment completed.", now)
