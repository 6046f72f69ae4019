"""Workflow: chaos, checks and tasks, one after another or at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, ChaosSpec, TextMap
from providers.kubernetes.specs.core_v1 import Container, Volume
from providers.kubernetes.specs.embedded import FIELDS, EmbeddedChaos, later
from providers.kubernetes.specs.problems import meant, shown
from providers.kubernetes.specs.scheduled import ScheduledChaos
from providers.kubernetes.specs.status_check import StatusCheckSpec
from providers.kubernetes.specs.workflow_branches import expression_findings
from providers.kubernetes.specs.workflow_flow import flow_findings

STEPS: Final = ("Serial", "Parallel", "Suspend", "Task", "StatusCheck", "Schedule")
"""The types of templates that are no chaos."""

_TYPES: Final = (*STEPS, *FIELDS)
_GROUPS: Final = ("Serial", "Parallel")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME: Final = 253
_MOST_COMPARED: Final = 100
# The field of each type, and the types to which the webhook refuses it; elsewhere it is ignored.
_OWNERS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "children": (_GROUPS, ("Suspend", "Schedule", "Task", "StatusCheck", *FIELDS)),
    "task": (("Task",), ("Suspend", *_GROUPS, "Schedule", "StatusCheck", *FIELDS)),
    "conditional_branches": (
        ("Task",),
        ("Suspend", *_GROUPS, "Schedule", "StatusCheck", *FIELDS),
    ),
    "schedule": (("Schedule",), ("Suspend", *_GROUPS, "Task", "StatusCheck", *FIELDS)),
    "status_check": (("StatusCheck",), ()),
    "abort_with_status_check": (("StatusCheck",), ()),
}


class ConditionalBranch(ChaosModel):
    """A template that is started when a Task has ended as the expression says."""

    target: str = Field(description="The name of the template.")
    expression: str | None = Field(
        default=None,
        description="Over exitCode and stdout, like exitCode == 0; without it, always.",
        json_schema_extra={"example": "exitCode == 0"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Expressions that do not look at how the Task ended."""
        if self.expression:
            yield from expression_findings(self.expression, child(path, "expression"))


class Task(ChaosModel):
    """A pod of your own that runs to its end."""

    container: Container | None = Field(
        default=None, description="The container, as in a pod: name, image, command and others."
    )
    volumes: list[Volume] | None = Field(default=None, description="Volumes of the pod.")
    labels: TextMap | None = Field(default=None, description="Labels of the pod.")


