"""Targets: by ids, by tags, narrowed by filters and parameters; what is missing is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.model.template import Filter, TemplateTarget
from bridge.sandbox.aws import AwsEmulator
from providers.aws import resolvers
from providers.aws.resolvers import ClusterResolver, InstanceResolver, VolumeResolver
from providers.aws.session import AwsSession
from providers.contract import AccessDeniedError, ProviderError, Resolution, Resolver
from tests.aws_faults.conftest import Launch
from tests.aws_faults.records import instance_arn, volume_arn

INSTANCES, VOLUMES, CLUSTERS = InstanceResolver(), VolumeResolver(), ClusterResolver()
ABSENT = "i-0123456789abcdef0"


def target(resolver: Resolver, **given: Any) -> TemplateTarget:
    return TemplateTarget(resource_type=resolver.resource_type, **given)


def where(**paths: str) -> tuple[Filter, ...]:
    return tuple(
        Filter(path=path.replace("_", "."), values=tuple(values.split("|")))
        for path, values in paths.items()
    )


Asked = Callable[[], dict[str, list[str]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Answer the filters of the last call that was sent since one looked last."""
    sent: list[dict[str, list[str]]] = []
    send = AwsSession.call

    async def call(self: AwsSession, service: str, operation: str, **given: Any) -> Any:
        sent.append({one["Name"]: one["Values"] for one in given.get("Filters", ())})
        return await send(self, service, operation, **given)

    monkeypatch.setattr(AwsSession, "call", call)

    def last() -> dict[str, list[str]]:
        found = sent[-1] if sent else {}
        sent.clear()
        return found

    return last


def attach(ec2: Any, instance: str, device: str) -> str:
    volume = str(ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"])
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device=device)
    return volume


def ids(resolution: Resolution) -> list[str]:
    return [resource.id.rpartition("/")[2] for resource in resolution.found]


async def test_instances_by_id_with_the_missing_one_by_one(
    session: AwsSession, launch: Launch, calls: Callable[..., list[str]]
) -> None:
    here = sorted(launch(3))
    arns = tuple(instance_arn(one) for one in (*reversed(here), ABSENT, "i-0fedcba9876543210"))
    calls()
    found = await INSTANCES.resolve(session, target(INSTANCES, resource_arns=arns))
    assert ids(found) == here
    assert found.found[0].information.keys() == {"arn", "vpc_id"}
    assert list(found.missing) == list(arns[3:])
    assert calls("DescribeInstances") == ["DescribeInstances"] * 2


async def test_all_missing_is_no_error(session: AwsSession) -> None:
    found = await INSTANCES.resolve(
        session, target(INSTANCES, resource_arns=(instance_arn(ABSENT),))
    )
    assert (list(found.found), list(found.missing)) == ([], [instance_arn(ABSENT)])


async def test_tags_are_joined_by_and_and_taken_literally(
    session: AwsSession, launch: Launch
) -> None:
    both = launch(2, {"chaos": "ready", "env": "test"})
    launch(1, {"chaos": "ready"})
    launch(1, {"chaos": "ready", "env": "tes"})
    launch(1, {"chaos": "*", "env": ""})
    found = await INSTANCES.resolve(
        session, target(INSTANCES, resource_tags={"chaos": "ready", "env": "test"})
    )
    assert ids(found) == sorted(both)
    for wild in ("*", "rea?y", "re*"):
        found = await INSTANCES.resolve(
            session, target(INSTANCES, resource_tags={"chaos": wild, "env": "test"})
        )
        assert ids(found) == []


async def test_the_dead_do_not_count(session: AwsSession, launch: Launch, ec2: Any) -> None:
    alive, dead = launch(2, {"chaos": "ready"})
    ec2.terminate_instances(InstanceIds=[dead])
    found = await INSTANCES.resolve(session, target(INSTANCES, resource_tags={"chaos": "ready"}))
    assert ids(found) == [alive]


