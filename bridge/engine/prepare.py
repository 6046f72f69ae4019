"""Making an action's records: what it will touch, and all that undoing needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.engine import lifecycle
from bridge.engine.context import words
from bridge.model.experiment import FailureCode
from bridge.model.moment import Micros
from bridge.model.record import Record
from bridge.model.wording import quote
from bridge.store import OverlapError
from providers.contract import (
    AccessDeniedError,
    FenceLostError,
    Outcome,
    OutcomeKind,
    Plan,
    ProviderError,
    Resource,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.engine.context import Apply, Context
    from bridge.engine.decisions import Prepare
    from bridge.engine.run import Run
    from bridge.guardrail_settings import GuardrailSettings
    from providers.contract import Fault, FaultParameters, Outcomes


_PAGE: Final = 1000


async def prepare(call: Prepare, context: Context) -> Apply:
    """Read what undoing will need, and make the records; nothing is changed anywhere."""
    run, name = context.run, call.action
    fault, parameters = context.fault(name)
    records = await _new_records(call, context, fault, parameters)
    live = _live(run)
    fresh = [record for record in records if _place(record) not in live]
    outcomes: Outcomes = {}
    elsewhere = 0
    if any(_being_undone(run, live.get(_place(record))) for record in records):
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
        elsewhere = await _touched_elsewhere(context)

    def apply(run: Run, now: Micros) -> None:
        action = run.actions[name]
        if action.status.ended or action.verdict is not None:
            return
        if refusal := _beyond(context.rules, run, name, _touched(fresh, outcomes), elsewhere):
            run.fail_action(name, refusal, now, code=FailureCode.QUOTA)
            return
        action.prepared, action.look_at, action.looks = True, None, 0
        run.changed = True
        live = _live(run)
        for record in records:
            # Another action of the run may have taken the resource while we were reading.
            shared = live.get(_place(record))
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
            context.run.experiment.id, target=target, after=after, limit=_PAGE
        )
        found += [Resource(one.resource_type, one.id, one.information) for _, one in page]
        if len(page) < _PAGE:
            return found
        after = page[-1][0]


_Place = tuple[str, str | None]


def _place(record: Record) -> _Place:
    return record.resource, record.effect


def _live(run: Run) -> dict[_Place, Record]:
    """Map what the run's own live records hold; a record without effect holds nothing."""
    return {
        _place(record): record
        for record in run.records.values()
        if record.effect is not None and not record.phase.ended
    }


async def _touched_elsewhere(context: Context) -> int:
    """Return how many resources other runs touch now; 0 where nobody wants to know."""
    if context.rules.maximum_targets_at_once is None:
        return 0
    return await context.store.live_elsewhere(context.run.experiment.id)


def _touched(records: Sequence[Record], outcomes: Outcomes) -> int:
    """Return how many of the records will be live."""
    ready = Outcome(OutcomeKind.DONE)
    return sum(outcomes.get(record.id, ready).kind is OutcomeKind.DONE for record in records)


def _beyond(
    rules: GuardrailSettings, run: Run, name: str, fresh: int, elsewhere: int
) -> str | None:
    """Say that all open runs together would touch too much; the commit counts once more."""
    most = rules.maximum_targets_at_once
    own = sum(not record.phase.ended for record in run.records.values())
    if most is None or not fresh or elsewhere + own + fresh <= most:
        return None
    return (
        f"{rules.named('maximum_targets_at_once')}: {elsewhere + own} resources are touched now "
        f"by all open runs, and action {quote(name)} would touch {fresh} more; wait for others "
        "to end, or raise the limit"
    )


def _being_undone(run: Run, record: Record | None) -> bool:
    return record is not None and all(
        run.actions[holder].verdict is not None for holder in record.holders
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
