"""A run of a template: statuses, actions, resolved targets."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from bridge.model.moment import Micros
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate

RUN_VERSION: Final = 2
"""Raised with every change of what a run's stored body or records mean. A worker leaves runs that
a newer one has written to its like, so that old and new ones may work side by side.

2: actions may say how the state of their resource is read (``kubernetesStatus``)."""


class ExperimentStatus(StrEnum):
    """FIS's experiment states."""

    PENDING = "pending"
    INITIATING = "initiating"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self in _ENDED


_ENDED: Final = frozenset(
    {
        ExperimentStatus.COMPLETED,
        ExperimentStatus.STOPPED,
        ExperimentStatus.FAILED,
        ExperimentStatus.CANCELLED,
    }
)


class ActionStatus(StrEnum):
    """FIS's action states."""

    PENDING = "pending"
    INITIATING = "initiating"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self not in _ACTION_OPEN


_ACTION_OPEN: Final = frozenset(
    {ActionStatus.PENDING, ActionStatus.INITIATING, ActionStatus.RUNNING, ActionStatus.STOPPING}
)


class FailureCode(StrEnum):
    """The error codes of a failed FIS experiment (user guide, "experiment state")."""

    CONFIGURATION = "ConfigurationFailure"
    DEPENDENCY = "DependentServiceFailure"
    INTERNAL = "InternalFailure"
    TARGET = "InvalidTarget"
    AUTHORIZATION = "AuthorizationFailure"
    QUOTA = "QuotaExceededFailure"


class Failure(BaseModel):
    """Why a run failed: code, the place in the template, and the reason in words."""

    model_config = ConfigDict(frozen=True)

    code: FailureCode
    location: str
    """JSON path into the template, such as ``actions.stop``."""
    reason: str
    account: str = ""


class ActionsMode(StrEnum):
    """Whether actions run, or the targets are only resolved (FIS: ``actionsMode``)."""

    RUN_ALL = "run-all"
    SKIP_ALL = "skip-all"


class ActionState(BaseModel):
    """How far one action of a run has come; what a newer bridge has added is kept."""

    model_config = ConfigDict(extra="allow")

    status: ActionStatus = ActionStatus.PENDING
    reason: str = ""
    started_at: Micros | None = None
    ends_at: Micros | None = None
    """When its planned duration, or its maximum duration, is over."""
    ended_at: Micros | None = None
    verdict: ActionStatus | None = None
    """How it will end once its records are undone; None while it goes on."""
    verdict_reason: str = ""
    prepared: bool = False
    """Whether its records have been committed."""
    look_at: Micros | None = None
    """When to look at its resources next, or to try again to prepare."""
    looks: int = 0
    """Looks since the last change; the pause between them grows with it."""


class ResolvedTarget(BaseModel):
    """One resource that a target resolved to and that its selection mode took."""

    model_config = ConfigDict(frozen=True)

    target: str
    resource_type: str
    id: str
    information: dict[str, str] = Field(default_factory=dict)
    """What ListExperimentResolvedTargets shows (``arn`` …)."""


class Experiment(BaseModel):
    """One run, without its records (a table of their own).

    What a newer bridge has added is kept.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    scope: Scope
    template: ExperimentTemplate
    """The template as it was when the run was started."""
    status: ExperimentStatus = ExperimentStatus.INITIATING
    reason: str = ""
    failure: Failure | None = None
    actions_mode: ActionsMode = ActionsMode.RUN_ALL
    actions: dict[str, ActionState]
    tags: dict[str, str] = Field(default_factory=dict)
    started_by: dict[str, str] = Field(default_factory=dict)
    """Who started it: ``principal`` and ``request_id``; a schedule's run names the schedule."""
    created_at: Micros
    started_at: Micros | None = None
    ended_at: Micros | None = None
    resolved: bool = False
    """Whether targets have been resolved; the resources are rows of their own."""
    stop_verdict: ExperimentStatus | None = None
    """How the run will end once everything is undone: stopped or failed."""
    stop_reason: str = ""
    next_sequence: int = 0
