"""Schedule: a chaos, or a Workflow, that comes again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.embedded import FIELDS, later
from providers.kubernetes.specs.scheduled import ScheduledChaos
from providers.kubernetes.specs.workflow import WorkflowSpec

_WORKFLOW: Final = "Workflow"


class ScheduleSpec(ScheduledChaos):
    """The `spec` of a Schedule."""

    type: str = Field(
        description="The kind that is created each time.",
        json_schema_extra={"choices": [*FIELDS, _WORKFLOW]},
    )
    workflow: WorkflowSpec | None = Field(
        default=None, description="With type Workflow, the spec of the Workflow."
    )

    @property
    def types(self) -> tuple[str, ...]:
        """The kinds of chaos, and Workflow."""
        return (*FIELDS, _WORKFLOW)

    def findings(self, path: str) -> Iterator[Problem]:
        """Those of any schedule; a Workflow is not asked for by the webhook."""
        yield from super().findings(path)
        where = child(path, "workflow")
        if self.type == _WORKFLOW and self.workflow is None:
            message = (
                'is missing with type "Workflow": the cluster takes it, and nothing can be created '
                "when its time comes; write the Workflow's entry and templates"
            )
            yield Problem(where, message, Severity.WARNING)
        elif self.type != _WORKFLOW and self.workflow is not None:
            message = f'is ignored with type "{self.type}", leave it out'
            yield Problem(where, message, Severity.WARNING)

    def all_findings(self, path: str) -> Iterator[Problem]:
        """Those of the schedule; what is wrong in a Workflow is refused when its time comes."""
        yield from super().all_findings(path)
        if self.type == _WORKFLOW and self.workflow is not None:
            inside = self.workflow.all_findings(child(path, "workflow"))
            yield from later(inside, "and refuses the Workflow each time it is due")
