"""Terminate instances of Auto Scaling groups, which then launch others in their place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from bridge.model.record import Record
from providers.aws import by_hand
from providers.aws.arns import plain_id
from providers.aws.batches import plain_ids
from providers.aws.describe import state_of
from providers.aws.filters import tags_of
from providers.aws.irreversible import IrreversibleFault
from providers.aws.power import ENDED, look, rejected
from providers.aws.scaling_groups import groups_by_name, simulated
from providers.aws.session import AwsSession
from providers.aws.simulation import SIMULATING
from providers.batches import chunks, each_alone
from providers.checks import Check, Verdict, note
from providers.contract import (
    DONE,
    PENDING,
    AccessDeniedError,
    Denial,
    Effect,
    Fault,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Resource,
    indirect,
    required,
)
from providers.refusals import RefusedError

_INSTANCES: Final = 50
"""Instances in one DescribeAutoScalingInstances call (Auto Scaling API reference)."""
_LOOK: Final = "autoscaling:DescribeAutoScalingInstances"
_TERMINATE: Final = "autoscaling:TerminateInstanceInAutoScalingGroup"


class TerminateInGroup(IrreversibleFault):
    """Terminate instances of Auto Scaling groups, which launch others in their place.

    The group's desired capacity stays as it is, its lifecycle hooks run, and load balancers
    let go of the instances first. This cannot be undone: the new instances are others. Choose
    the instances of one group by the tag ``aws:autoscaling:groupName``, which AWS itself sets.
    """

    id = "aws:autoscaling:terminate-instances"
    by_hand = by_hand.REPLACED
    permissions = (
        *required("ec2:DescribeInstances", _LOOK),
        *required(_TERMINATE, on=("autoscaling:autoScalingGroup:*:autoScalingGroupName/*",)),
        *SIMULATING,
        *indirect(
            "autoscaling:DescribeAutoScalingGroups",
            because="IAM is asked about a group by its ARN, before the run",
        ),
    )
    batch = 100
    operation = "TerminateInstanceInAutoScalingGroup"
    settle_limit = timedelta(hours=1)
    """The default heartbeat time-out of a lifecycle hook, which may hold an instance so long."""

    async def review(
        self,
        session: AwsSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Look for the groups, and ask IAM for the right: Auto Scaling has no dry run."""
        account = session.caller.scope.account
        members = await _members(session, [plain_id(resource.id) for resource in resources])
        note(Check(_LOOK, Verdict.OK, "aws", account))
        names = {one["AutoScalingGroupName"] for one in members.values()}
        try:
            groups = await groups_by_name(session, names)
        except AccessDeniedError as error:
            note(Check(_TERMINATE, Verdict.UNCHECKED, "aws", account, reason=str(error)))
            return []
        tagged = {arn: tags_of(group) for arn, group in groups.items()}
        return await simulated(session, tagged, _TERMINATE)

    async def prepare(
        self, session: AwsSession, parameters: Fault.Parameters, records: Sequence[Record]
    ) -> Outcomes:
        """Look whether each instance is alive, and in a group."""
        outcomes = dict(await super().prepare(session, parameters, records))
        alive = [record for record in records if outcomes[record.id] == DONE]
        lifecycles = await _lifecycles(session, alive)
        for record in alive:
            if plain_id(record.resource) not in lifecycles:
                outcomes[record.id] = rejected(
                    "the instance is in no Auto Scaling group, so nothing would replace it; use "
                    "aws:ec2:terminate-instances, or choose by the tag aws:autoscaling:groupName"
                )
        return outcomes

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
        """Terminate them side by side, one call each; a repeat finds them on their way."""

        async def terminate(record: Record) -> Outcome:
            try:
                await session.call(
                    "autoscaling",
                    self.operation,
                    InstanceId=plain_id(record.resource),
                    ShouldDecrementDesiredCapacity=False,
                )
            except RefusedError as refusal:
                if not refusal.gone:
                    raise
                return await self._after_refusal(session, record, refusal)
            return PENDING

        return await each_alone(records, terminate)

    async def _after_refusal(
        self, session: AwsSession, record: Record, refusal: RefusedError
    ) -> Outcome:
        """Tell an instance that has gone from one that has only left its group."""
        effect = (await self.observe(session, [record]))[record.id].effect
        if effect is Effect.PRESENT:
            return DONE
        return PENDING if effect is Effect.APPLYING else rejected(str(refusal))

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Tell from the instance's state and, while it still runs, from its group's word.

        A lifecycle hook or a load balancer may hold it for a while.
        """
        answers: dict[str, Observation] = {}
        running: list[Record] = []
        for record, instance in await look(session, records):
            state = state_of(instance)
            if state not in ENDED:
                running.append(record)
            effect = Effect.PRESENT if state == "terminated" else Effect.APPLYING
            answers[record.id] = Observation(effect)
        lifecycles = await _lifecycles(session, running)
        for record in running:
            lifecycle = lifecycles.get(plain_id(record.resource), "")
            leaving = lifecycle.startswith("Terminating")
            answers[record.id] = (
                Observation(Effect.APPLYING, f"its Auto Scaling group has it as {lifecycle}")
                if leaving
                else Observation(Effect.ABSENT)
            )
        return answers


async def _lifecycles(session: AwsSession, records: Sequence[Record]) -> dict[str, str]:
    """Return the lifecycle state of those that are in a group, by plain id."""
    members = await _members(session, plain_ids(records))
    return {name: one["LifecycleState"] for name, one in members.items()}


async def _members(session: AwsSession, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what Auto Scaling says of the instances that are in a group, by plain id."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(ids, _INSTANCES):
        answer = await session.call(
            "autoscaling", "DescribeAutoScalingInstances", InstanceIds=list(chunk)
        )
        found |= {one["InstanceId"]: one for one in answer["AutoScalingInstances"]}
    return found
