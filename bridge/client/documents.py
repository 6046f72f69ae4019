"""The documents of the native API, as its server writes and its clients read them.

Names are camelCase on the wire, times ISO 8601 in UTC. A client ignores members that it does not
know, so that a newer bridge may say more; a server refuses them, so that nothing is asked in vain.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from bridge.model.event import EventType
from bridge.model.experiment import ActionsMode, ActionStatus, ExperimentStatus, FailureCode
from bridge.model.lever import LeverStatus
from bridge.model.problem import Problem, Severity
from bridge.model.record import Phase
from bridge.model.signal import SignalState


class Document(BaseModel):
    """Base of what a bridge answers."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        return self.model_dump(mode="json", by_alias=True)


class RequestDocument(Document):
    """Base of what is asked of a bridge; a member that it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


# --- requests -----------------------------------------------------------------------------


class StartRequest(RequestDocument):
    """Start a run: of a document, which is stored as a template first, or of a stored template."""

    template: dict[str, Any] | None = None
    """A ``CreateExperimentTemplate`` document; ``kubernetesSpec`` may be an object or YAML."""
    template_id: str | None = Field(default=None, min_length=1, max_length=64)
    client_token: str | None = Field(default=None, min_length=1, max_length=1024)
    """A repeat of the same request with the same token answers the run that the first started."""
    actions_mode: ActionsMode = ActionsMode.RUN_ALL
    tags: dict[str, str] = Field(default_factory=dict)


class StopRequest(RequestDocument):
    """Stop a run."""

    reason: str = Field(default="Experiment stopped by a user.", min_length=1, max_length=512)


class ReleaseRequest(RequestDocument):
    """Give up undoing one record; what is left of the fault is the operator's business then."""

    reason: str = Field(min_length=1, max_length=512)
    force: bool = False
    """Whether what holds the resource is let go of first: its finalizers are taken off."""
    remove_webhooks: bool = False
    """Whether admission webhooks that nobody serves, and which refuse that, may be deleted."""

    @model_validator(mode="after")
    def _only_by_force(self) -> ReleaseRequest:
        if self.remove_webhooks and not self.force:
            raise ValueError('"removeWebhooks" is for a release by force; write "force": true')
        return self


class LeverRequest(RequestDocument):
    """Move the safety lever."""

    status: LeverStatus
    """``engaged`` or ``disengaged``."""
    reason: str = Field(min_length=1, max_length=512)

    @field_validator("status")
    @classmethod
    def _wanted(cls, value: LeverStatus) -> LeverStatus:
        if value is LeverStatus.ENGAGING:
            raise ValueError('is on the way there; write "engaged" or "disengaged"')
        return value


# --- answers ------------------------------------------------------------------------------


