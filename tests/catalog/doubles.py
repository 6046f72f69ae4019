"""Faults and resolvers that only declare: enough for a catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from bridge.model.problem import Problem
from bridge.model.record import Record
from bridge.model.template import TemplateTarget
from providers.contract import (
    Duration,
    Fault,
    FaultParameters,
    Observations,
    Outcomes,
    Resolution,
    Resolver,
    StopSource,
    StopState,
    TargetParameter,
    TargetSpec,
    Timing,
    Undo,
)


class Declared(Fault):
    """A fault that is never carried out."""

    provider = "double"

    def undo(self, parameters: Any) -> Undo:
        return Undo.RESTORES

    def timing(self, parameters: Any) -> Timing:
        length = getattr(parameters, "duration", None)
        return Timing.lasts(length) if length else Timing.instant()

    async def prepare(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        raise AssertionError

    async def inject(self, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        raise AssertionError

    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        raise AssertionError

    async def revert(self, session: Any, records: Sequence[Record]) -> Outcomes:
        raise AssertionError


class Stop(Declared):
    """Stop instances.

    More about it.
    """

    id = "aws:ec2:stop-instances"
    target = TargetSpec("Instances", "aws:ec2:instance")

    class Parameters(FaultParameters):
        """As in FIS."""

        start_instances_after_duration: Duration | None = Field(
            default=None, description="When to start them again."
        )
        complete_if_instances_terminated: bool = Field(default=False, description="Or not.")

    def undo(self, parameters: Any) -> Undo:
        return Undo.RESTORES if parameters.start_instances_after_duration else Undo.LASTING


class Terminate(Declared):
    """Terminate instances."""

    id = "aws:ec2:terminate-instances"
    target = TargetSpec("Instances", "aws:ec2:instance")

    def undo(self, parameters: Any) -> Undo:
        return Undo.NONE


class Wait(Declared):
    """Wait."""

    id = "aws:fis:wait"

    class Parameters(FaultParameters):
        """As in FIS."""

        duration: Duration = Field(description="How long to wait.")


class Inject(Declared):
    """Create a custom resource."""

    id = "aws:eks:inject-kubernetes-custom-resource"
    target = TargetSpec("Cluster", "aws:eks:cluster", single=True)

    class Parameters(FaultParameters):
        """As in FIS."""

        kubernetes_kind: str = Field(description="Its kind.", pattern="^[A-Z]")
        kubernetes_spec: str = Field(description="Its spec.")
        max_duration: Duration = Field(description="The limit.")

    def check(self, parameters: Any, path: str) -> list[Problem]:
        if "broken" in parameters.kubernetes_spec:
            return [Problem(path=f"{path}.kubernetesSpec.mode", message="is broken; mend it")]
        return []


class PauseIo(Declared):
    """Pause the I/O of volumes."""

    id = "aws:ebs:pause-volume-io"
    target = TargetSpec("Volumes", "aws:ec2:ebs-volume")

    class Parameters(FaultParameters):
        """As in FIS."""

        duration: Duration = Field(description="How long.", json_schema_extra={"minimum": "PT1S"})
        percentage: int = Field(default=100, ge=1, le=100, description="How much of it.")
        mode: Literal["read", "write"] = Field(default="read", description="Which I/O.")


class ComputeStop(Declared):
    """Stop instances of Compute Engine."""

    id = "gcp:compute:stop-instances"


class Instances(Resolver):
    resource_type = "aws:ec2:instance"
    provider = "double"
    description = "An EC2 instance"

    def check_id(self, resource_id: str) -> str | None:
        return None if ":instance/i-" in resource_id else "is not an instance; write its ARN"

    async def resolve(self, session: Any, target: TemplateTarget) -> Resolution:
        raise AssertionError


class Volumes(Instances):
    resource_type = "aws:ec2:ebs-volume"
    description = "A volume"
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "availabilityZoneIdentifier": TargetParameter("The zone.")
    }

    def check_id(self, resource_id: str) -> str | None:
        return None


class Clusters(Volumes):
    resource_type = "aws:eks:cluster"
    description = "A cluster"
    parameters: ClassVar[Mapping[str, TargetParameter]] = {}
    by_tags = False
    by_filters = False


class Pods(Instances):
    resource_type = "aws:eks:pod"
    description = "A pod"
    by_ids = False
    by_tags = False
    by_filters = False
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "namespace": TargetParameter("Where it is.", required=True)
    }


class Alarms(StopSource):
    source = "aws:cloudwatch:alarm"
    provider = "double"

    def check_value(self, value: str) -> str | None:
        return None if ":alarm:" in value else "is not an alarm; write its ARN"

    async def read(self, session: Any, values: Sequence[str]) -> Mapping[str, StopState]:
        raise AssertionError


FAULTS: Mapping[str, Fault] = {
    fault.id: fault for fault in (Stop(), Terminate(), Wait(), Inject(), PauseIo(), ComputeStop())
}
RESOLVERS: Mapping[str, Resolver] = {
    resolver.resource_type: resolver for resolver in (Instances(), Volumes(), Clusters(), Pods())
}
STOP_SOURCES: Mapping[str, StopSource] = {Alarms.source: Alarms()}
