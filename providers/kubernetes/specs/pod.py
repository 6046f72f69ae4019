"""PodChaos: pods and containers that are killed, or made to fail for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosSpec, Int64
from providers.kubernetes.specs.selector import ContainerSelection

Action = Literal["pod-kill", "pod-failure", "container-kill"]


class PodChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of a PodChaos."""

    one_shot_actions: ClassVar[frozenset[str]] = frozenset({"pod-kill", "container-kill"})

    action: Action = Field(
        description="pod-kill deletes pods, container-kill kills containers in them; both happen "
        "once. pod-failure makes pods unavailable for the duration."
    )
    grace_period: Annotated[Int64, Field(ge=0)] | None = Field(
        default=None, description="Seconds a killed pod has to end by itself."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook wants to know which container to kill; the rest is for the reader."""
        yield from super().findings(path)
        names = child(path, "containerNames")
        if self.action == "container-kill":
            if not self.container_names:
                message = 'is required with action "container-kill", write the containers\' names'
                yield Problem(names, message)
        elif self.container_names:
            message = f'is ignored with action "{self.action}", leave it out'
            yield Problem(names, message, Severity.WARNING)
        if self.action != "pod-kill" and self.grace_period:
            message = f'is ignored with action "{self.action}", leave it out'
            yield Problem(child(path, "gracePeriod"), message, Severity.WARNING)
        if self.action == "pod-failure" and self.duration is None:
            message = 'is missing, so the pods fail until the resource goes, write it like "30s"'
            yield Problem(child(path, "duration"), message, Severity.WARNING)
