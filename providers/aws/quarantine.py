"""The security group that cuts instances off: one per network (VPC) and action, without rules.

Its name follows from installation, experiment and action, so that whoever comes after a crash
finds it again; it is this run's only if its tag says so, which it bears from its creation on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from bridge.model.moment import Micros
from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.aws.arns import ec2_arn
from providers.aws.interfaces import FILTER_VALUES, interfaces_with
from providers.aws.session import AwsSession
from providers.batches import chunks
from providers.contract import (
    DONE,
    Effect,
    Mark,
    Observation,
    Outcome,
    OutcomeKind,
    Plan,
    TransientError,
)
from providers.marks import mark_text
from providers.names import own_name
from providers.refusals import RefusedError, refusal_outcome

PREFIX: Final = "fb-"
_PAGE: Final = 1000
_DESCRIPTION: Final = "Faultbridge: cut off by a fault"


@dataclass(frozen=True)
class Quarantine:
    """One such group, which need not exist yet."""

    vpc: str
    name: str

    @classmethod
    def planned(cls, vpc: str, plan: Plan) -> Self:
        """Name the group of an action in a network."""
        return cls(vpc, own_name(PREFIX, plan.installation, plan.experiment, plan.action))

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read it from a record's state. Raises KeyError."""
        return cls(**record.state["quarantine"])

    def state(self) -> dict[str, Any]:
        """Return it as a part of a record's state."""
        return {"quarantine": {"vpc": self.vpc, "name": self.name}}

    def resource(self, scope: Scope) -> str:
        """Return a full name that is known before EC2 has given the group an id."""
        return ec2_arn(scope, "vpc", f"{self.vpc}/security-group-name/{self.name}")


def mark_of(session: AwsSession, record: Record) -> Mark:
    """Return the mark that the group of a record bears as its tag."""
    return Mark(
        installation=session.caller.installation,
        experiment=record.id.partition("/")[0],
        action=record.action,
        fault=record.fault,
        deadline=None if record.state.get("until") is None else Micros(record.state["until"]),
        identity=session.caller.identity or "",
    )


def is_own(group: Mapping[str, Any], mark: Mark) -> bool:
    """Whether the group's tag names the run and action that the mark names."""
    return mark.key in {tag["Key"] for tag in group.get("Tags", ())}


async def groups_named(
    session: AwsSession, quarantines: Sequence[Quarantine]
) -> dict[Quarantine, dict[str, Any]]:
    """Return those that exist, whoever made them. Raises ProviderError."""
    found: dict[Quarantine, dict[str, Any]] = {}
    for chunk in chunks(list(dict.fromkeys(quarantines)), FILTER_VALUES):
        names = sorted({one.name for one in chunk})
        networks = sorted({one.vpc for one in chunk})
        filters = [
            {"Name": "group-name", "Values": names},
            {"Name": "vpc-id", "Values": networks},
        ]
        for group in await _described(session, filters):
            found[Quarantine(group["VpcId"], group["GroupName"])] = group
    return found


async def closed_groups(session: AwsSession, ids: Sequence[str]) -> frozenset[str]:
    """Return which of the security groups let nothing in or out. Raises ProviderError."""
    closed: set[str] = set()
    for chunk in chunks(sorted(set(ids)), FILTER_VALUES):
        for group in await _described(session, [{"Name": "group-id", "Values": list(chunk)}]):
            if not group["IpPermissions"] and not group["IpPermissionsEgress"]:
                closed.add(group["GroupId"])
    return frozenset(closed)


async def _described(session: AwsSession, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        group
        async for page in session.pages(
            "ec2", "DescribeSecurityGroups", Filters=filters, MaxResults=_PAGE
        )
        for group in page["SecurityGroups"]
    ]


def fitness(group: Mapping[str, Any] | None, mark: Mark) -> Outcome:
    """Judge whether the group can be made, or is this action's own already."""
    if group is None or is_own(group, mark):
        return DONE
    return Outcome(OutcomeKind.REJECTED, _somebody_elses(group))


def _somebody_elses(group: Mapping[str, Any]) -> str:
    return (
        f"{group['VpcId']} has a security group {group['GroupName']} ({group['GroupId']}) that "
        "this run did not make; rename the action, or delete the group if nobody needs it"
    )


async def make(
    session: AwsSession, record: Record, notes: Mapping[str, str], group: dict[str, Any] | None
) -> dict[str, Any]:
    """Create the group of a record unless it exists; return it as EC2 describes it.

    Raises RefusedError, also for a group of that name that this run did not make, and what
    calls raise.
    """
    wanted, mark = Quarantine.of(record), mark_of(session, record)
    if group is None:
        tag = {"Key": mark.key, "Value": mark_text(mark, notes)}
        try:
            await session.call(
                "ec2",
                "CreateSecurityGroup",
                GroupName=wanted.name,
                Description=_DESCRIPTION,
                VpcId=wanted.vpc,
                TagSpecifications=[{"ResourceType": "security-group", "Tags": [tag]}],
            )
        except RefusedError as refusal:
            if refusal.code != "InvalidGroup.Duplicate":
                raise
        group = (await groups_named(session, [wanted])).get(wanted)
        if group is None:
            # EC2 is eventually consistent: what it has just made may not be described yet.
            raise TransientError(f"EC2 does not show the security group {wanted.name} yet.")
    if not is_own(group, mark):
        raise RefusedError(_somebody_elses(group), code="InvalidGroup.Duplicate")
    return group


async def close(session: AwsSession, group: dict[str, Any]) -> None:
    """Take away the rules that EC2 gives every new group: all traffic may leave."""
    if rules := group["IpPermissionsEgress"]:
        try:
            await session.call(
                "ec2", "RevokeSecurityGroupEgress", GroupId=group["GroupId"], IpPermissions=rules
            )
        except RefusedError as refusal:
            if refusal.code != "InvalidPermission.NotFound":
                raise
        group["IpPermissionsEgress"] = []


async def remove(session: AwsSession, record: Record, group: Mapping[str, Any] | None) -> Outcome:
    """Delete the group of a record, once nothing bears it; one that is not ours is left."""
    if group is None or not is_own(group, mark_of(session, record)):
        return DONE
    plain = group["GroupId"]
    try:
        await session.call("ec2", "DeleteSecurityGroup", GroupId=plain)
    except RefusedError as refusal:
        if refusal.gone:
            return DONE
        if refusal.code != "DependencyViolation":
            return refusal_outcome(refusal)
        users = await interfaces_with(session, plain)
        by = ", ".join(users[:5]) if users else "another security group's rule, or EC2's delay"
        return Outcome(
            OutcomeKind.REJECTED,
            f"the security group {plain} is still in use by {by}; it is deleted when that is over",
        )
    return DONE


def seen(group: Mapping[str, Any] | None, mark: Mark) -> Observation:
    """Tell whether the group of an action is there."""
    exists = group is not None and is_own(group, mark)
    return Observation(Effect.PRESENT if exists else Effect.ABSENT)
