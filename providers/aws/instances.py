"""Faults on EC2 instances: stop, reboot, terminate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.aws import by_hand
from providers.aws.batches import each_possible, plain_ids
from providers.aws.describe import state_of
from providers.aws.irreversible import IrreversibleFault
from providers.aws.marks import MARK_RIGHTS, MarkedEc2Fault, note_marks
from providers.aws.power import (
    ENDED,
    GONE,
    POWER,
    change,
    look,
    one_time_requests,
    rejected,
    review,
    stoppable,
)
from providers.aws.rights import THROUGH_EC2
from providers.aws.session import AwsSession
from providers.contract import (
    DONE,
    PENDING,
    TARGETS,
    Denial,
    Duration,
    Effect,
    Fault,
    FaultParameters,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    ProviderError,
    Resource,
    Subject,
    TargetSpec,
    indirect,
    optional,
    required,
)
from providers.lengths import StayingFault
from providers.parameters import Flag


class StopInstances(StayingFault, MarkedEc2Fault):
    """Stop EC2 instances, and start them again after a duration, if one is given.

    Without ``startInstancesAfterDuration`` they stay stopped when the action completes, as in
    FIS; a stop or failure of the run before that starts them. Only instances that were running
    are started again. One that is still coming up when the fault begins is refused: EC2 would
    refuse it too, and to wait for it would hold up the fault on the others.
    """

    id = "aws:ec2:stop-instances"
    by_hand = by_hand.STOPPED
    undoing = "start it again"
    provider = "aws"
    target = TargetSpec("Instances", "aws:ec2:instance")
    effect = POWER
    permissions = (
        *required("ec2:DescribeInstances"),
        *required("ec2:StopInstances", on=(TARGETS,)),
        *required("ec2:StartInstances", on=(TARGETS,), undoes=True),
        *indirect(
            "kms:CreateGrant",
            because="EC2 needs it to start an instance whose volumes are encrypted",
            on=("kms:key/*",),
            when=THROUGH_EC2,
        ),
        *MARK_RIGHTS,
        *optional(
            "ec2:DescribeSpotInstanceRequests",
            loses="a Spot Instance that cannot be stopped is found when EC2 refuses, not before",
        ),
    )

    class Parameters(FaultParameters):
        """Parameters of ``aws:ec2:stop-instances``, as in FIS."""

        start_instances_after_duration: Duration | None = Field(
            default=None,
            description="How long the instances stay stopped; without it they are not started.",
        )
        complete_if_instances_terminated: Flag = Field(
            default=False,
            description="Whether the action completes when an instance is terminated meanwhile "
            "(an Auto Scaling group replaces stopped instances); otherwise it fails.",
        )

    def gone_is_failure(self, parameters: Parameters) -> bool:
        """Follow ``completeIfInstancesTerminated``."""
        return not parameters.complete_if_instances_terminated

    async def review(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - a stopped run starts them without a duration too
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to stop and, before that is used, for the right to start again."""
        return await review(session, resources, "StopInstances", "StartInstances")

    async def prepare(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note that each instance runs; leave stopped ones, refuse what EC2 cannot stop."""
        seen = await look(session, records)
        one_time = await one_time_requests(session, [instance for _, instance in seen])
        outcomes: dict[str, Outcome] = {}
        for record, instance in seen:
            outcomes[record.id] = stoppable(instance, one_time)
            if instance and outcomes[record.id] == DONE:
                record.state["prior"] = "running"
                note_marks(session, record, instance.get("Tags", ()))
        return outcomes

    async def inject(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Stop them in one call; EC2 takes one that is stopped already without complaint.

        One that was terminated since is refused for its state, which is looked up then.
        """
        outcomes = dict(await change(session, "StopInstances", records))
        refused = [r for r in records if outcomes[r.id].kind is OutcomeKind.REJECTED]
        try:
            seen = await look(session, refused) if refused else []
        except ProviderError:
            return outcomes
        return outcomes | {r.id: GONE for r, instance in seen if state_of(instance) in ENDED}

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Tell from the instance's state."""
        return {
            record.id: Observation(_STOP_EFFECTS.get(state_of(instance), Effect.UNKNOWN))
            for record, instance in await look(session, records)
        }

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:
        """Start those that are stopped; the rest is running, on its way, or gone.

        Those that the run has seen stopped are started at once: EC2 takes one that runs by now
        without complaint, and refuses, by name, one that can only be looked at. Described once
        more, a thousand instances would take longer than to start them.
        """
        known = [record for record in records if _seen_stopped(record)]
        outcomes = dict(await change(session, "StartInstances", known))
        refused = {r.id for r in known if outcomes[r.id].kind is OutcomeKind.REJECTED}
        unsure = [r for r in records if r.id not in outcomes or r.id in refused]
        stopped = []
        for record, instance in await look(session, unsure):
            state = state_of(instance)
            if state in ENDED:
                outcomes[record.id] = GONE
            elif record.state.get("prior") != "running" or state == "running":
                outcomes[record.id] = DONE
            elif state != "stopped":
                outcomes[record.id] = PENDING
            elif record.id not in refused:
                stopped.append(record)
        return {**outcomes, **await change(session, "StartInstances", stopped)}

    def notes(self, record: Record) -> dict[str, str]:
        """Say that the instance ran."""
        return {"prior": record.state["prior"]}

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - an instance depends on nothing else
        """Read back that the instance ran."""
        if notes["prior"] != "running":
            raise ValueError(notes["prior"])
        return Subject(resource, {"prior": "running"})


def _seen_stopped(record: Record) -> bool:
    """Whether the fault was seen in effect, and its undoing has not been tried yet."""
    return (
        record.seen == Effect.PRESENT
        and record.attempts == 0
        and record.state.get("prior") == "running"
    )


_STOP_EFFECTS: Final = {
    "running": Effect.ABSENT,
    "stopping": Effect.APPLYING,
    "stopped": Effect.PRESENT,
    "pending": Effect.LIFTING,
    "shutting-down": Effect.GONE,
    "terminated": Effect.GONE,
}


class RebootInstances(IrreversibleFault):
    """Reboot EC2 instances.

    A reboot leaves no trace in an instance's state, so ``observe`` answers ``unknown``: after a
    call whose answer was lost nobody can tell whether they rebooted, and a repeat may reboot
    them once more.
    """

    id = "aws:ec2:reboot-instances"
    by_hand = by_hand.REBOOTED
    permissions = (
        *required("ec2:DescribeInstances"),
        *required("ec2:RebootInstances", on=(TARGETS,)),
    )
    operation = "RebootInstances"

    def fitness(self, instance: dict[str, Any] | None) -> Outcome:
        """Only a running instance can be rebooted."""
        state = state_of(instance)
        if state in ENDED:
            return GONE
        if state != "running":
            return rejected(
                f"the instance is {state}, and only running ones can be rebooted; start it, or "
                "filter by State.Name = running"
            )
        return DONE

    async def inject(
        self,
        session: AwsSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Reboot them in one call. EC2 queues the request, and that is all it ever says."""

        async def reboot(batch: Sequence[Record]) -> Outcomes:
            await session.call("ec2", "RebootInstances", InstanceIds=plain_ids(batch))
            return {record.id: DONE for record in batch}

        return await each_possible(records, reboot)

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Tell which instances are gone; of the others nothing can be told."""
        return {
            record.id: Observation(Effect.GONE)
            if state_of(instance) in ENDED
            else Observation(Effect.UNKNOWN, "a reboot leaves no trace in the instance's state")
            for record, instance in await look(session, records)
        }


class TerminateInstances(IrreversibleFault):
    """Terminate EC2 instances. This cannot be undone."""

    id = "aws:ec2:terminate-instances"
    by_hand = by_hand.TERMINATED
    permissions = (
        *required("ec2:DescribeInstances"),
        *required("ec2:TerminateInstances", on=(TARGETS,)),
    )
    operation = "TerminateInstances"

    def fitness(self, instance: dict[str, Any] | None) -> Outcome:
        """Any instance can be terminated, unless it is so already."""
        if instance is None:
            return Outcome(OutcomeKind.GONE, "the instance does not exist")
        if state_of(instance) in ENDED:
            return Outcome(OutcomeKind.LEFT, "the instance is terminated already")
        return DONE

    async def inject(
        self,
        session: AwsSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Terminate them in one call; one with termination protection is refused by itself.

        EC2 does carry the call out in Availability Zones without a protected instance; the
        others are asked for again, which is harmless to those.
        """
        return await change(session, "TerminateInstances", records)

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Tell from the instance's state; one that EC2 has forgotten was terminated."""
        return {
            record.id: Observation(_TERMINATE_EFFECTS.get(state_of(instance), Effect.ABSENT))
            for record, instance in await look(session, records)
        }


_TERMINATE_EFFECTS: Final = {
    "shutting-down": Effect.APPLYING,
    "terminated": Effect.PRESENT,
}