class Validation(Document):
    """What is wrong with a document; nothing was stored."""

    problems: tuple[Problem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the document would be accepted: it has warnings at most."""
        return all(problem.severity is Severity.WARNING for problem in self.problems)


class ProblemDocument(Document):
    """Why a request was refused or failed (RFC 9457, ``application/problem+json``)."""

    MEDIA_TYPE: ClassVar[str] = "application/problem+json"

    title: str
    status: int
    detail: str = ""
    problems: tuple[Problem, ...] = ()


class ExperimentSummary(Document):
    """One run in a list."""

    id: str
    template_id: str
    description: str
    status: ExperimentStatus
    reason: str = ""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class ExperimentPage(Document):
    """A page of runs, the newest first."""

    experiments: tuple[ExperimentSummary, ...]
    next: str | None = None
    """What to give as ``after`` for the next page; None on the last."""


class ExperimentFailure(Document):
    """Something that went wrong, and the mend where one is known (a policy or manifest)."""

    code: FailureCode | None = None
    """FIS's code of the failure that ended the run; None for what was found beside it."""
    location: str
    """JSON path into the template, such as ``actions.stop``."""
    reason: str
    mend: str = ""


class ExperimentAction(Document):
    """How far one action has come."""

    name: str
    action_id: str
    action_template: str | None = None
    """``NAME@VERSION`` of the action template that it was made from."""
    status: ActionStatus
    reason: str = ""
    start_after: tuple[str, ...] = ()
    started_at: datetime | None = None
    ends_at: datetime | None = None
    """When its duration, or its longest duration, is over."""
    ended_at: datetime | None = None


class ExperimentTarget(Document):
    """One target of the template and what it came to."""

    name: str
    resource_type: str
    selection_mode: str
    resolved: int | None = None
    """Resources taken; None until the target has been resolved."""


class ExperimentRecord(Document):
    """One touched resource."""

    id: str
    action: str
    fault: str
    resource: str
    phase: Phase
    ended: bool
    """Whether nothing more will be done to the resource."""
    last_error: str | None = None
    retry_at: datetime | None = None

    @property
    def left_behind(self) -> bool:
        """Whether the fault may still be there though nobody will undo it."""
        return self.phase is Phase.RELEASED


class StopConditionReading(Document):
    """A stop condition and what it said when it was last read."""

    source: str
    value: str | None = None
    state: str | None = None
    """``clear``, ``triggered`` or ``unreadable``; None before the first reading, and for one that
    is only heard, before the first signal."""
    read_at: datetime | None = None


class ExperimentDetail(ExperimentSummary):
    """One run with all that has become of it."""

    now: datetime
    """The bridge's time when this was read: what remains of an action is counted from it."""
    actions_mode: ActionsMode = ActionsMode.RUN_ALL
    failure: ExperimentFailure | None = None
    errors: tuple[ExperimentFailure, ...] = ()
    """Everything that went wrong, where it was more than the first failure."""
    actions: tuple[ExperimentAction, ...] = ()
    targets: tuple[ExperimentTarget, ...] = ()
    records: tuple[ExperimentRecord, ...] = ()
    stop_conditions: tuple[StopConditionReading, ...] = ()

    @property
    def left_behind(self) -> tuple[ExperimentRecord, ...]:
        """The records of an ended run whose fault may still be there."""
        if not self.status.ended:
            return ()
        return tuple(one for one in self.records if one.left_behind or not one.ended)


class ExperimentPhase(Document):
    """How far a run has come, in one word: for what can compare words only (Argo, a shell)."""

    id: str
    phase: str
    """The run's status; ``left-behind`` where it has ended and a fault may still be there."""
    ended: bool
    reason: str = ""


class LeverState(Document):
    """How the safety lever stands."""

    status: LeverStatus
    """``engaging`` while runs that it stopped are still being undone."""
    reason: str
    changed_at: datetime | None = None
    """None where it was never moved."""
    stopping: int = 0
    """Runs that this request told to stop."""


class JournalEvent(Document):
    """One entry of a run's journal."""

    sequence: int
    type: EventType
    at: datetime
    details: dict[str, Any] = Field(default_factory=dict)


class EventPage(Document):
    """What happened to a run since a place in its journal."""

    events: tuple[JournalEvent, ...]
    next: int
    """What to give as ``after`` for what comes next."""
    ended: bool
    """Whether the run had ended when this was read."""


class HeardSignal(Document):
    """One signal that was pushed, and what came of it."""

    source: str
    value: str
    """The condition, as its own system names it."""
    state: SignalState
    reason: str = ""
    event: str = ""
    """The sender's id of the event."""
    stopped: tuple[str, ...] = ()
    """The runs whose stop condition it meets: asked to stop, now or by an earlier signal."""


class SignalReport(Document):
    """What came of a push; a signal that nothing waits for stops nothing."""

    signals: tuple[HeardSignal, ...] = ()
    stopped: tuple[str, ...] = ()
    """All the runs that were asked to stop."""
    note: str = ""
    """What else was done: a subscription confirmed."""


class CatalogParameter(Document):
    """A parameter of an action."""

    name: str
    description: str = ""
    required: bool = False


class CatalogPermission(Document):
    """A right that an action needs of the experiment's identity."""

    name: str
    need: str
    """``required``, ``indirect`` or ``optional``."""
    note: str = ""


class CatalogAction(Document):
    """An action that a template can use."""

    id: str
    alias: str | None = None
    """What strict AWS tooling takes for an id that is not AWS's own."""
    description: str
    targets: dict[str, str] = Field(default_factory=dict)
    """Target key → resource type."""
    parameters: tuple[CatalogParameter, ...] = ()
    permissions: tuple[CatalogPermission, ...] = ()


class CatalogPage(Document):
    """Every action there is."""

    actions: tuple[CatalogAction, ...]


class Health(Document):
    """Whether the bridge is there."""

    status: str
