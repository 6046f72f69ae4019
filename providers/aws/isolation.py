"""Cut EC2 instances off from the network, and give them back the groups that they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.aws import by_hand, quarantine
from providers.aws.arns import Arn, plain_id
from providers.aws.describe import state_of
from providers.aws.interfaces import (
    Interfaces,
    bears,
    fitness,
    interfaces_by_instance,
    refused,
    seen_on,
    set_groups,
    summed_up,
)
from providers.aws.marks import MarkedEc2Fault, note_marks
from providers.aws.power import ENDED, GONE, look, rejected
from providers.aws.quarantine import Quarantine
from providers.aws.review import dry_run
from providers.aws.session import AwsSession
from providers.batches import each_alone
from providers.contract import (
    DONE,
    TARGETS,
    Denial,
    Duration,
    Effect,
    FaultParameters,
    Mark,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Plan,
    Resource,
    Subject,
    TargetSpec,
    optional,
    required,
)
from providers.lengths import LastingFault

_PROBED: Final = 10
"""Network interfaces whose rights are asked for before a run; each takes a call of its own."""

_NO_GROUP: Final = "sg-00000000000000000"
"""Stands in dry runs for the group that does not exist yet: EC2 asks for rights first."""


class IsolateInstances(LastingFault, MarkedEc2Fault):
    """Cut EC2 instances off from the network, and connect them again when the fault ends.

    Every network interface of an instance gets one security group without rules in place of
    its own ones, so that nothing new comes in or goes out. Connections that are tracked may go
    on until they end or time out (EC2 user guide, "Security group connection tracking").
    Security groups do not stop what EC2 itself offers an instance: its metadata, Amazon DNS,
    DHCP and time (same guide, "Security groups"). Interfaces that AWS manages keep their
    groups, and so does one that is attached during the fault.
    """

    id = "aws:ec2:isolate-instances"
    by_hand = by_hand.ISOLATED
    undoing = (
        "give its network interfaces their security groups back, or delete the one that cuts off"
    )
    provider = "aws"
    target = TargetSpec("Instances", "aws:ec2:instance")
    effect = "ec2:network"
    batch = 100
    permissions = (
        *required(
            "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"
        ),
        *required("ec2:CreateSecurityGroup", on=("ec2:security-group/*", "ec2:vpc/*")),
        *required(
            "ec2:CreateTags",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:DeleteSecurityGroup",
            on=("ec2:security-group/*",),
        ),
        *required(
            "ec2:ModifyNetworkInterfaceAttribute",
            on=("ec2:network-interface/*", "ec2:security-group/*"),
        ),
        *optional(
            "ec2:CreateTags",
            loses="the instances bear no mark; rescue finds the security group by its own",
            on=(TARGETS,),
        ),
        *optional(
            "ec2:DeleteTags",
            loses="the marks stay on the instances after the fault",
            on=(TARGETS,),
            undoes=True,
        ),
    )

    class Parameters(FaultParameters):
        """Parameters of ``aws:ec2:isolate-instances``."""

        duration: Duration = Field(
            description="How long the instances stay cut off.",
            json_schema_extra={"minimum": "PT1S"},
        )

    def subjects(
        self,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
        plan: Plan,
    ) -> list[Subject]:
        """Name the group of each network, then the instances, which depend on it.

        What is injected first is undone last: the group is deleted when nothing bears it.
        """
        groups: dict[str, Subject] = {}
        instances: list[Subject] = []
        for resource in resources:
            vpc = resource.information.get("vpc_id")
            if vpc is None:
                # Terminated: ``prepare`` finds out and says so.
                instances.append(Subject(resource.id))
                continue
            planned = Quarantine.planned(vpc, plan)
            name = planned.resource(_scope_of(resource.id))
            groups[vpc] = Subject(name, {**planned.state(), "group": True, "until": plan.ends_at})
            instances.append(Subject(resource.id, planned.state(), (name,)))
        return [*groups.values(), *instances]

    async def review(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the rights to make the group, to use it, and to put everything back."""
        ids = [plain_id(resource.id) for resource in resources][:_PROBED]
        calls: list[tuple[str, dict[str, Any]]] = [
            (
                "CreateSecurityGroup",
                {
                    "GroupName": quarantine.PREFIX,
                    "Description": quarantine.PREFIX,
                    "VpcId": vpc,
                    "TagSpecifications": [
                        {
                            "ResourceType": "security-group",
                            "Tags": [{"Key": "faultbridge:", "Value": ""}],
                        }
                    ],
                },
            )
            for vpc in sorted({r.information.get("vpc_id", "") for r in resources} - {""})
        ]
        calls += [
            ("DescribeSecurityGroups", {}),
            ("RevokeSecurityGroupEgress", {"GroupId": _NO_GROUP}),
            ("DeleteSecurityGroup", {"GroupId": _NO_GROUP}),
        ]
        for found in (await interfaces_by_instance(session, ids)).values():
            one = next(iter(Interfaces.described(found).groups), None)
            if one is not None:
                given = {"NetworkInterfaceId": one, "Groups": [_NO_GROUP]}
                calls.append(("ModifyNetworkInterfaceAttribute", given))
        return await dry_run(session, *calls)

    async def prepare(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note the groups of every interface; leave instances that are cut off already."""
        groups, instances = _parted(records)
        made = await quarantine.groups_named(session, [Quarantine.of(one) for one in groups])
        outcomes = {
            record.id: quarantine.fitness(
                made.get(Quarantine.of(record)), quarantine.mark_of(session, record)
            )
            for record in groups
        }
        seen = await look(session, instances)
        alive = [plain_id(record.resource) for record, one in seen if state_of(one) not in ENDED]
        interfaces = await interfaces_by_instance(session, alive)
        noted = {plain: Interfaces.described(interfaces.get(plain, ())) for plain in alive}
        ids = {one for each in noted.values() for had in each.groups.values() for one in had}
        closed = await quarantine.closed_groups(session, sorted(ids))
        for record, instance in seen:
            if instance is None or state_of(instance) in ENDED:
                outcomes[record.id] = GONE
                continue
            had = noted[plain_id(record.resource)]
            outcomes[record.id] = fitness(had, closed)
            if outcomes[record.id].kind is OutcomeKind.DONE:
                record.state.update(had.state())
                note_marks(session, record, instance.get("Tags", ()))
        return outcomes

    async def inject(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Make the groups, then put each interface into its network's one."""
        groups, instances = _parted(records)
        wanted = list(dict.fromkeys(Quarantine.of(record) for record in records))
        made = await quarantine.groups_named(session, wanted)

        async def make(record: Record) -> Outcome:
            planned = Quarantine.of(record)
            group = await quarantine.make(session, record, self.notes(record), made.get(planned))
            made[planned] = group
            await quarantine.close(session, group)
            return DONE

        outcomes = await each_alone(groups, make)
        failed = {
            Quarantine.of(record): outcomes[record.id]
            for record in groups
            if outcomes[record.id] != DONE
        }
        interfaces = await interfaces_by_instance(
            session, [plain_id(record.resource) for record in instances]
        )

        async def isolate(record: Record) -> Outcome:
            planned = Quarantine.of(record)
            if planned in failed:
                return Outcome(failed[planned].kind, f"not cut off: {failed[planned].reason}")
            group = made.get(planned)
            if group is None or not quarantine.is_own(group, quarantine.mark_of(session, record)):
                return rejected(f"the security group {planned.name} was deleted meanwhile")
            await quarantine.close(session, group)
            had = Interfaces.of(record).groups
            here = interfaces.get(plain_id(record.resource), [])
            mine = [one for one in here if one["NetworkInterfaceId"] in had]
            if not mine:
                return Outcome(OutcomeKind.UNKNOWN, "its network interfaces are gone")
            moves = {
                one["NetworkInterfaceId"]: [group["GroupId"]]
                for one in mine
                if not bears(one, planned.name)
            }
            return summed_up(await set_groups(session, moves), some=len(moves) < len(mine))

        return {**outcomes, **await each_alone(instances, isolate)}

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Compare the groups that the interfaces bear with the one that cuts off."""
        groups, instances = _parted(records)
        made = await quarantine.groups_named(session, [Quarantine.of(one) for one in groups])
        answers = {
            record.id: quarantine.seen(
                made.get(Quarantine.of(record)), quarantine.mark_of(session, record)
            )
            for record in groups
        }
        interfaces = await interfaces_by_instance(
            session, [plain_id(record.resource) for record in instances]
        )
        for record, instance in await look(session, instances):
            gone = state_of(instance) in ENDED
            here = interfaces.get(plain_id(record.resource), [])
            answers[record.id] = (
                Observation(Effect.GONE)
                if gone
                else seen_on(here, Interfaces.of(record), Quarantine.of(record).name)
            )
        return answers

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:
        """Give back their groups to interfaces that still bear ours; then delete ours."""
        groups, instances = _parted(records)
        interfaces = await interfaces_by_instance(
            session, [plain_id(record.resource) for record in instances]
        )
        states = {record.id: state_of(one) for record, one in await look(session, instances)}

        async def connect(record: Record) -> Outcome:
            if states[record.id] in ENDED:
                return GONE
            had, name = Interfaces.of(record).groups, Quarantine.of(record).name
            moves = {
                one["NetworkInterfaceId"]: list(had[one["NetworkInterfaceId"]])
                for one in interfaces.get(plain_id(record.resource), [])
                if bears(one, name) and one["NetworkInterfaceId"] in had
            }
            errors = [each for each in await set_groups(session, moves) if each is not None]
            return refused(errors[0]) if errors else DONE

        outcomes = await each_alone(instances, connect)
        made = await quarantine.groups_named(session, [Quarantine.of(one) for one in groups])
        removals = await each_alone(
            groups,
            lambda record: quarantine.remove(session, record, made.get(Quarantine.of(record))),
        )
        return {**outcomes, **removals}

    async def mark(self, session: AwsSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Tag the instances; the group gets its tag when it is created."""
        groups, instances = _parted(records)
        return {**_done(groups), **await super().mark(session, mark, instances)}

    async def unmark(self, session: AwsSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Remove the tag from the instances; the group's went with it."""
        groups, instances = _parted(records)
        return {**_done(groups), **await super().unmark(session, mark, instances)}

    def notes(self, record: Record) -> dict[str, str]:
        """Say which group cuts off, and which groups the interfaces had."""
        planned = Quarantine.of(record)
        if _is_group(record):
            return {"vpc": planned.vpc, "group": planned.name}
        return {"group": planned.name, "had": Interfaces.of(record).word()}

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - EC2's names are enough
        """Read back the group, or the groups that the interfaces had."""
        planned = Quarantine(notes.get("vpc", ""), notes["group"])
        if planned.vpc:
            return Subject(resource, {**planned.state(), "group": True})
        return Subject(resource, {**planned.state(), **Interfaces.read(notes["had"]).state()})


def _scope_of(resource: str) -> Scope:
    arn = Arn.parse(resource)
    if arn is None:
        raise ValueError(resource)
    return Scope(cloud="aws", account=arn.account, region=arn.region)


def _is_group(record: Record) -> bool:
    return bool(record.state.get("group"))


def _parted(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    groups = [record for record in records if _is_group(record)]
    return groups, [record for record in records if not _is_group(record)]


def _done(records: Sequence[Record]) -> dict[str, Outcome]:
    return {record.id: DONE for record in records}
