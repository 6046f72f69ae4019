"""The small account to break."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator, Estate, VirtualClock, build

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def estate(running: AwsEmulator) -> Estate:
    return build(running, cluster_endpoint="https://127.0.0.1:6443", cluster_ca_pem="PEM")


@pytest.fixture
def as_role(connect: Connect, estate: Estate) -> Connect:
    def opened(service: str) -> Any:
        sts = connect("sts")
        answer = sts.assume_role(RoleArn=estate.role_arn, RoleSessionName="EXPabc")
        return connect(service, answer["Credentials"])

    return opened


def test_the_arns_are_those_of_the_walk_through(estate: Estate) -> None:
    assert estate.role_arn == "arn:aws:iam::123456789012:role/my-fis-role"
    assert estate.cluster_arn == "arn:aws:eks:us-east-1:123456789012:cluster/sandbox"
    assert estate.alarm_arn == (
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:carts-latency-high"
    )
    with pytest.raises(FrozenInstanceError):
        estate.role_arn = "other"  # type: ignore[misc]  # must not be possible


def test_the_workers_run_and_are_found_by_their_tag(ec2: Any, estate: Estate) -> None:
    key, value = estate.ready_tag
    filters = [{"Name": f"tag:{key}", "Values": [value]}]
    found = {
        instance["InstanceId"]: instance["State"]["Name"]
        for reservation in ec2.describe_instances(Filters=filters)["Reservations"]
        for instance in reservation["Instances"]
    }
    workers = {v for k, v in estate.instance_ids.items() if k.startswith("carts-worker-")}
    assert len(workers) == 4
    assert found == dict.fromkeys(workers, "running")
    assert estate.instance_ids["orders-db-1"] not in found


def test_the_data_volumes_are_attached(ec2: Any, estate: Estate) -> None:
    ids = list(estate.volume_ids.values())
    volumes = ec2.describe_volumes(VolumeIds=ids)["Volumes"]
    homes = {v["VolumeId"]: v["Attachments"][0] for v in volumes}
    first = homes[estate.volume_ids["carts-data-1"]]
    assert first["InstanceId"] == estate.instance_ids["carts-worker-1"]
    assert {home["State"] for home in homes.values()} == {"attached"}


def test_the_cluster_is_the_one_that_was_given(as_role: Connect) -> None:
    cluster = as_role("eks").describe_cluster(name="sandbox")["cluster"]
    assert cluster["endpoint"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificateAuthority"]["data"]) == b"PEM"
    assert (cluster["status"], cluster["version"]) == ("ACTIVE", "1.32")


def test_the_alarm_is_quiet(connect: Connect, estate: Estate) -> None:
    (alarm,) = connect("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmArn"], alarm["StateValue"]) == (estate.alarm_arn, "OK")


def test_the_role_suffices_for_the_faults_their_undo_and_their_marks(
    as_role: Connect, estate: Estate, clock: VirtualClock
) -> None:
    ec2 = as_role("ec2")
    worker, volume = estate.instance_ids["carts-worker-1"], estate.volume_ids["carts-data-1"]
    mark = {"Key": "faultbridge:here:EXP/stop", "Value": "v1"}
    ec2.create_tags(Resources=[worker, volume], Tags=[mark])
    ec2.stop_instances(InstanceIds=[worker])
    clock.advance(1)
    ec2.detach_volume(VolumeId=volume)
    clock.advance(1)
    ec2.attach_volume(VolumeId=volume, InstanceId=worker, Device="/dev/sdf")
    clock.advance(1)
    keep = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}]
    ec2.modify_instance_attribute(InstanceId=worker, BlockDeviceMappings=keep)
    ec2.start_instances(InstanceIds=[worker])
    clock.advance(1)
    ec2.delete_tags(Resources=[worker, volume], Tags=[{"Key": mark["Key"]}])
    assert ec2.describe_tags(Filters=[{"Name": "key", "Values": ["faultbridge:*"]}])["Tags"] == []
    as_role("cloudwatch").describe_alarms(AlarmNames=["carts-latency-high"])
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)


def test_the_web_servers_run_in_a_group_that_alone_is_tagged(
    connect: Connect, ec2: Any, estate: Estate
) -> None:
    (group,) = connect("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert estate.group_arns == {"web": group["AutoScalingGroupARN"]}
    key, value = estate.ready_tag
    assert [(tag["Key"], tag["Value"]) for tag in group["Tags"]] == [(key, value)]
    filters = [{"Name": "tag:aws:autoscaling:groupName", "Values": ["web"]}]
    found = [
        (instance["State"]["Name"], [tag["Key"] for tag in instance["Tags"]])
        for reservation in ec2.describe_instances(Filters=filters)["Reservations"]
        for instance in reservation["Instances"]
    ]
    assert len(found) == 2
    assert {name for name, _ in found} == {"running"}
    assert all(key not in keys for _, keys in found)


def test_the_role_suffices_for_the_network_and_the_groups(
    as_role: Connect, estate: Estate, clock: VirtualClock
) -> None:
    ec2, scaling = as_role("ec2"), as_role("autoscaling")
    worker = estate.instance_ids["carts-worker-2"]
    (described,) = ec2.describe_instances(InstanceIds=[worker])["Reservations"][0]["Instances"]
    tags = [{"Key": "faultbridge:here:EXP/cut", "Value": "v1"}]
    group = ec2.create_security_group(
        GroupName="fb-test",
        Description="x",
        VpcId=described["VpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    (rules,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=rules["IpPermissionsEgress"])
    filters = [{"Name": "attachment.instance-id", "Values": [worker]}]
    (interface,) = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    before = [one["GroupId"] for one in interface["Groups"]]
    for groups in ([group], before):
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=groups
        )
    ec2.delete_security_group(GroupId=group)
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", **tags[0]}
    scaling.create_or_update_tags(Tags=[{**tag, "PropagateAtLaunch": False}])
    scaling.suspend_processes(AutoScalingGroupName="web")
    scaling.resume_processes(AutoScalingGroupName="web")
    scaling.delete_tags(Tags=[tag])
    (web,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=web["Instances"][0]["InstanceId"], ShouldDecrementDesiredCapacity=False
    )
    clock.advance(1)
    assert len(scaling.describe_auto_scaling_instances()["AutoScalingInstances"]) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        scaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)


def test_the_trust_policy_is_the_walk_throughs(connect: Connect, estate: Estate) -> None:
    role = connect("iam").get_role(RoleName="my-fis-role")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert json.loads(json.dumps(statement)) == {
        "Effect": "Allow",
        "Principal": {"Service": ["fis.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
