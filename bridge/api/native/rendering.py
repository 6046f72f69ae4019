"""Runs, their records and their journal, as the native API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bridge.client.documents import (
    ExperimentAction,
    ExperimentDetail,
    ExperimentFailure,
    ExperimentRecord,
    ExperimentSummary,
    ExperimentTarget,
    JournalEvent,
    StopConditionReading,
)
from bridge.model.event import Event, EventType
from bridge.model.experiment import Experiment
from bridge.model.moment import Micros, timestamp
from bridge.model.record import Record
from bridge.store import Reading

FINDINGS: Final = (EventType.TARGET_RESOLUTION_DETAIL, EventType.ACTION_ERROR)
"""What targets came to, and what was refused."""


def render_summary(experiment: Experiment) -> ExperimentSummary:
    """Return a run for a list."""
    return ExperimentSummary(
        id=experiment.id,
        template_id=experiment.template.id,
        description=experiment.template.description,
        status=experiment.status,
        reason=experiment.reason,
        created_at=timestamp(experiment.created_at),
        started_at=_time(experiment.started_at),
        ended_at=_time(experiment.ended_at),
        tags=experiment.tags,
    )


def render_detail(
    experiment: Experiment,
    *,
    now: Micros,
    records: Sequence[Record] = (),
    readings: Mapping[str, Reading] | None = None,
    findings: Sequence[Event] = (),
) -> ExperimentDetail:
    """Return a run with all that has become of it.

    ``findings`` are the entries of its journal of the kinds in ``FINDINGS``.
    """
    summary = render_summary(experiment)
    errors = _errors(findings)
    return ExperimentDetail(
        **dict(summary),
        now=timestamp(now),
        actions_mode=experiment.actions_mode,
        failure=_failure(experiment, errors),
        errors=tuple(errors),
        actions=tuple(_actions(experiment)),
        targets=tuple(_targets(experiment, findings)),
        records=tuple(render_record(record) for record in records),
        stop_conditions=tuple(_stop_conditions(experiment, readings or {})),
    )


def render_record(record: Record) -> ExperimentRecord:
    """Return one touched resource; its state is the provider's own business."""
    return ExperimentRecord(
        id=record.id,
        action=record.action,
        fault=record.fault,
        resource=record.resource,
        phase=record.phase,
        ended=record.phase.ended,
        last_error=record.last_error,
        retry_at=None if record.phase.ended else _time(record.retry_at),
    )


def render_event(event: Event) -> JournalEvent:
    """Return one entry of the journal."""
    return JournalEvent(
        sequence=event.sequence, type=event.type, at=timestamp(event.at), details=event.details
    )


def _actions(experiment: Experiment) -> list[ExperimentAction]:
    return [
        ExperimentAction(
            name=name,
            action_id=experiment.template.actions[name].action_id,
            action_template=experiment.template.actions[name].action_template,
            status=state.status,
            reason=state.reason,
            start_after=experiment.template.actions[name].start_after,
            started_at=_time(state.started_at),
            ends_at=_time(state.ends_at),
            ended_at=_time(state.ended_at),
        )
        for name, state in experiment.actions.items()
    ]


def _targets(experiment: Experiment, findings: Sequence[Event]) -> list[ExperimentTarget]:
    resolved = {
        event.details.get("target_name"): event.details.get("resolved_targets_count")
        for event in findings
        if event.type is EventType.TARGET_RESOLUTION_DETAIL
    }
    return [
        ExperimentTarget(
            name=name,
            resource_type=target.resource_type,
            selection_mode=str(target.selection_mode),
            resolved=resolved.get(name),
        )
        for name, target in experiment.template.targets.items()
    ]


def _errors(findings: Sequence[Event]) -> list[ExperimentFailure]:
    return [
        ExperimentFailure(
            location=str(event.details.get("location", "")),
            reason=str(event.details.get("action_state", {}).get("reason", "")),
            mend=str(event.details.get("mend", "")),
        )
        for event in findings
        if event.type is EventType.ACTION_ERROR
    ]


def _failure(
    experiment: Experiment, errors: Sequence[ExperimentFailure]
) -> ExperimentFailure | None:
    failure = experiment.failure
    if failure is None:
        return None
    mends = (error.mend for error in errors if error.location == failure.location and error.mend)
    return ExperimentFailure(
        code=failure.code,
        location=failure.location,
        reason=failure.reason,
        mend=next(mends, ""),
    )


def _stop_conditions(
    experiment: Experiment, readings: Mapping[str, Reading]
) -> list[StopConditionReading]:
    found = []
    for condition in experiment.template.watched:
        reading = readings.get(condition.value or "")
        found.append(
            StopConditionReading(
                source=condition.source,
                value=condition.value,
                state=reading.state if reading else None,
                read_at=_time(reading.read_at) if reading else None,
            )
        )
    return found


def _time(moment: Micros | None) -> datetime | None:
    return None if moment is None else timestamp(moment)
