"""Experiments and resolved targets as FIS shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.dialects.fis import names
from bridge.dialects.fis.templates import (
    document_of,
    epoch_seconds,
    render_action,
    render_options,
)
from bridge.model.experiment import (
    ActionState,
    ActionStatus,
    Experiment,
    ExperimentStatus,
    ResolvedTarget,
)
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import Micros

_REASON: Final = 512
"""The service model's limit of a reason, in characters."""
_STOPPING: Final = "Stopping Experiment."

# What recorded answers of FIS say where the engine has nothing more to tell.
_EXPERIMENT_REASONS: Final[Mapping[ExperimentStatus, str]] = {
    ExperimentStatus.PENDING: "Experiment is pending.",
    ExperimentStatus.INITIATING: "Experiment is initiating.",
    ExperimentStatus.RUNNING: "Experiment is running.",
    ExperimentStatus.STOPPING: _STOPPING,
    ExperimentStatus.COMPLETED: "Experiment completed.",
}
_ACTION_REASONS: Final[Mapping[ActionStatus, str]] = {
    ActionStatus.PENDING: "Initial state",
    ActionStatus.COMPLETED: "Action was completed.",
}


def render_experiment(experiment: Experiment) -> dict[str, Any]:
    """Return the service model's ``Experiment``."""
    document = document_of(experiment.template)
    rendered = {
        **render_experiment_summary(experiment),
        "roleArn": document["roleArn"],
        "targets": document.get("targets", {}),
        "actions": {
            name: {**render_action(action), **_action_state(experiment.actions[name])}
            for name, action in document["actions"].items()
        },
        "stopConditions": document["stopConditions"],
        "targetAccountConfigurationsCount": 0,
    }
    return {**rendered, **_times(experiment.started_at, experiment.ended_at)}


def render_experiment_summary(experiment: Experiment) -> dict[str, Any]:
    """Return the service model's ``ExperimentSummary``."""
    return {
        "id": experiment.id,
        "arn": names.arn(experiment.scope, names.EXPERIMENT, experiment.id),
        "experimentTemplateId": experiment.template.id,
        "state": _experiment_state(experiment),
        "creationTime": epoch_seconds(experiment.created_at),
        "tags": experiment.tags,
        "experimentOptions": {
            **render_options(experiment.template),
            "actionsMode": experiment.actions_mode.value,
        },
    }


def render_resolved_target(target: ResolvedTarget) -> dict[str, Any]:
    """Return the service model's ``ResolvedTarget``."""
    return {
        "resourceType": target.resource_type,
        "targetName": target.target,
        "targetInformation": target.information,
    }


def stop_request(experiment: Experiment, now: Micros, who: Mapping[str, str]) -> Request:
    """Return what goes into the run's inbox when a user stops it."""
    return Request(
        experiment=experiment.id,
        kind=RequestKind.STOP,
        at=now,
        details={"reason": "Experiment stopped by user.", "cause": "user", **who},
    )


def as_stopping(experiment: Experiment) -> Experiment:
    """Return the run as ``StopExperiment`` answers it, before the engine has read the request."""
    if experiment.status is ExperimentStatus.STOPPING:
        return experiment
    return experiment.model_copy(update={"status": ExperimentStatus.STOPPING, "reason": _STOPPING})


def _experiment_state(experiment: Experiment) -> dict[str, Any]:
    status = experiment.status
    state: dict[str, Any] = {
        "status": status.value,
        **_reason(experiment.reason or _EXPERIMENT_REASONS.get(status, "")),
    }
    if experiment.failure is not None:
        state["error"] = {
            "accountId": experiment.failure.account or experiment.scope.account,
            "code": experiment.failure.code.value,
            "location": experiment.failure.location,
        }
    return state


def _action_state(state: ActionState) -> dict[str, Any]:
    reason = _reason(state.reason or _ACTION_REASONS.get(state.status, ""))
    return {
        "state": {"status": state.status.value, **reason},
        **_times(state.started_at, state.ended_at),
    }


def _reason(text: str) -> dict[str, str]:
    # The service model wants at least one character.
    return {"reason": text[:_REASON]} if text else {}


def _times(started: Micros | None, ended: Micros | None) -> dict[str, float]:
    times = {"startTime": started, "endTime": ended}
    return {name: epoch_seconds(at) for name, at in times.items() if at is not None}
