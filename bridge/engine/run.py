"""A run in memory: the experiment, its records, and what the machine may change in them.

All changes go through the methods here, so that each leaves its journal entry and the commit
knows what to write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.engine.guardrails import Timetable
from bridge.model.event import Event, EventType
from bridge.model.experiment import (
    ActionStatus,
    Experiment,
    ExperimentStatus,
    Failure,
    FailureCode,
)
from bridge.model.moment import Micros, iso_timestamp
from bridge.model.record import Phase, Record
from bridge.store import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bridge.model.experiment import ActionState, ResolvedTarget
    from bridge.model.template import TemplateAction
    from bridge.store import Reading
    from providers.contract import News, Timing, Undo

_REASON_LENGTH = 512
"""FIS's limit of a state's reason."""


@dataclass(frozen=True)
class Traits:
    """What the machine must know of an action's fault; plain values, no provider."""

    fault: str
    timing: Timing
    undo: Undo
    gone_is_failure: bool
    settle_every: Micros
    watch_every: Micros
    settle_limit: Micros
    batch: int


@dataclass(frozen=True)
class Limits:
    """Lengths of time that the machine keeps to; settings, in microseconds."""

    planned: Micros
    """Planned length of the whole run."""
    call_lifetime: Micros
    late: Micros
    """No injection later than this after its planned time."""
    grace: Micros
    """Lateness that is nobody's absence: a take-over lasts so long."""
    stop_unreadable: Micros
    retry_first: Micros
    retry_longest: Micros
    look_first: Micros
    timetable: Timetable = field(default_factory=Timetable)
    """When runs may be."""


