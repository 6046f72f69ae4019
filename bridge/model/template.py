"""The experiment template: what to break, in which order, and when to stop.

The vocabulary is AWS FIS's. Fields carry FIS's JSON names as aliases, so the path of a problem
is the path that the author wrote; other dialects translate.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bridge.model.moment import Micros
from bridge.model.scope import Scope

_SELECTION = re.compile(r"ALL|(?P<mode>COUNT|PERCENT)\((?P<n>[1-9]\d{0,8})\)")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class SelectionMode(StrEnum):
    """How many of the found resources are taken."""

    ALL = "ALL"
    COUNT = "COUNT"
    PERCENT = "PERCENT"


class Selection(_Part):
    """A selection mode with its number: ``ALL``, ``COUNT(n)`` or ``PERCENT(n)``."""

    mode: SelectionMode = SelectionMode.ALL
    number: int = 0

    FORMS: ClassVar[str] = "ALL, COUNT(n) or PERCENT(n)"

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Read FIS's ``selectionMode``; raises ValueError naming the forms that exist."""
        match = _SELECTION.fullmatch(text)
        if match is None:
            msg = f'"{text[:64]}" is not a selection mode; write {cls.FORMS}'
            raise ValueError(msg)
        if match["mode"] is None:
            return cls()
        number = int(match["n"])
        if match["mode"] == SelectionMode.PERCENT and number > 100:  # noqa: PLR2004 - a percentage
            msg = f'"{text[:64]}" selects more than all; write PERCENT(1) to PERCENT(100)'
            raise ValueError(msg)
        return cls(mode=SelectionMode(match["mode"]), number=number)

    def size(self, found: int) -> int:
        """Return how many of ``found`` resources are taken.

        PERCENT rounds down, as FIS documents (5 at 50 % are 2). COUNT(n) with fewer than n
        found takes all of them: FIS does not document that case, this is our choice.
        """
        if self.mode is SelectionMode.ALL:
            return found
        if self.mode is SelectionMode.COUNT:
            return min(self.number, found)
        return found * self.number // 100

    def __str__(self) -> str:
        """Return FIS's text form."""
        return self.mode if self.mode is SelectionMode.ALL else f"{self.mode}({self.number})"


class Filter(_Part):
    """Keep resources whose attribute at ``path`` equals one of ``values``."""

    path: str
    values: tuple[str, ...]


class TemplateTarget(_Part):
    """Which resources an action acts on: by ids, by tags and filters, or by parameters."""

    resource_type: str
    resource_arns: tuple[str, ...] = ()
    """Full resource names: ARNs in AWS."""
    resource_tags: dict[str, str] = Field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    selection_mode: Selection = Selection()
    parameters: dict[str, str] = Field(default_factory=dict)


class TemplateAction(_Part):
    """One action: what is done, to which targets, after which other actions."""

    action_id: str
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    targets: dict[str, str] = Field(default_factory=dict)
    """Target key of the action (``Instances``) → name of a target of the template."""
    start_after: tuple[str, ...] = ()
    action_template: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """``NAME@VERSION`` of the action template that this action is the expansion of; the document
    holds what its author wrote. Not dumped where there is none: a stored template is compared with
    the dump of what was read, also by versions that do not know the field."""


class StopCondition(_Part):
    """A signal that stops the run: its source (``aws:cloudwatch:alarm``) and value (an ARN)."""

    source: str
    value: str | None = None


class EmptyTargets(StrEnum):
    """What happens when a target resolves to nothing (FIS: ``emptyTargetResolutionMode``)."""

    FAIL = "fail"
    SKIP = "skip"


class ExperimentTemplate(_Part):
    """A template as stored: the neutral model, and the document as its author wrote it."""

    id: str
    scope: Scope
    dialect: str
    description: str
    targets: dict[str, TemplateTarget] = Field(default_factory=dict)
    actions: dict[str, TemplateAction]
    stop_conditions: tuple[StopCondition, ...] = ()
    identity: str
    """As whom the bridge acts: in AWS the role's ARN."""
    empty_targets: EmptyTargets = EmptyTargets.FAIL
    tags: dict[str, str] = Field(default_factory=dict)
    document: dict[str, Any] = Field(default_factory=dict)
    """The original document, so that its dialect reads back exactly what was written."""
    created_at: Micros = Micros(0)
    updated_at: Micros = Micros(0)

    @property
    def watched(self) -> tuple[StopCondition, ...]:
        """The stop conditions that have something to watch (``none`` has not)."""
        return tuple(c for c in self.stop_conditions if c.source != "none")
