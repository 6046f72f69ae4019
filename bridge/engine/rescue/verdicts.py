"""What is to become of each mark: whose it is, how its run stands, whether its time is over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bridge.engine.rescue.search import NAME
from bridge.model.moment import SECOND, Micros, iso_timestamp
from bridge.store.standing import Standing
from iam.identities import SELF
from providers.contract import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.engine.providers import Providers
    from bridge.engine.rescue.search import Sighting
    from bridge.store.standing import RunStanding


class Verdict(StrEnum):
    """What rescue did, or would do, about one mark, or about a fault that has none."""

    REVERTED = "reverted"
    WOULD_REVERT = "would revert"
    UNMARKED = "mark removed"
    """The fault was meant to stay, or was given up by an operator; only its mark was left."""
    WOULD_UNMARK = "would remove the mark"
    FOREIGN = "another installation's"
    OPEN = "its run is open"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    NOT_MARKED = "could not be marked"
    """From the journal: no search of a cloud finds it."""


@dataclass(frozen=True)
class Finding:
    """One mark, or one fault without, and what came of it."""

    resource: str
    mark: str
    """Its key; empty for a fault that could not be marked."""
    verdict: Verdict
    reason: str = ""
    installation: str = ""
    experiment: str = ""
    action: str = ""
    fault: str = ""
    undo: str = ""
    """What undoing it means, in words that follow "would"."""
    prior: str = ""
    """The prior state, as the mark tells it."""
    identity: str = ""
    """As whom the fault was made, and is undone unless that is refused."""
    recovery: str = ""
    """As whom it is undone if that is refused; empty where nobody is named."""
    acted_as: str = ""
    """As whom it was undone, where that was another."""
    deadline: Micros | None = None
    past_deadline: bool = False
    run: str = ""
    """How its run stands: ``open``, ``over``, ``unknown``; empty for another installation's."""
    why: str = ""
    """Why it is acted on."""
    left_behind: bool = False
    """Whether the fault may still be there and nobody is known to undo it."""


@dataclass(frozen=True)
class Plan:
    """What is to be done about the marks, and what is left alone."""

    act: list[tuple[Sighting, Finding]] = field(default_factory=list)
    leave: list[Finding] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """Everything, as a dry run tells it."""
        return [*(finding for _, finding in self.act), *self.leave]


class Judge:
    """Decides about marks. Nothing is asked and nothing done here."""

    def __init__(
        self,
        providers: Providers,
        *,
        installation: str,
        other: str | None,
        standings: Mapping[str, RunStanding],
        now: Micros,
        grace: Micros,
    ) -> None:
        """Judge for ``installation``, and for ``other`` where its marks are past their deadline.

        ``standings`` are the runs that a bridge or a database knows; ``grace`` is how long after
        a deadline somebody may still be undoing.
        """
        self._providers = providers
        self._installation = installation
        self._other = other if other != installation else None
        self._standings = standings
        self._now = now
        self._grace = grace

    def plan(self, sightings: Sequence[Sighting]) -> Plan:
        """Decide about every mark."""
        plan = Plan()
        for one in sightings:
            finding = self._judged(one)
            if finding.verdict in (Verdict.WOULD_REVERT, Verdict.WOULD_UNMARK):
                plan.act.append((one, finding))
            else:
                plan.leave.append(finding)
        return plan

    def _judged(self, one: Sighting) -> Finding:
        finding = self._about(one)
        mark, problem = one.found.mark, one.found.problem
        if mark.installation == self._installation:
            return self._mine(finding, problem)
        if mark.installation != self._other or not mark.installation:
            return replace(
                finding, verdict=Verdict.FOREIGN, reason=problem or self._foreign(finding)
            )
        if problem:
            return replace(finding, verdict=Verdict.UNREADABLE, reason=problem, left_behind=True)
        if not finding.past_deadline:
            return replace(finding, verdict=Verdict.FOREIGN, reason=self._not_yet(finding))
        return replace(finding, why="it is past its deadline")

    def _mine(self, finding: Finding, problem: str) -> Finding:
        known = self._standings.get(finding.experiment)
        standing = known.standing if known else Standing.UNKNOWN
        finding = replace(finding, run=standing.word)
        due = finding.past_deadline
        if standing is Standing.HELD or (standing is Standing.IDLE and not due):
            return replace(finding, verdict=Verdict.OPEN, reason=self._open(finding, standing))
        if problem:
            return replace(finding, verdict=Verdict.UNREADABLE, reason=problem, left_behind=True)
        if known and (finding.action, finding.resource) in known.given_up:
            why = "its run is over, and meant the fault to stay or gave it up"
            return replace(finding, verdict=Verdict.WOULD_UNMARK, why=why)
        why = {
            Standing.IDLE: "its run is open, but past its deadline, and nobody holds it",
            Standing.ABANDONED: "its run is open, but no bridge runs on its database",
            Standing.OVER: "its run is over",
        }.get(standing, "its run is unknown")
        late = due and standing is not Standing.IDLE
        return replace(finding, why=why + (" and it is past its deadline" if late else ""))

    def _open(self, finding: Finding, standing: Standing) -> str:
        if standing is Standing.HELD:
            late = "past its deadline, but " if finding.past_deadline else ""
            return f"{late}left to the bridge that has it in hand"
        return f"nobody holds it now; {self._not_yet(finding)}"

    def _foreign(self, finding: Finding) -> str:
        if finding.deadline is None:
            return "left alone: it has no deadline"
        when = "was" if finding.past_deadline else "is"
        return (
            f"left alone: its deadline {when} {iso_timestamp(finding.deadline)}; after it "
            f"`--installation {finding.installation}` undoes it"
        )

    def _not_yet(self, finding: Finding) -> str:
        if finding.deadline is None:
            return "it has no deadline, so it is never touched from here"
        return (
            f"touched only {self._grace // SECOND} s after its deadline, "
            f"{iso_timestamp(finding.deadline)}"
        )

    def _about(self, one: Sighting) -> Finding:
        mark, record = one.found.mark, one.found.record
        undo = recovery = ""
        with suppress(KeyError):
            fault = self._providers.fault(mark.fault)
            undo = fault.undoing
            caller = Caller(one.scope, mark.identity or None, NAME, self._installation)
            if second := self._providers.recovery(fault.provider, caller):
                recovery = second.identity or SELF
        return Finding(
            resource=record.resource,
            mark=mark.key,
            verdict=Verdict.WOULD_REVERT,
            installation=mark.installation,
            experiment=mark.experiment,
            action=mark.action,
            fault=mark.fault,
            undo=undo or "put it back as it was",
            prior=" ".join(f"{name}={word}" for name, word in one.found.notes.items()),
            identity=mark.identity,
            recovery=recovery,
            deadline=mark.deadline,
            past_deadline=mark.deadline is not None and self._now > mark.deadline + self._grace,
        )