async def test_filters_follow_paths_of_the_answer(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    first, second = sorted(launch(2, {"chaos": "ready"}))
    ec2.stop_instances(InstanceIds=[second])
    aws.complete_transitions()

    async def found(**paths: str) -> list[str]:
        wanted = target(INSTANCES, resource_tags={"chaos": "ready"}, filters=where(**paths))
        return ids(await INSTANCES.resolve(session, wanted))

    (described,) = ec2.describe_instances(InstanceIds=[first])["Reservations"][0]["Instances"]
    assert await found(State_Name="running") == [first]
    assert await found(State_Name="running|stopped") == [first, second]
    assert await found(State_Name="stopped", Placement_AvailabilityZone="us-east-1a") == [second]
    assert await found(State_Name="running", VpcId="vpc-0") == []
    assert await found(VpcId=described["VpcId"]) == [first, second]
    assert await found(BlockDeviceMappings_Ebs_Status="in-use|attached") == [first, second]
    assert await found(EbsOptimized="false") == [first, second]
    assert await found(State_Code="80") == [second]
    assert await found(state_name="running") == []
    assert await found(Placement="us-east-1a") == []


async def test_a_whole_zone_is_a_filter_that_ec2_itself_applies(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator, asked: Asked
) -> None:
    here = sorted(launch(3))
    there = sorted(launch(2, Placement={"AvailabilityZone": "us-east-1b"}))
    ec2.stop_instances(InstanceIds=here[:1])
    aws.complete_transitions()

    async def found(*filters: Filter) -> list[str]:
        return ids(await INSTANCES.resolve(session, target(INSTANCES, filters=filters)))

    zone = Filter(path="Placement.AvailabilityZone", values=("us-east-1b",))
    other = Filter(path="Placement.AvailabilityZone", values=("us-east-1a",))
    assert await found(zone) == there
    assert asked()["availability-zone"] == ["us-east-1b"]
    # The same path twice is joined by AND; EC2 takes the name once, the rest is checked here.
    assert await found(zone, other) == []
    assert asked()["availability-zone"] == ["us-east-1b"]
    running = Filter(path="State.Name", values=("running", "terminated"))
    assert await found(other, running) == here[1:]
    assert asked()["instance-state-name"] == ["running"]
    assert await found(Filter(path="State.Name", values=("terminated",))) == []
    assert asked() == {}
    assert await found(Filter(path="Placement.AvailabilityZone", values=("us-east-1*",))) == []
    assert asked()["availability-zone"] == [r"us-east-1\*"]


async def test_the_volumes_of_an_instance_are_a_filter(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator, asked: Asked
) -> None:
    one, other = launch(2)
    volumes = {
        (instance, device): attach(ec2, instance, device)
        for instance in (one, other)
        for device in ("/dev/sdf", "/dev/sdg")
    }
    aws.complete_transitions()
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)

    async def found(**paths: str) -> list[str]:
        wanted = target(VOLUMES, filters=where(**paths))
        return ids(await VOLUMES.resolve(session, wanted))

    data = {"Attachments_Device": "/dev/sdf|/dev/sdg"}
    mine = sorted(volumes[one, device] for device in ("/dev/sdf", "/dev/sdg"))
    assert await found(Attachments_InstanceId=one, **data) == mine
    assert asked() == {
        "attachment.device": ["/dev/sdf", "/dev/sdg"],
        "attachment.instance-id": [one],
    }
    assert await found(Attachments_InstanceId=f"{one}|{other}", **data) == sorted(volumes.values())
    root = await found(Attachments_InstanceId=one)
    assert len(root) == 3
    assert set(mine) < set(root)


