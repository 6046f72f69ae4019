"""Auto Scaling groups: found for a target, read by name, and marked by tags of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.model.template import TemplateTarget
from providers.aws.arns import Arn, partition, require_within
from providers.aws.filters import has_tags, tags_of
from providers.aws.marks import TaggedFault
from providers.aws.session import AwsSession
from providers.aws.simulation import simulate
from providers.batches import chunks
from providers.contract import (
    TARGETS,
    Denial,
    FoundMark,
    Permission,
    Resolution,
    Resolver,
    Resource,
    RightAsked,
    Where,
    optional,
    required,
)
from providers.filters import matches
from providers.marks import PREFIX, found_mark

PAGE: Final = 100
"""Groups, or tags, in one answer (Auto Scaling API reference, MaxRecords)."""

_NAMES: Final = 50
"""Names in one DescribeAutoScalingGroups call, as its reference has it."""

_PROBED: Final = 10
"""Groups about which IAM is asked before a run."""

_RESOURCE: Final = re.compile(
    r"autoScalingGroup:[0-9a-f-]{36}:autoScalingGroupName/(?P<name>.{1,255})", re.DOTALL
)

GROUP_MARK_RIGHTS: Final[tuple[Permission, ...]] = (
    *optional(
        "autoscaling:CreateOrUpdateTags",
        loses="rescue cannot find the group if the database is lost",
        on=(TARGETS,),
    ),
    *optional(
        "autoscaling:DeleteTags",
        loses="rescue cannot find the group if the database is lost",
        on=(TARGETS,),
        undoes=True,
    ),
)


def group_name(resource: str) -> str:
    """Return the name in the ARN of a group; it may contain slashes."""
    arn = Arn.parse(resource)
    match = _RESOURCE.fullmatch(arn.resource) if arn else None
    return match["name"] if match else ""


async def groups_by_arn(session: AwsSession, arns: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the groups that exist, by ARN; one that is being deleted does not count.

    A name can be used again by a new group, whose ARN is another. Raises ProviderError.
    """
    wanted = list(dict.fromkeys(arns))
    found = await groups_by_name(session, map(group_name, wanted))
    return {arn: found[arn] for arn in wanted if arn in found}


async def groups_by_name(session: AwsSession, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the groups that have these names now, by ARN. Raises ProviderError."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(sorted(set(names)), _NAMES):
        found |= await _groups(session, AutoScalingGroupNames=list(chunk), MaxRecords=_NAMES)
    return found


async def simulated(
    session: AwsSession, groups: Mapping[str, Mapping[str, str]], *actions: str
) -> list[Denial]:
    """Ask IAM about actions on groups, given by ARN with their tags: there is no dry run.

    Never raises ProviderError.
    """
    probed = sorted(groups)[:_PROBED]
    return await simulate(
        session,
        [
            RightAsked(action, (arn,), _context(groups[arn]), session.caller.scope.account)
            for arn in probed
            for action in actions
        ],
    )


def _context(tags: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    keys = ("aws:ResourceTag", "autoscaling:ResourceTag")
    return tuple(
        ("StringEquals", f"{key}/{tag}", tags[tag]) for tag in sorted(tags) for key in keys
    )


async def _groups(session: AwsSession, **given: Any) -> dict[str, dict[str, Any]]:
    return {
        group["AutoScalingGroupARN"]: group
        async for page in session.pages("autoscaling", "DescribeAutoScalingGroups", **given)
        for group in page["AutoScalingGroups"]
        if "Status" not in group  # set while it is being deleted, else absent
    }


class ScalingGroupResolver(Resolver):
    """Auto Scaling groups, by ARN or by tags, narrowed by filters."""

    resource_type = "aws:ec2:autoscaling-group"
    provider = "aws"
    description = "An Amazon EC2 Auto Scaling group"
    permissions = required("autoscaling:DescribeAutoScalingGroups")

    def check_id(self, resource_id: str) -> str | None:
        """Return what is wrong with the form of the ARN, or None."""
        arn = Arn.parse(resource_id)
        if arn is None or arn.service != "autoscaling" or not group_name(resource_id):
            return (
                f'"{resource_id[:128]}" is not the ARN of an Auto Scaling group; write "arn:aws:'
                'autoscaling:REGION:ACCOUNT:autoScalingGroup:UUID:autoScalingGroupName/NAME"'
            )
        return None

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:
        """Say which ARNs are meant, or which tags."""
        prefix = f"arn:{partition(scope.region)}:autoscaling:{scope.region}:{scope.account}"
        every = f"{prefix}:autoScalingGroup:*:autoScalingGroupName/*"
        tags = target.resource_tags
        return [Where(scope.account, scope.region, target.resource_arns, every, tags)]

    async def resolve(self, session: AwsSession, target: TemplateTarget) -> Resolution:
        """Find them in the session's account and Region, ordered by ARN. Raises ProviderError."""
        asked = target.resource_arns
        if asked:
            require_within(session.caller.scope, asked)
            found = await groups_by_arn(session, asked)
        else:
            tags = target.resource_tags
            filters = [{"Name": f"tag:{key}", "Values": [tags[key]]} for key in sorted(tags)]
            given = {"Filters": filters} if filters else {}
            found = await _groups(session, MaxRecords=PAGE, **given)
        kept = [
            arn
            for arn, group in sorted(found.items())
            if has_tags(group, target.resource_tags) and matches(group, target.filters)
        ]
        return Resolution(
            [Resource(self.resource_type, arn, {"arn": arn}, tags_of(found[arn])) for arn in kept],
            [arn for arn in asked if arn not in found],
        )


class MarkedGroupFault(TaggedFault):
    """A fault on Auto Scaling groups that writes its undo on them as a tag.

    The tag is the group's alone: the instances that it launches do not get it.
    """

    grant = (
        '{"Effect":"Allow","Action":["autoscaling:CreateOrUpdateTags","autoscaling:DeleteTags"],'
        '"Resource":"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*",'
        f'"Condition":{{"ForAllValues:StringLike":{{"aws:TagKeys":"{PREFIX}*"}}}}}}'
    )

    async def write(
        self, session: AwsSession, key: str, value: str | None, records: Sequence[Record]
    ) -> None:
        """Call CreateOrUpdateTags or DeleteTags."""
        operation = "DeleteTags" if value is None else "CreateOrUpdateTags"
        more = {} if value is None else {"Value": value, "PropagateAtLaunch": False}
        tags = [
            {
                "ResourceId": group_name(record.resource),
                "ResourceType": "auto-scaling-group",
                "Key": key,
                **more,
            }
            for record in records
        ]
        await session.call("autoscaling", operation, Tags=tags)


async def found_group_marks(session: AwsSession) -> list[FoundMark]:
    """Find every mark on groups of the session's account and Region. Raises ProviderError.

    Auto Scaling's filters know no wildcards, so all tags of all groups are read.
    """
    tags = [
        tag
        async for page in session.pages("autoscaling", "DescribeTags", MaxRecords=PAGE)
        for tag in page["Tags"]
        if tag["Key"].startswith(PREFIX)
    ]
    found = await groups_by_name(session, {tag["ResourceId"] for tag in tags})
    arns = {group["AutoScalingGroupName"]: arn for arn, group in found.items()}
    scope = session.caller.scope
    return [
        found_mark(scope, tag["Key"], tag.get("Value", ""), arns[tag["ResourceId"]])
        for tag in tags
        if tag["ResourceId"] in arns
    ]
