"""What is asked, and answered, before a run."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from bridge.client.documents import Document, RequestDocument


class PreflightRequest(RequestDocument):
    """Ask about a document, which is not stored, or about a stored template."""

    template: dict[str, Any] | None = None
    """A ``CreateExperimentTemplate`` document; ``kubernetesSpec`` may be an object or YAML."""
    template_id: str | None = Field(default=None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _one(self) -> PreflightRequest:
        if (self.template is None) == (self.template_id is None):
            raise ValueError('give either "template" (a document) or "templateId"')
        return self


class PreflightFinding(Document):
    """One right, or one thing that must be there, and what is known of it."""

    what: str
    """The right in the cloud's own words, to be granted as it stands, or what is looked for."""
    verdict: str
    """``ok``, ``missing`` or ``cannot-check``."""
    identity: str
    """Whose: ``experiment``'s (the template's role), the ``reader``'s (the bridge's own), or
    that of one ``between`` them."""
    holder: str = ""
    """Of one in between: which."""
    need: str
    """``required``, ``indirect`` or ``optional``."""
    place: str
    """Where, in words."""
    resources: tuple[str, ...] = ()
    """ARNs, where the right is for these only."""
    wanted_by: tuple[str, ...] = ()
    """Paths in the template."""
    reason: str = ""
    mend: str = ""
    """A policy or manifest that would make it good, where one is known."""

    @property
    def stops(self) -> bool:
        """Whether a run would fail for it."""
        return self.verdict == "missing" and self.need == "required"


class PlannedTarget(Document):
    """A target as it resolves now."""

    name: str
    resource_type: str
    selection_mode: str
    taken: int | None = None
    """How many a run takes; None where nobody could tell."""
    resources: tuple[str, ...] = ()
    """Those that it takes them from, by their full names."""
    problem: str = ""
    """Why it does not resolve."""


class PlannedGroup(Document):
    """Resources that an action reaches beyond its targets."""

    name: str
    size: int
    """Most of them that it touches."""
    resources: tuple[str, ...] = ()


class UndoneByHand(Document):
    """How a person undoes a fault; `providers.by_hand` says what stands in braces."""

    says: str = ""
    note: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


class PlannedAction(Document):
    """An action as the engine would run it."""

    name: str
    action_id: str
    description: str = ""
    start_after: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    ends: str
    """``instant``, ``lasts`` or ``until-ended``."""
    length: str = ""
    """ISO 8601: how long it lasts, or may last at most."""
    undo: str
    """``restores``, ``lasting`` or ``none``."""
    undoing: str = ""
    """What undoing does to one resource, in words that follow "would"."""
    by_hand: UndoneByHand = UndoneByHand()
    reaches: tuple[PlannedGroup, ...] | None = None
    """None where nobody could tell."""


class PlannedCondition(Document):
    """A stop condition and what it says now."""

    source: str
    value: str | None = None
    state: str | None = None
    """``clear``, ``triggered`` or ``unreadable``; None where it was not read, or is only heard."""


class Plan(Document):
    """What a run would be if it began now."""

    description: str
    identity: str
    targets: tuple[PlannedTarget, ...] = ()
    actions: tuple[PlannedAction, ...] = ()
    stop_conditions: tuple[PlannedCondition, ...] = ()


class Preflight(Document):
    """What was asked before a run, and answered; nothing was changed."""

    passed: bool
    """Whether nothing that is required is known to be missing."""
    findings: tuple[PreflightFinding, ...] = ()
    plan: Plan | None = None
    """None from a bridge that is older."""