class WorkflowTemplate(EmbeddedChaos):
    """One step: what it is, and how long it may take."""

    name: str = Field(description="Its name, by which others start it.")
    template_type: str = Field(
        description="What it is.", json_schema_extra={"choices": list(_TYPES)}
    )
    deadline: str | None = Field(
        default=None,
        description='How long it may take, like "5m"; a chaos lasts until then.',
        json_schema_extra={"example": "5m"},
    )
    children: list[str] | None = Field(
        default=None, description="With Serial and Parallel, the names of the templates in it."
    )
    task: Task | None = Field(default=None, description="With Task, the pod that runs.")
    conditional_branches: list[ConditionalBranch] | None = Field(
        default=None, description="With Task, which templates start after it."
    )
    schedule: ScheduledChaos | None = Field(
        default=None, description="With Schedule, a chaos that comes again and again."
    )
    status_check: StatusCheckSpec | None = Field(
        default=None, description="With StatusCheck, the request that is made."
    )
    abort_with_status_check: bool | None = Field(
        default=None, description="With StatusCheck, whether its failure ends the whole Workflow."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for one template; names of others are the Workflow's."""
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            message = (
                f"{shown(self.name)} is not a name, write lower-case letters, digits, inner "
                'hyphens and dots, like "slow-network"'
            )
            yield Problem(child(path, "name"), message)
        if self.template_type not in _TYPES:
            hint = meant(self.template_type, _TYPES) or f"write one of {', '.join(_TYPES)}"
            message = f"{shown(self.template_type)} is not a type of template; {hint}"
            yield Problem(child(path, "templateType"), message)
            return
        if self.template_type == "Suspend" and not self.deadline:
            message = 'is required with type "Suspend", write how long to wait, like "30s"'
            yield Problem(child(path, "deadline"), message)
        yield from self._strangers(path)
        if self.template_type in FIELDS:
            yield from self._chaos_rules(path)
        elif self.template_type not in _GROUPS:
            yield from self._content(path)

    def all_findings(self, path: str) -> Iterator[Problem]:
        """Those of the template, and of what it starts."""
        yield from self.findings(path)
        yield from self.chaos_findings(self.template_type, path)
        if self.template_type == "Schedule" and self.schedule is not None:
            inside = self.schedule.all_findings(child(path, "schedule"))
            yield from later(inside, "and refuses the Schedule when this template starts")
        if self.template_type == "StatusCheck" and self.status_check is not None:
            inside = self.status_check.all_findings(child(path, "statusCheck"))
            yield from later(inside, "and refuses the StatusCheck when this template starts")
        if self.template_type == "Task":
            for index, branch in enumerate(self.conditional_branches or ()):
                yield from branch.findings(child(child(path, "conditionalBranches"), index))

    def _strangers(self, path: str) -> Iterator[Problem]:
        """Fields of other types."""
        for name, (owners, refused) in _OWNERS.items():
            if self.template_type in owners or not getattr(self, name):
                continue
            where = child(path, type(self).model_fields[name].alias or name)
            wanted = f"belongs to type {' or '.join(owners)}"
            if self.template_type in refused:
                yield Problem(where, f'{wanted}, this one is "{self.template_type}"; leave it out')
            else:
                message = f'is ignored with type "{self.template_type}", it {wanted}; leave it out'
                yield Problem(where, message, Severity.WARNING)
        for kind in self.embedded():
            where = child(path, FIELDS[kind])
            if self.template_type in FIELDS and kind != self.template_type:
                message = f'is ignored with type "{self.template_type}", leave it out'
                yield Problem(where, message, Severity.WARNING)
            elif self.template_type not in FIELDS:
                message = (
                    f'belongs to type {kind}, this one is "{self.template_type}"; leave it out'
                )
                yield Problem(where, message)

    def _chaos_rules(self, path: str) -> Iterator[Problem]:
        spec = self.chaos(self.template_type)
        where = child(path, FIELDS[self.template_type])
        if spec is None:
            message = (
                f'is required with type "{self.template_type}" (the webhook of the cluster fails '
                "over it with an error of its own), write its spec here"
            )
            yield Problem(where, message)
            return
        given = spec.duration if isinstance(spec, ChaosSpec) else spec.get("duration")
        if given is not None:
            message = (
                "is refused inside a Workflow, where a chaos ends with its template; leave it out "
                f"and write deadline: {shown(given)} beside {FIELDS[self.template_type]}"
            )
            yield Problem(child(where, "duration"), message)

    def _content(self, path: str) -> Iterator[Problem]:
        """What a step cannot do anything without, and no webhook asks for."""
        name, held = {
            "Task": ("task", self.task and self.task.container),
            "Schedule": ("schedule", self.schedule),
            "StatusCheck": ("statusCheck", self.status_check),
        }.get(self.template_type, ("", True))
        if held:
            return
        where = child(child(path, "task"), "container") if name == "task" else child(path, name)
        message = (
            f'is missing with type "{self.template_type}": the cluster takes it, and the Workflow '
            "stands still when this template starts; write it"
        )
        yield Problem(where, message, Severity.WARNING)


class WorkflowSpec(ChaosModel):
    """The `spec` of a Workflow."""

    entry: str = Field(description="The name of the template that is started.")
    templates: list[WorkflowTemplate] = Field(description="All templates, in any order.")

    def findings(self, path: str) -> Iterator[Problem]:
        """Names that lead nowhere, names that are given twice, and how all of it flows."""
        where = child(path, "templates")
        names = [template.name for template in self.templates]
        known = set(names)
        if not names:
            yield Problem(where, "is empty, write the template that entry names")
        yield from self._twice(names, where)
        # Comparing names for what was meant is slow, and nobody reads more than a few.
        compared = known
        for told, (name, place, branch) in enumerate(self._named(path)):
            if name in known:
                continue
            if told > _MOST_COMPARED:
                compared = set()
            hint = meant(name, compared) or "write the name of one, or add it"
            problem = Problem(place, f"{shown(name)} is not the name of a template; {hint}")
            if branch:
                yield from later([problem], "and stands still when the branch is taken")
            else:
                yield problem
        yield from flow_findings(self.entry, self.templates, where)

    def _named(self, path: str) -> Iterator[tuple[str, str, bool]]:
        """Each name of a template that is used, where, and whether a branch does."""
        yield self.entry, child(path, "entry"), False
        for index, template in enumerate(self.templates):
            here = child(child(path, "templates"), index)
            if template.template_type in _GROUPS:
                for place, name in enumerate(template.children or ()):
                    yield name, child(child(here, "children"), place), False
            elif template.template_type == "Task":
                for place, branch in enumerate(template.conditional_branches or ()):
                    where = child(child(here, "conditionalBranches"), place)
                    yield branch.target, child(where, "target"), True

    def _twice(self, names: list[str], where: str) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                message = f"{shown(name)} is given to another template too, write another name"
                yield Problem(child(child(where, index), "name"), message)
            seen.add(name)
