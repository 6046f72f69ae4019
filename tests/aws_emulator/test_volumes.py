"""EBS attachments, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator, VirtualClock

Launch = Callable[..., list[str]]
MISSING = "vol-0123456789abcdef0"


@pytest.fixture
def instance(launch: Launch) -> str:
    return launch()[0]


@pytest.fixture
def volume(ec2: Any, emulator: AwsEmulator) -> str:
    return str(ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"])


@pytest.fixture
def attached(ec2: Any, emulator: AwsEmulator, instance: str, volume: str) -> str:
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    emulator.complete_transitions()
    return volume


def described(ec2: Any, volume: str) -> Any:
    (found,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    return found


def block_of(ec2: Any, instance: str, device: str) -> Any:
    (reservation,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    blocks = reservation["Instances"][0]["BlockDeviceMappings"]
    return next((block["Ebs"] for block in blocks if block["DeviceName"] == device), None)


def stop(ec2: Any, clock: VirtualClock, instance: str) -> None:
    ec2.stop_instances(InstanceIds=[instance])
    clock.advance(1)


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_attaching_takes_time_and_outlives_the_instance_by_default(
    ec2: Any, clock: VirtualClock, instance: str, volume: str
) -> None:
    answer = ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    assert answer["State"] == "attaching"
    found = described(ec2, volume)
    assert found["State"] == "in-use"
    assert found["Attachments"][0]["State"] == "attaching"
    assert block_of(ec2, instance, "/dev/sdf")["Status"] == "attaching"
    clock.advance(1)
    (attachment,) = described(ec2, volume)["Attachments"]
    assert attachment["State"] == "attached"
    assert attachment["DeleteOnTermination"] is False
    assert block_of(ec2, instance, "/dev/sdf")["Status"] == "attached"


def test_detaching_takes_time_and_needs_no_instance(
    ec2: Any, clock: VirtualClock, instance: str, attached: str
) -> None:
    answer = ec2.detach_volume(VolumeId=attached)
    assert (answer["State"], answer["InstanceId"], answer["Device"]) == (
        "detaching",
        instance,
        "/dev/sdf",
    )
    found = described(ec2, attached)
    assert found["State"] == "in-use"
    assert found["Attachments"][0]["State"] == "detaching"
    assert block_of(ec2, instance, "/dev/sdf")["Status"] == "detaching"
    clock.advance(1)
    found = described(ec2, attached)
    assert found["State"] == "available"
    assert found["Attachments"] == []
    assert block_of(ec2, instance, "/dev/sdf") is None


def test_an_available_volume_cannot_be_detached(ec2: Any, volume: str) -> None:
    assert refusal(lambda: ec2.detach_volume(VolumeId=volume)) == (
        "IncorrectState",
        f"Volume '{volume}' is in the 'available' state.",
    )


def test_a_volume_being_detached_cannot_be_detached_again(ec2: Any, attached: str) -> None:
    ec2.detach_volume(VolumeId=attached)
    code, message = refusal(lambda: ec2.detach_volume(VolumeId=attached))
    assert code == "IncorrectState"
    assert "detaching" in message


def test_a_volume_cannot_be_detached_from_where_it_is_not(
    ec2: Any, attached: str, launch: Launch
) -> None:
    (other,) = launch()
    code, _ = refusal(lambda: ec2.detach_volume(VolumeId=attached, InstanceId=other))
    assert code == "InvalidAttachment.NotFound"
    code, _ = refusal(lambda: ec2.detach_volume(VolumeId=attached, Device="/dev/sdx"))
    assert code == "InvalidAttachment.NotFound"
    assert described(ec2, attached)["Attachments"][0]["State"] == "attached"


def test_the_root_volume_of_a_running_instance_cannot_be_detached(
    ec2: Any, clock: VirtualClock, instance: str
) -> None:
    root = block_of(ec2, instance, "/dev/sda1")["VolumeId"]
    assert refusal(lambda: ec2.detach_volume(VolumeId=root, Force=True)) == (
        "OperationNotPermitted",
        f"Unable to detach root volume '{root}' from instance '{instance}'",
    )
    stop(ec2, clock, instance)
    assert ec2.detach_volume(VolumeId=root)["State"] == "detaching"


def test_an_instance_without_its_root_volume_cannot_be_started(
    ec2: Any, clock: VirtualClock, instance: str
) -> None:
    root = block_of(ec2, instance, "/dev/sda1")["VolumeId"]
    stop(ec2, clock, instance)
    ec2.detach_volume(VolumeId=root)
    clock.advance(1)
    code, message = refusal(lambda: ec2.start_instances(InstanceIds=[instance]))
    assert code == "InvalidParameterValue"
    assert message == (
        f"Invalid value '{instance}' for instanceId. "
        "Instance does not have a volume attached at root (/dev/sda1)"
    )
    ec2.attach_volume(VolumeId=root, InstanceId=instance, Device="/dev/sda1")
    clock.advance(1)
    (change,) = ec2.start_instances(InstanceIds=[instance])["StartingInstances"]
    assert change["CurrentState"]["Name"] == "pending"


def test_a_device_in_use_takes_no_second_volume(ec2: Any, instance: str, attached: str) -> None:
    other = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    assert refusal(
        lambda: ec2.attach_volume(VolumeId=other, InstanceId=instance, Device="/dev/sdf")
    ) == (
        "InvalidParameterValue",
        "Invalid value '/dev/sdf' for unixDevice. Attachment point /dev/sdf is already in use",
    )
    assert described(ec2, other)["State"] == "available"


def test_an_attached_volume_cannot_be_attached_again(
    ec2: Any, instance: str, attached: str
) -> None:
    code, _ = refusal(
        lambda: ec2.attach_volume(VolumeId=attached, InstanceId=instance, Device="/dev/sdg")
    )
    assert code == "VolumeInUse"


def test_a_volume_of_another_zone_cannot_be_attached(ec2: Any, instance: str) -> None:
    other = ec2.create_volume(AvailabilityZone="us-east-1b", Size=1)["VolumeId"]
    code, _ = refusal(
        lambda: ec2.attach_volume(VolumeId=other, InstanceId=instance, Device="/dev/sdg")
    )
    assert code == "InvalidVolume.ZoneMismatch"


def test_a_volume_is_attached_to_a_running_or_stopped_instance_only(
    ec2: Any, clock: VirtualClock, instance: str, volume: str
) -> None:
    ec2.stop_instances(InstanceIds=[instance])
    request = {"VolumeId": volume, "InstanceId": instance, "Device": "/dev/sdf"}
    assert refusal(lambda: ec2.attach_volume(**request)) == (
        "IncorrectState",
        f"Instance '{instance}' is not 'running'.",
    )
    clock.advance(1)
    assert ec2.attach_volume(**request)["State"] == "attaching"


def test_an_unknown_or_malformed_volume_is_refused_by_name(ec2: Any, volume: str) -> None:
    not_found = ("InvalidVolume.NotFound", f"The volume '{MISSING}' does not exist.")
    assert refusal(lambda: ec2.detach_volume(VolumeId=MISSING)) == not_found
    assert refusal(lambda: ec2.describe_volumes(VolumeIds=[volume, MISSING])) == not_found
    code, _ = refusal(lambda: ec2.detach_volume(VolumeId="vol-nonsense"))
    assert code == "InvalidParameterValue"


def test_delete_on_termination_is_false_again_after_a_new_attachment(
    ec2: Any, clock: VirtualClock, instance: str, attached: str
) -> None:
    wanted = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}]
    ec2.modify_instance_attribute(InstanceId=instance, BlockDeviceMappings=wanted)
    assert block_of(ec2, instance, "/dev/sdf")["DeleteOnTermination"] is True
    assert described(ec2, attached)["Attachments"][0]["DeleteOnTermination"] is True
    ec2.detach_volume(VolumeId=attached)
    clock.advance(1)
    ec2.attach_volume(VolumeId=attached, InstanceId=instance, Device="/dev/sdf")
    clock.advance(1)
    assert block_of(ec2, instance, "/dev/sdf")["DeleteOnTermination"] is False
    answer = ec2.describe_instance_attribute(InstanceId=instance, Attribute="blockDeviceMapping")
    flags = {
        b["DeviceName"]: b["Ebs"]["DeleteOnTermination"] for b in answer["BlockDeviceMappings"]
    }
    assert flags == {"/dev/sda1": True, "/dev/sdf": False}


def test_an_attribute_of_a_device_that_is_not_there_is_refused(ec2: Any, instance: str) -> None:
    wanted = [{"DeviceName": "/dev/sdx", "Ebs": {"DeleteOnTermination": True}}]
    assert refusal(
        lambda: ec2.modify_instance_attribute(InstanceId=instance, BlockDeviceMappings=wanted)
    ) == ("InvalidInstanceAttributeValue", "No device is currently mapped at /dev/sdx")


def test_termination_deletes_the_root_and_keeps_the_attached_volume(
    ec2: Any, clock: VirtualClock, instance: str, attached: str
) -> None:
    root = block_of(ec2, instance, "/dev/sda1")["VolumeId"]
    ec2.terminate_instances(InstanceIds=[instance])
    assert described(ec2, attached)["State"] == "in-use"
    clock.advance(1)
    assert described(ec2, attached)["State"] == "available"
    code, _ = refusal(lambda: ec2.describe_volumes(VolumeIds=[root]))
    assert code == "InvalidVolume.NotFound"


def test_termination_while_detaching_leaves_the_volume_available(
    ec2: Any, clock: VirtualClock, instance: str, attached: str
) -> None:
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.detach_volume(VolumeId=attached)
    clock.advance(1)
    assert described(ec2, attached)["State"] == "available"


def test_a_launch_with_extra_devices_still_has_a_root_volume(ec2: Any, launch: Launch) -> None:
    extra = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}]
    (instance,) = launch(BlockDeviceMappings=extra)
    assert block_of(ec2, instance, "/dev/sda1")["DeleteOnTermination"] is True


def test_a_dry_run_of_a_detach_changes_nothing(ec2: Any, attached: str) -> None:
    code, _ = refusal(lambda: ec2.detach_volume(VolumeId=attached, DryRun=True))
    assert code == "DryRunOperation"
    assert described(ec2, attached)["Attachments"][0]["State"] == "attached"