@dataclass
class Run:
    """One run, loaded, with the changes that the next commit writes."""

    experiment: Experiment
    records: dict[str, Record]
    traits: Mapping[str, Traits]
    limits: Limits
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """Stop conditions as last read, by value."""
    pushed: frozenset[str] = frozenset()
    """Sources of its stop conditions that are never read, only heard."""
    busy: set[str] = field(default_factory=set)
    """Record ids, and ``action:NAME``, that a call is in flight for."""
    resolved: list[ResolvedTarget] = field(default_factory=list)
    """New since the last commit."""
    events: list[Event] = field(default_factory=list)
    dirty: set[str] = field(default_factory=set)
    new: list[str] = field(default_factory=list)
    changed: bool = False
    wake_at: Micros | None = None

    @property
    def actions(self) -> dict[str, ActionState]:
        """The states of the actions by name."""
        return self.experiment.actions

    def held(self, action: str) -> list[Record]:
        """Return the records that an action needs, its own or shared with another."""
        return [record for record in self.records.values() if action in record.holders]

    # --- changes ---------------------------------------------------------------------------

    def note(self, kind: EventType, now: Micros, **details: Any) -> None:
        """Add a journal entry to the next commit."""
        self.events.append(Event(experiment=self.experiment.id, type=kind, at=now, details=details))

    def set_status(self, status: ExperimentStatus, reason: str, now: Micros) -> None:
        """Move the experiment to another state."""
        experiment = self.experiment
        old = experiment.status
        experiment.status = status
        experiment.reason = reason[:_REASON_LENGTH]
        if status.ended:
            experiment.ended_at = now
            self.note(
                EventType.EXPERIMENT_END,
                now,
                experiment_end_time=iso_timestamp(now),
                experiment_state={"status": status, "reason": experiment.reason},
            )
        else:
            self.note(EventType.STATE_CHANGE, now, old=old, new=status, reason=experiment.reason)
        self.changed = True

    def stop(
        self,
        verdict: ExperimentStatus,
        reason: str,
        now: Micros,
        *,
        cause: str,
        **details: Any,
    ) -> None:
        """Begin to end the run, unless that has begun already; ``details`` are journalled."""
        experiment = self.experiment
        if experiment.status.ended or experiment.stop_verdict is not None:
            return
        experiment.stop_verdict = verdict
        experiment.stop_reason = reason[:_REASON_LENGTH]
        self.note(EventType.STOP_REQUESTED, now, cause=cause, reason=reason, **details)
        self.set_status(ExperimentStatus.STOPPING, reason, now)

    def fail(
        self, location: str, reason: str, now: Micros, *, code: FailureCode, mend: str = ""
    ) -> None:
        """Begin to end the run as failed; the first failure is the one that is reported."""
        if self.experiment.failure is None:
            self.experiment.failure = Failure(
                code=code,
                location=location,
                reason=reason[:_REASON_LENGTH],
                account=self.experiment.scope.account,
            )
        details = {"mend": mend} if mend else {}
        self.note(
            EventType.ACTION_ERROR,
            now,
            location=location,
            account_id=self.experiment.scope.account,
            action_state={"status": ActionStatus.FAILED, "reason": reason},
            **details,
        )
        self.stop(ExperimentStatus.FAILED, reason, now, cause="failure")

    def set_action(self, name: str, status: ActionStatus, reason: str, now: Micros) -> None:
        """Move an action to another state."""
        action = self.actions[name]
        template = self.experiment.template.actions[name]
        action.status = status
        action.reason = reason[:_REASON_LENGTH]
        if status is ActionStatus.INITIATING:
            action.started_at = now
            self.note(
                EventType.ACTION_START,
                now,
                action_name=name,
                action_id=template.action_id,
                action_start_time=iso_timestamp(now),
                action_targets=template.targets,
                **_made_from(template),
            )
        elif status.ended:
            # What ends without having begun (cancelled, skipped) has no times, as in FIS.
            action.ended_at = None if action.started_at is None else now
            self.note(
                EventType.ACTION_END,
                now,
                action_name=name,
                action_id=template.action_id,
                action_end_time=iso_timestamp(now),
                action_state={"status": status, "reason": action.reason},
                **_made_from(template),
            )
        self.changed = True

    def wind_down(self, name: str, verdict: ActionStatus, reason: str) -> None:
        """Decide how an action ends; its records are undone before it says so."""
        action = self.actions[name]
        action.verdict = verdict
        action.verdict_reason = reason
        if verdict is not ActionStatus.COMPLETED:
            action.status = ActionStatus.STOPPING
            action.reason = reason[:_REASON_LENGTH]
        action.look_at = None
        action.looks = 0
        self.changed = True

    def fail_action(
        self,
        name: str,
        reason: str,
        now: Micros,
        *,
        code: FailureCode = FailureCode.DEPENDENCY,
        mend: str = "",
    ) -> None:
        """End an action as failed, and with it the run."""
        self.wind_down(name, ActionStatus.FAILED, reason)
        self.fail(f"actions.{name}", reason, now, code=code, mend=mend)

    def add(self, record: Record) -> None:
        """Take a new record into the run."""
        self.records[record.id] = record
        self.new.append(record.id)
        self.changed = True

    def touch(self, record: Record) -> None:
        """Note that a record is to be written."""
        self.dirty.add(record.id)
        self.changed = True

    def learn(
        self, record: Record, news: Iterable[News], notes: Mapping[str, Any] | None, now: Micros
    ) -> None:
        """Take what a provider learnt of a resource: into the journal, and into its notes."""
        for one in news:
            self.note(
                one.kind,
                now,
                **{"action": record.action, "resource": record.resource, **one.details},
            )
        if notes is not None:
            record.state = {**record.state, **notes}
            self.touch(record)

    def set_phase(
        self, records: Iterable[Record], phase: Phase, now: Micros, reason: str = ""
    ) -> None:
        """Move records to another phase, with one journal entry for all of them."""
        moved = list(records)
        for record in moved:
            record.phase = phase
            record.attempts = 0
            record.retry_at = None
            if reason:
                record.last_error = reason
            self.touch(record)
        if moved:
            details = {"reason": reason} if reason else {}
            self.note(
                EventType.RECORD_PHASE,
                now,
                phase=phase,
                action=moved[0].action,
                resources=[record.resource for record in moved],
                **details,
            )

    # --- wake-ups and commits --------------------------------------------------------------

    def wake(self, moment: Micros | None) -> None:
        """Ask to be looked at again no later than ``moment``."""
        if moment is not None and (self.wake_at is None or moment < self.wake_at):
            self.wake_at = moment

    def pause(self, attempts: int) -> Micros:
        """Return how long to wait after that many failed attempts."""
        doubled = self.limits.retry_first << min(max(attempts - 1, 0), 20)
        return Micros(min(doubled, self.limits.retry_longest))

    def take_change(self) -> Change:
        """Return what has changed since the last commit, and forget it."""
        fresh = set(self.new)
        change = Change(
            experiment=self.experiment,
            added=[self.records[record] for record in self.new],
            changed=[self.records[record] for record in sorted(self.dirty - fresh)],
            resolved=self.resolved,
            events=self.events,
            first_position=len(self.records) - len(self.new),
        )
        self.new, self.resolved, self.events = [], [], []
        self.dirty = set()
        self.changed = False
        return change


def _made_from(action: TemplateAction) -> dict[str, str]:
    """Name the action template that an action was expanded from, where it was."""
    name = action.action_template
    return {} if name is None else {"action_template": name}
