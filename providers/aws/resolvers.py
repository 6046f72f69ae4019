"""Find the AWS resources that a target of a template asks for."""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from bridge.model.scope import Scope
from bridge.model.template import TemplateTarget
from providers.aws.arns import Arn, ec2_arn, partition, plain_id, require_within
from providers.aws.batches import LARGEST
from providers.aws.describe import (
    VOLUMES_PAGE,
    instances_by_id,
    instances_of,
    volumes_by_id,
)
from providers.aws.filters import has_tags, server_filters, tag_filters, tags_of
from providers.aws.session import AwsSession
from providers.contract import (
    TARGETS,
    Permission,
    Resolution,
    Resolver,
    Resource,
    TargetParameter,
    Where,
    required,
)
from providers.filters import matches
from providers.kubernetes.kubeconfig import CONTEXT, CONTEXT_PREFIX
from providers.refusals import RefusedError

_STATE: Final = "instance-state-name"
_ALIVE: Final = ["pending", "running", "stopping", "stopped"]


class _Ec2Resolver(Resolver):
    """Resources of EC2, by ids or by tags, then narrowed by filters."""

    provider = "aws"
    kind: ClassVar[str]
    """As in the ARN: ``instance``."""
    prefix: ClassVar[str]
    """Of plain ids: ``i``."""
    server_side: ClassVar[Mapping[str, str]]
    """EC2's own filters, by the path of the same attribute in its answer."""

    def check_id(self, resource_id: str) -> str | None:
        """Return what is wrong with the form of the ARN, or None."""
        arn = Arn.parse(resource_id)
        if (
            arn is None
            or arn.service != "ec2"
            or not re.fullmatch(rf"{self.kind}/{self.prefix}-[0-9a-f]{{8,17}}", arn.resource)
        ):
            return (
                f'"{resource_id[:128]}" is not the ARN of an EC2 {self.kind}; write '
                f'"arn:aws:ec2:REGION:ACCOUNT:{self.kind}/{self.prefix}-0123456789abcdef0"'
            )
        return None

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:
        """Say which ARNs are meant, or which tags."""
        every = ec2_arn(scope, self.kind, "*")
        tags = target.resource_tags
        return [Where(scope.account, scope.region, target.resource_arns, every, tags)]

    async def resolve(self, session: AwsSession, target: TemplateTarget) -> Resolution:
        """Find them in the session's account and Region, ordered by id. Raises ProviderError."""
        scope = session.caller.scope
        if target.resource_arns:
            require_within(scope, target.resource_arns)
            ids = [plain_id(arn) for arn in target.resource_arns]
            found = await self.described(session, ids, whole=bool(target.filters))
        else:
            ids = []
            wanted = [
                *tag_filters(target.resource_tags),
                *server_filters(target.filters, self.server_side),
            ]
            tagged = await self.tagged(session, wanted, whole=bool(target.filters))
            found = {
                plain: one for plain, one in tagged.items() if has_tags(one, target.resource_tags)
            }
        missing = [
            arn for arn, plain in zip(target.resource_arns, ids, strict=True) if plain not in found
        ]
        kept = [
            plain
            for plain, one in found.items()
            if matches(one, target.filters) and self.suits(one, target.parameters)
        ]
        resources = [
            Resource(
                self.resource_type,
                arn,
                {"arn": arn, **self.information(found[plain])},
                tags_of(found[plain]),
            )
            for plain in sorted(kept)
            for arn in [ec2_arn(scope, self.kind, plain)]
        ]
        return Resolution(resources, missing)

    @abstractmethod
    async def described(
        self, session: AwsSession, ids: Sequence[str], *, whole: bool
    ) -> dict[str, dict[str, Any]]:
        """Return those that exist, by plain id; ``whole`` with what filters may ask for."""

    @abstractmethod
    async def tagged(
        self, session: AwsSession, filters: list[dict[str, Any]], *, whole: bool
    ) -> dict[str, dict[str, Any]]:
        """Return those that pass EC2's own filters, by plain id."""

    def suits(self, described: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:  # noqa: ARG002 - volumes have one
        """Whether a resource passes the target's parameters."""
        return True

    def information(self, described: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG002 - instances have some
        """Return what faults need to know of a resource before they read it themselves."""
        return {}


class InstanceResolver(_Ec2Resolver):
    """EC2 instances.

    Found by tags, those that are terminated or shutting down do not count: they keep their
    tags for an hour, and a percentage of dead instances is not what anybody asks for.
    """

    resource_type = "aws:ec2:instance"
    description = "An Amazon EC2 instance"
    kind = "instance"
    prefix = "i"
    permissions = required("ec2:DescribeInstances")
    server_side: ClassVar[Mapping[str, str]] = {
        "ImageId": "image-id",
        "InstanceType": "instance-type",
        "KeyName": "key-name",
        "Placement.AvailabilityZone": "availability-zone",
        "State.Name": _STATE,
        "SubnetId": "subnet-id",
        "VpcId": "vpc-id",
    }

    async def described(
        self, session: AwsSession, ids: Sequence[str], *, whole: bool
    ) -> dict[str, dict[str, Any]]:
        """Return the instances that exist."""
        return await instances_by_id(session, ids, whole=whole)

    async def tagged(
        self, session: AwsSession, filters: list[dict[str, Any]], *, whole: bool
    ) -> dict[str, dict[str, Any]]:
        """Return the live instances that pass EC2's filters."""
        asked = next((one["Values"] for one in filters if one["Name"] == _STATE), _ALIVE)
        alive = [state for state in _ALIVE if state in asked]
        if not alive:
            return {}
        others = [one for one in filters if one["Name"] != _STATE]
        return {
            instance["InstanceId"]: instance
            async for page in session.pages(
                "ec2",
                "DescribeInstances",
                whole=whole,
                Filters=[*others, {"Name": _STATE, "Values": alive}],
                MaxResults=LARGEST,
            )
            for instance in instances_of(page)
        }

    def information(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return the network that the instance is in; a terminated one is in none."""
        return {"vpc_id": described["VpcId"]} if "VpcId" in described else {}


class VolumeResolver(_Ec2Resolver):
    """EBS volumes."""

    resource_type = "aws:ec2:ebs-volume"
    description = "An Amazon EBS volume"
    kind = "volume"
    prefix = "vol"
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "availabilityZoneIdentifier": TargetParameter(
            "Name or id of the Availability Zone that the volumes are in."
        )
    }
    permissions = required("ec2:DescribeVolumes")
    server_side: ClassVar[Mapping[str, str]] = {
        "Attachments.Device": "attachment.device",
        "Attachments.InstanceId": "attachment.instance-id",
        "Attachments.State": "attachment.status",
        "AvailabilityZone": "availability-zone",
        "State": "status",
        "VolumeType": "volume-type",
    }

    async def described(
        self,
        session: AwsSession,
        ids: Sequence[str],
        *,
        whole: bool,  # noqa: ARG002 - volumes are always read whole
    ) -> dict[str, dict[str, Any]]:
        """Return the volumes that exist."""
        return await volumes_by_id(session, ids)

    async def tagged(
        self,
        session: AwsSession,
        filters: list[dict[str, Any]],
        *,
        whole: bool,  # noqa: ARG002 - volumes are always read whole
    ) -> dict[str, dict[str, Any]]:
        """Return the volumes that pass EC2's filters."""
        return {
            volume["VolumeId"]: volume
            async for page in session.pages(
                "ec2", "DescribeVolumes", Filters=filters, MaxResults=VOLUMES_PAGE
            )
            for volume in page["Volumes"]
        }

    def suits(self, described: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
        """Whether the volume is in the Availability Zone, if one is given."""
        zone = parameters.get("availabilityZoneIdentifier")
        return zone is None or zone in (
            described.get("AvailabilityZone"),
            described.get("AvailabilityZoneId"),
        )


class ClusterResolver(Resolver):
    """EKS clusters, by ARN only, as in FIS; or a context of the bridge's kubeconfig, by name.

    The catalogue says which contexts a template may name. AWS is asked nothing about one.
    """

    resource_type = "aws:eks:cluster"
    provider = "aws"
    description = "An Amazon EKS cluster, or `k8s:context/NAME` of the kubeconfig"
    by_tags = False
    by_filters = False
    permissions = required("eks:DescribeCluster", on=(TARGETS,))

    def check_id(self, resource_id: str) -> str | None:
        """Return what is wrong with the form of the ARN or context, or None."""
        if CONTEXT.fullmatch(resource_id):
            return None
        arn = Arn.parse(resource_id)
        if (
            arn is None
            or arn.service != "eks"
            or not re.fullmatch(r"cluster/[0-9A-Za-z][0-9A-Za-z_-]{0,99}", arn.resource)
        ):
            return (
                f'"{resource_id[:128]}" is not the ARN of an EKS cluster; write '
                '"arn:aws:eks:REGION:ACCOUNT:cluster/NAME"'
            )
        return None

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:
        """Say which ARNs are meant."""
        every = f"arn:{partition(scope.region)}:eks:{scope.region}:{scope.account}:cluster/*"
        return [Where(scope.account, scope.region, target.resource_arns, every)]

    def needs(self, target: TemplateTarget) -> Sequence[Permission]:
        """Say what describing takes; a context is looked up by nobody."""
        named = target.resource_arns
        contexts = bool(named) and all(one.startswith(CONTEXT_PREFIX) for one in named)
        return () if contexts else self.permissions

    async def resolve(self, session: AwsSession, target: TemplateTarget) -> Resolution:
        """Describe each cluster, side by side. Raises ProviderError."""
        named = sorted(set(target.resource_arns))
        contexts = [
            # Nobody can tell the tags of one, so a guardrail on tags refuses it.
            Resource(self.resource_type, one, {"arn": one}, None)
            for one in named
            if one.startswith(CONTEXT_PREFIX)
        ]
        arns = [one for one in named if not one.startswith(CONTEXT_PREFIX)]
        require_within(session.caller.scope, arns)
        described = await asyncio.gather(*(_cluster(session, arn) for arn in arns))
        found = {arn: one for arn, one in zip(arns, described, strict=True) if one is not None}
        missing = [arn for arn in arns if arn not in found]
        resources = [
            Resource(self.resource_type, arn, {"arn": arn}, dict(one.get("tags") or {}))
            for arn, one in found.items()
        ]
        return Resolution([*resources, *contexts], missing)


async def _cluster(session: AwsSession, arn: str) -> dict[str, Any] | None:
    try:
        answer = await session.call("eks", "DescribeCluster", name=plain_id(arn))
    except RefusedError as refusal:
        if refusal.code != "ResourceNotFoundException":
            raise
        return None
    cluster: dict[str, Any] = answer["cluster"]
    return cluster
