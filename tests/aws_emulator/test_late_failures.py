"""Changes that are accepted and fail in the end, and resources that vanish meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator

Launch = Callable[..., list[str]]


def described(ec2: Any, instance: str) -> dict[str, Any]:
    (reservation,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    found: dict[str, Any] = reservation["Instances"][0]
    return found


def state(ec2: Any, instance: str) -> str:
    return str(described(ec2, instance)["State"]["Name"])


def code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_a_stop_that_fails_late_leaves_the_instance_running(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    failing, sound = launch(2)
    emulator.fail_late(service="ec2", operation="StopInstances")
    ec2.stop_instances(InstanceIds=[failing])
    ec2.stop_instances(InstanceIds=[sound])
    assert state(ec2, failing) == "stopping"
    emulator.complete_transitions()
    assert (state(ec2, failing), state(ec2, sound)) == ("running", "stopped")
    assert described(ec2, failing)["StateReason"]["Code"] == "Server.InternalError"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, "Server.InsufficientInstanceCapacity"),
        ({"error": "SpotInstanceTermination"}, "Server.SpotInstanceTermination"),
        ({"error": "Client.InvalidSnapshot.NotFound"}, "Client.InvalidSnapshot.NotFound"),
    ],
)
def test_a_start_that_fails_late_leaves_the_instance_stopped(
    emulator: AwsEmulator, ec2: Any, launch: Launch, given: dict[str, Any], shown: str
) -> None:
    (instance,) = launch()
    ec2.stop_instances(InstanceIds=[instance])
    emulator.complete_transitions()
    emulator.fail_late(service="ec2", operation="StartInstances", **given)
    ec2.start_instances(InstanceIds=[instance])
    assert state(ec2, instance) == "pending"
    emulator.complete_transitions()
    assert state(ec2, instance) == "stopped"
    assert described(ec2, instance)["StateReason"]["Code"] == shown
    ec2.start_instances(InstanceIds=[instance])
    emulator.complete_transitions()
    assert state(ec2, instance) == "running"


def test_a_termination_that_fails_late_leaves_the_instance_as_it_was(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    (instance,) = launch()
    emulator.fail_late(service="ec2", operation="TerminateInstances")
    ec2.terminate_instances(InstanceIds=[instance])
    assert state(ec2, instance) == "shutting-down"
    emulator.complete_transitions()
    assert state(ec2, instance) == "running"


def test_a_volume_that_fails_to_come_or_go_stays_where_it_was(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    (instance,) = launch()
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]

    def attachments() -> list[str]:
        (found,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
        return [found["State"], *(one["State"] for one in found["Attachments"])]

    def attach() -> None:
        ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")

    emulator.fail_late(service="ec2", operation="AttachVolume")
    attach()
    assert attachments() == ["in-use", "attaching"]
    emulator.complete_transitions()
    assert attachments() == ["available"]
    attach()
    emulator.complete_transitions()
    emulator.fail_late(service="ec2", operation="DetachVolume")
    ec2.detach_volume(VolumeId=volume)
    assert attachments() == ["in-use", "detaching"]
    emulator.complete_transitions()
    assert attachments() == ["in-use", "attached"]
    emulator.fail_late(service="ec2", operation="DetachVolume", error="busy")
    ec2.detach_volume(VolumeId=volume)
    emulator.complete_transitions()
    assert attachments() == ["in-use", "busy"]
    ec2.detach_volume(VolumeId=volume)
    emulator.complete_transitions()
    assert attachments() == ["available"]


def test_an_instance_vanishes_with_what_ends_with_it(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    gone, other = launch(2)
    data = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=data, InstanceId=gone, Device="/dev/sdf")
    emulator.complete_transitions()
    ec2.create_tags(Resources=[gone], Tags=[{"Key": "a", "Value": "b"}])
    root = described(ec2, gone)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    emulator.vanish(service="ec2", operation="StopInstances")
    assert code(lambda: ec2.stop_instances(InstanceIds=[gone])) == "InvalidInstanceID.NotFound"
    assert code(lambda: described(ec2, gone)) == "InvalidInstanceID.NotFound"
    assert code(lambda: ec2.describe_volumes(VolumeIds=[root])) == "InvalidVolume.NotFound"
    (kept,) = ec2.describe_volumes(VolumeIds=[data])["Volumes"]
    assert (kept["State"], kept["Attachments"]) == ("available", [])
    filters = [{"Name": "resource-id", "Values": [gone]}]
    assert ec2.describe_tags(Filters=filters)["Tags"] == []
    filters = [{"Name": "attachment.instance-id", "Values": [gone]}]
    assert ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []
    assert state(ec2, other) == "running"
    emulator.complete_transitions()


def test_one_that_vanishes_while_it_stops_does_not_come_back(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    (gone,) = launch()
    ec2.stop_instances(InstanceIds=[gone])
    emulator.vanish(service="ec2", operation="DescribeInstances")
    assert code(lambda: described(ec2, gone)) == "InvalidInstanceID.NotFound"
    emulator.complete_transitions()
    assert code(lambda: described(ec2, gone)) == "InvalidInstanceID.NotFound"


def test_volumes_and_security_groups_vanish(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    (instance,) = launch()
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    emulator.complete_transitions()
    emulator.vanish(service="ec2", operation="DescribeVolumes")
    assert code(lambda: ec2.describe_volumes(VolumeIds=[volume])) == "InvalidVolume.NotFound"
    devices = [one["DeviceName"] for one in described(ec2, instance)["BlockDeviceMappings"]]
    assert "/dev/sdf" not in devices
    group = ec2.create_security_group(GroupName="vanishing", Description="x")["GroupId"]
    (interface,) = described(ec2, instance)["NetworkInterfaces"]
    plain = interface["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=plain, Groups=[group])
    emulator.vanish(service="ec2", operation="DeleteSecurityGroup")
    assert code(lambda: ec2.delete_security_group(GroupId=group)) == "InvalidGroup.NotFound"
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[plain])["NetworkInterfaces"]
    assert interface["Groups"] == []


@pytest.mark.parametrize(
    ("service", "call", "given", "shown", "status"),
    [
        ("ec2", "describe_instances", {}, "RequestLimitExceeded", 503),
        ("autoscaling", "describe_auto_scaling_groups", {}, "Throttling", 400),
        ("cloudwatch", "describe_alarms", {}, "ThrottlingException", 400),
        ("sts", "get_caller_identity", {}, "Throttling", 400),
        ("iam", "list_roles", {}, "Throttling", 400),
        ("eks", "list_clusters", {}, "ThrottlingException", 429),
        ("elbv2", "describe_load_balancers", {}, "Throttling", 400),
        ("resourcegroupstaggingapi", "get_resources", {}, "ThrottledException", 400),
    ],
)
@pytest.mark.parametrize("times", [2, 3])
def test_each_service_throttles_in_its_own_words_and_the_sdk_asks_again(
    *,
    emulator: AwsEmulator,
    monkeypatch: pytest.MonkeyPatch,
    service: Any,
    call: str,
    given: dict[str, Any],
    shown: str,
    status: int,
    times: int,
) -> None:
    monkeypatch.setattr("botocore.retryhandler.random.random", lambda: 0.0)
    monkeypatch.setattr("botocore.retries.standard.random.random", lambda: 0.0)
    own = emulator.environment()
    client = boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name=emulator.region,
        aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}),
    )
    emulator.throttle(times=times)
    try:
        if times < 3:
            assert getattr(client, call)(**given)["ResponseMetadata"]["RetryAttempts"] == 2
        else:
            with pytest.raises(ClientError) as caught:
                getattr(client, call)(**given)
            answer = caught.value.response
            assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (
                shown,
                status,
            )
    finally:
        client.close()
    assert [one.status for one in emulator.calls[:2]] == [status] * 2
