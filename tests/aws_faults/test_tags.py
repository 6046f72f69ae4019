"""Resources come with their tags, for the guardrails; so does what is touched on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.model.template import Filter, TemplateTarget
from providers.aws.resolvers import ClusterResolver, InstanceResolver, VolumeResolver
from providers.aws.scaling_groups import ScalingGroupResolver
from providers.aws.session import AwsSession
from providers.aws.volumes import DetachVolume
from providers.contract import Resource
from tests.aws_faults.conftest import Launch
from tests.aws_faults.records import instance_arn, volume_arn

TAGS = {"env": "prod", "empty": ""}


async def test_instances(session: AwsSession, launch: Launch) -> None:
    (instance,) = launch(1, TAGS)
    (bare,) = launch(1)
    running = (Filter(path="State.Name", values=("running",)),)
    for given in (
        {"resource_arns": (instance_arn(instance),)},
        {"resource_tags": {"env": "prod"}},
        {"resource_tags": {"env": "prod"}, "filters": running},
    ):
        target = TemplateTarget.model_validate({"resource_type": "aws:ec2:instance", **given})
        (found,) = (await InstanceResolver().resolve(session, target)).found
        assert found.tags == TAGS
        assert "tags" not in found.information
    target = TemplateTarget(resource_type="aws:ec2:instance", resource_arns=(instance_arn(bare),))
    (found,) = (await InstanceResolver().resolve(session, target)).found
    assert found.tags == {}


async def test_volumes_and_the_instances_that_lose_them(
    session: AwsSession, ec2: Any, launch: Launch
) -> None:
    (host,) = launch(1, TAGS)
    tags = [{"Key": "disk", "Value": "data"}]
    made = ec2.create_volume(
        AvailabilityZone="us-east-1a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )
    volume = str(made["VolumeId"])
    ec2.attach_volume(VolumeId=volume, InstanceId=host, Device="/dev/sdh")
    target = TemplateTarget(resource_type="aws:ec2:ebs-volume", resource_arns=(volume_arn(volume),))
    (found,) = (await VolumeResolver().resolve(session, target)).found
    assert found.tags == {"disk": "data"}
    fault = DetachVolume()
    parameters = fault.Parameters.model_validate({"duration": "PT5M"})
    (group,) = await fault.reached(session, parameters, [found])
    assert not group.inside
    assert group.found == [Resource("aws:ec2:instance", instance_arn(host), {}, TAGS)]


async def test_groups(session: AwsSession, scaling_group: Callable[..., str]) -> None:
    arn = scaling_group("web", 1, env="prod")
    target = TemplateTarget(resource_type="aws:ec2:autoscaling-group", resource_arns=(arn,))
    (found,) = (await ScalingGroupResolver().resolve(session, target)).found
    assert found.tags == {"env": "prod"}


async def test_clusters(session: AwsSession, client: Callable[[str], Any]) -> None:
    made = client("eks").create_cluster(
        name="tagged",
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": ["subnet-1"]},
        tags={"env": "prod"},
    )
    target = TemplateTarget(
        resource_type="aws:eks:cluster", resource_arns=(made["cluster"]["arn"],)
    )
    (found,) = (await ClusterResolver().resolve(session, target)).found
    assert found.tags == {"env": "prod"}