async def test_pages_are_followed(
    session: AwsSession,
    launch: Launch,
    monkeypatch: pytest.MonkeyPatch,
    calls: Callable[..., list[str]],
) -> None:
    # The emulator counts reservations; each launch is one.
    expected = sorted(launch(1, {"chaos": "ready"})[0] for _ in range(7))
    monkeypatch.setattr(resolvers, "LARGEST", 5)
    calls()
    found = await INSTANCES.resolve(session, target(INSTANCES, resource_tags={"chaos": "ready"}))
    assert ids(found) == expected
    assert calls("DescribeInstances") == ["DescribeInstances"] * 2


async def test_volumes_by_id_tags_and_zone(session: AwsSession, ec2: Any) -> None:
    def create(zone: str, **tags: str) -> str:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        given = [{"ResourceType": "volume", "Tags": pairs}] if pairs else []
        made = ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=given)
        return str(made["VolumeId"])

    here, there = create("us-east-1a", chaos="ready"), create("us-east-1b", chaos="ready")
    create("us-east-1a")
    tagged = {"resource_tags": {"chaos": "ready"}}
    assert ids(await VOLUMES.resolve(session, target(VOLUMES, **tagged))) == sorted([here, there])
    zoned = {**tagged, "parameters": {"availabilityZoneIdentifier": "us-east-1b"}}
    assert ids(await VOLUMES.resolve(session, target(VOLUMES, **zoned))) == [there]
    filtered = {**tagged, "filters": where(AvailabilityZone="us-east-1a", State="available")}
    assert ids(await VOLUMES.resolve(session, target(VOLUMES, **filtered))) == [here]
    arns = tuple(volume_arn(one) for one in (here, "vol-0123456789abcdef0"))
    found = await VOLUMES.resolve(session, target(VOLUMES, resource_arns=arns))
    assert (ids(found), list(found.missing)) == ([here], [arns[1]])


async def test_clusters_by_arn(session: AwsSession, client: Callable[[str], Any]) -> None:
    made = client("eks").create_cluster(
        name="shop",
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": ["subnet-1"]},
    )
    arn = made["cluster"]["arn"]
    absent = arn.replace("cluster/shop", "cluster/other")
    found = await CLUSTERS.resolve(session, target(CLUSTERS, resource_arns=(arn, absent)))
    assert [resource.id for resource in found.found] == [arn]
    assert list(found.missing) == [absent]
    assert (CLUSTERS.by_tags, CLUSTERS.by_filters) == (False, False)


async def test_other_regions_and_accounts_are_refused_by_name(session: AwsSession) -> None:
    abroad = instance_arn(ABSENT).replace("us-east-1", "eu-west-1")
    with pytest.raises(ProviderError, match=r"eu-west-1.* is not in account 123456789012"):
        await INSTANCES.resolve(session, target(INSTANCES, resource_arns=(abroad,)))


async def test_without_the_right_the_action_is_named(
    session: AwsSession, allow: Callable[..., None]
) -> None:
    allow("ec2:StopInstances")
    with pytest.raises(AccessDeniedError, match="may not ec2:DescribeInstances"):
        await INSTANCES.resolve(session, target(INSTANCES, resource_tags={"chaos": "ready"}))


@pytest.mark.parametrize(
    ("resolver", "right", "wrong"),
    [
        (INSTANCES, instance_arn(ABSENT), "i-0123456789abcdef0"),
        (INSTANCES, instance_arn("i-01234567"), instance_arn("i-xyz")),
        (INSTANCES, instance_arn(ABSENT), volume_arn("vol-0123456789abcdef0")),
        (VOLUMES, volume_arn("vol-0123456789abcdef0"), instance_arn(ABSENT)),
        (CLUSTERS, "arn:aws:eks:us-east-1:123456789012:cluster/shop", "shop"),
        (CLUSTERS, "arn:aws-cn:eks:cn-north-1:123456789012:cluster/a_b", "arn:aws:eks:cluster"),
    ],
)
def test_the_form_of_names_is_checked(resolver: Resolver, right: str, wrong: str) -> None:
    assert resolver.check_id(right) is None
    assert "write " in (resolver.check_id(wrong) or "")
