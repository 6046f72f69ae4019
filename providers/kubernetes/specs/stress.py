"""StressChaos: processor and memory load inside containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, ChaosSpec, Integer, SizeText
from providers.kubernetes.specs.selector import ContainerSelection

# stress-ng runs no more.
_MOST_WORKERS: Final = 8192


class Stressor(ChaosModel):
    """Workers that make load."""

    workers: Integer = Field(
        le=_MOST_WORKERS,
        description="How many processes make load.",
        json_schema_extra={"example": 1},
    )
    options: list[str] | None = Field(default=None, description="Further options of stress-ng.")

    def findings(self, path: str) -> Iterator[Problem]:
        """No workers make no load; the webhook has a rule for it that is never called."""
        if self.workers <= 0:
            message = f"{self.workers} workers make no load, write 1 or more"
            yield Problem(child(path, "workers"), message, Severity.WARNING)


class CpuStressor(Stressor):
    """Processor load."""

    load: Annotated[Integer, Field(ge=0, le=100)] | None = Field(
        default=None, description="Percentage of a processor for each worker."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """A load of 0 sleeps."""
        yield from super().findings(path)
        if self.load == 0:
            message = "0 percent is no load, write 1 to 100"
            yield Problem(child(path, "load"), message, Severity.WARNING)


class MemoryStressor(Stressor):
    """Memory load."""

    size: SizeText | None = Field(
        default=None, description="Bytes with a unit, or a percentage of the memory there is."
    )
    oom_score_adj: Annotated[Integer, Field(ge=-1000, le=1000)] | None = Field(
        default=None,
        description="How readily the kernel kills the workers when memory runs out, -1000 never.",
        json_schema_extra={"default": 0},
    )


class Stressors(ChaosModel):
    """At least one of both."""

    cpu: CpuStressor | None = Field(default=None, description="Processor load.")
    memory: MemoryStressor | None = Field(default=None, description="Memory load.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook refuses an empty object, even where stressngStressors is given."""
        if self.cpu is None and self.memory is None:
            yield Problem(path, "is empty, write cpu or memory")


class StressChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of a StressChaos."""

    stressors: Stressors | None = Field(
        default=None,
        description="The load: processor, memory or both.",
        json_schema_extra={"example": {"cpu": {"workers": 1, "load": 50}}},
    )
    stressng_stressors: str | None = Field(
        default=None, description="Options of stress-ng, in place of stressors."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """One of the two ways to name stressors is required."""
        yield from super().findings(path)
        where = child(path, "stressors")
        if self.stressors is None and not self.stressng_stressors:
            message = 'is required, write it like {"cpu": {"workers": 1, "load": 50}}'
            yield Problem(where, message)
        elif self.stressors is not None and self.stressng_stressors:
            message = "is ignored because stressngStressors is given, leave one of them out"
            yield Problem(where, message, Severity.WARNING)
