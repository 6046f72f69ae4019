"""Suspend what an Auto Scaling group does by itself, and resume what was not suspended before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.aws import by_hand
from providers.aws.marks import note_marks
from providers.aws.scaling_groups import (
    GROUP_MARK_RIGHTS,
    MarkedGroupFault,
    group_name,
    groups_by_arn,
    simulated,
)
from providers.aws.session import AwsSession
from providers.aws.simulation import SIMULATING
from providers.batches import each_alone
from providers.contract import (
    DONE,
    TARGETS,
    Denial,
    Duration,
    Effect,
    FaultParameters,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Resource,
    Subject,
    TargetSpec,
    required,
)
from providers.lengths import LastingFault

PROCESSES: Final = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)
"""What a group does by itself (Auto Scaling API reference, SuspendProcesses)."""

_CALLS: Final = ("autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses")
_GONE: Final = Outcome(OutcomeKind.GONE, "the group does not exist")


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",")))
    for name in names:
        if name not in PROCESSES:
            raise ValueError(f'"{name[:64]}" is none of {", ".join(PROCESSES)}')
    return names


class SuspendProcesses(LastingFault, MarkedGroupFault):
    """Suspend processes of Auto Scaling groups, and resume them when the fault ends.

    With ``Launch`` suspended a group does not replace what it loses; with ``HealthCheck`` or
    ``ReplaceUnhealthy`` it does not notice. Processes that were suspended before stay so, and
    a group in which all of the wanted ones were is left as it is.
    """

    id = "aws:autoscaling:suspend-processes"
    by_hand = by_hand.SUSPENDED
    undoing = "resume the processes that it suspended"
    provider = "aws"
    target = TargetSpec("AutoScalingGroups", "aws:ec2:autoscaling-group")
    effect = "autoscaling:processes"
    permissions = (
        *required("autoscaling:DescribeAutoScalingGroups"),
        *required("autoscaling:SuspendProcesses", on=(TARGETS,)),
        *required("autoscaling:ResumeProcesses", on=(TARGETS,), undoes=True),
        *SIMULATING,
        *GROUP_MARK_RIGHTS,
    )

    class Parameters(FaultParameters):
        """Parameters of ``aws:autoscaling:suspend-processes``."""

        duration: Duration = Field(
            description="How long the processes stay suspended.",
            json_schema_extra={"minimum": "PT1S"},
        )
        processes: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
            default=PROCESSES,
            description="Names of the processes, parted by commas; all of them if not given.",
        )

    async def review(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask IAM for the rights to suspend and to resume: Auto Scaling has no dry run."""
        groups = {resource.id: resource.tags or {} for resource in resources}
        return await simulated(session, groups, *_CALLS)

    async def prepare(
        self, session: AwsSession, parameters: Parameters, records: Sequence[Record]
    ) -> Outcomes:
        """Note which of the processes are not suspended yet: those are ours to resume."""
        groups = await groups_by_arn(session, [record.resource for record in records])
        outcomes: dict[str, Outcome] = {}
        for record in records:
            group = groups.get(record.resource)
            if group is None:
                outcomes[record.id] = _GONE
                continue
            before = _suspended(group)
            ours = [name for name in parameters.processes if name not in before]
            if not ours:
                reason = "the processes are suspended already"
                outcomes[record.id] = Outcome(OutcomeKind.LEFT, reason)
                continue
            record.state["processes"] = ours
            note_marks(session, record, group.get("Tags", ()))
            outcomes[record.id] = DONE
        return outcomes

    async def inject(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - each record says which are ours
        records: Sequence[Record],
    ) -> Outcomes:
        """Suspend them, one call for each group, side by side; it takes effect at once."""

        async def suspend(record: Record) -> Outcome:
            return await _change(session, "SuspendProcesses", record, record.state["processes"])

        return await each_alone(records, suspend)

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Tell from what the group says is suspended."""
        groups = await groups_by_arn(session, [record.resource for record in records])
        return {record.id: _seen(record, groups.get(record.resource)) for record in records}

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:
        """Resume what we suspended and nobody else has resumed."""
        groups = await groups_by_arn(session, [record.resource for record in records])

        async def resume(record: Record) -> Outcome:
            group = groups.get(record.resource)
            if group is None:
                return _GONE
            still = [name for name in record.state["processes"] if name in _suspended(group)]
            return await _change(session, "ResumeProcesses", record, still) if still else DONE

        return await each_alone(records, resume)

    def notes(self, record: Record) -> dict[str, str]:
        """Say which processes were not suspended before."""
        return {"resume": ",".join(record.state["processes"])}

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - a group depends on nothing else
        """Read back which processes are to be resumed."""
        names = _names(notes["resume"])
        return Subject(resource, {"processes": list(names)})  # type: ignore[call-overload] # a text becomes names


async def _change(
    session: AwsSession, operation: str, record: Record, processes: Sequence[str]
) -> Outcome:
    await session.call(
        "autoscaling",
        operation,
        AutoScalingGroupName=group_name(record.resource),
        ScalingProcesses=list(processes),
    )
    return DONE


def _suspended(group: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(one["ProcessName"] for one in group.get("SuspendedProcesses", ()))


def _seen(record: Record, group: Mapping[str, Any] | None) -> Observation:
    if group is None:
        return Observation(Effect.GONE, _GONE.reason)
    ours: list[str] = record.state["processes"]
    resumed = [name for name in ours if name not in _suspended(group)]
    if len(resumed) == len(ours):
        return Observation(Effect.ABSENT)
    words = f"resumed by somebody else: {', '.join(resumed)}" if resumed else ""
    return Observation(Effect.PRESENT, words)
