"""DetachVolume: detached, seen, and attached again as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.aws import AwsEmulator
from providers.aws.session import AwsSession
from providers.aws.volumes import DetachVolume
from providers.contract import FenceLostError, Guard, Resource, Timing, Undo
from tests.aws_faults.conftest import Launch, OpenSession
from tests.aws_faults.records import instance_arn, kinds, records_of, volume_arn

FAULT = DetachVolume()
FIVE = FAULT.Parameters.model_validate({"duration": "PT5M"})

Attach = Callable[..., str]


@pytest.fixture
def attached(ec2: Any, aws: AwsEmulator, launch: Launch) -> Attach:
    """Create a volume that is attached to an instance, or to a new one; return its id."""

    def attached(given: str | None, device: str = "/dev/sdf", *, delete: bool = False) -> str:
        instance = given or launch()[0]
        volume = str(ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"])
        ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device=device)
        aws.complete_transitions()
        if delete:
            mapping = {"DeviceName": device, "Ebs": {"DeleteOnTermination": True}}
            ec2.modify_instance_attribute(InstanceId=instance, BlockDeviceMappings=[mapping])
        return volume

    return attached


def attachments(ec2: Any, volume: str) -> list[tuple[str, str, bool]]:
    (found,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    return [
        (one["InstanceId"], one["Device"], one["DeleteOnTermination"])
        for one in found["Attachments"]
    ]


def test_its_parameter_is_a_duration_of_a_second_or_more() -> None:
    assert FAULT.timing(FIVE) == Timing.lasts(timedelta(minutes=5))
    assert FAULT.undo(FIVE) is Undo.RESTORES
    assert FAULT.Parameters.model_json_schema()["properties"]["duration"]["minimum"] == "PT1S"
    with pytest.raises(ValueError, match="Field required"):
        FAULT.Parameters.model_validate({})


@pytest.mark.parametrize("delete", [True, False])
async def test_a_volume_comes_back_as_it_was(
    session: AwsSession, attached: Attach, ec2: Any, aws: AwsEmulator, delete: bool
) -> None:
    volume = attached(None, "/dev/sdk", delete=delete)
    before = attachments(ec2, volume)
    ((instance, device, deleted),) = before
    assert (device, deleted) == ("/dev/sdk", delete)
    records = records_of(FAULT, [volume_arn(volume)])
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, FIVE, records), records) == ["done"]
    assert records[0].touches == (instance_arn(instance),)
    assert kinds(await FAULT.observe(session, records), records) == ["absent"]

    for _ in range(2):
        assert kinds(await FAULT.inject(session, FIVE, records), records) == ["pending"]
    assert kinds(await FAULT.observe(session, records), records) == ["applying"]
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    aws.complete_transitions()
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["done"]
    assert kinds(await FAULT.observe(session, records), records) == ["present"]
    assert attachments(ec2, volume) == []

    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    assert kinds(await FAULT.observe(session, records), records) == ["lifting"]
    aws.complete_transitions()
    # EC2 attaches without DeleteOnTermination: until that is back the fault is not undone.
    seen = kinds(await FAULT.observe(session, records), records)
    assert seen == (["present"] if delete else ["absent"])
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["done"]
    assert kinds(await FAULT.observe(session, records), records) == ["absent"]
    assert attachments(ec2, volume) == before


async def test_two_volumes_of_one_instance_and_one_of_another_at_once(
    session: AwsSession, launch: Launch, attached: Attach, ec2: Any, aws: AwsEmulator
) -> None:
    one, other = launch(2)
    volumes = [
        attached(one, "/dev/sdf", delete=True),
        attached(one, "/dev/sdg"),
        attached(other, "/dev/sdf"),
    ]
    before = [attachments(ec2, volume) for volume in volumes]
    records = records_of(FAULT, [volume_arn(volume) for volume in volumes])
    assert kinds(await FAULT.prepare(session, FIVE, records), records) == ["done"] * 3
    touched = [instance_arn(instance) for instance in (one, one, other)]
    assert [record.touches for record in records] == [(arn,) for arn in touched]
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["pending"] * 3
    aws.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 3
    assert [attachments(ec2, volume) for volume in volumes] == [[], [], []]
    assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 3
    aws.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 3
    assert [attachments(ec2, volume) for volume in volumes] == before


async def test_one_that_fails_late_is_attached_still(
    session: AwsSession, attached: Attach, ec2: Any, aws: AwsEmulator
) -> None:
    records = records_of(FAULT, [volume_arn(attached(None))])
    await FAULT.prepare(session, FIVE, records)
    aws.fail_late(service="ec2", operation="DetachVolume", error="busy")
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["pending"]
    aws.complete_transitions()
    seen = (await FAULT.observe(session, records))[records[0].id]
    assert (seen.effect, "unmount it there" in seen.reason) == ("applying", True)
    aws.fail_late(service="ec2", operation="DetachVolume")
    await FAULT.inject(session, FIVE, records)
    aws.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["absent"]
    await FAULT.inject(session, FIVE, records)
    aws.complete_transitions()
    aws.fail_late(service="ec2", operation="AttachVolume")
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    aws.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"]
    await FAULT.revert(session, records)
    aws.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"]


async def test_what_cannot_be_put_back_is_not_detached(
    session: AwsSession, launch: Launch, attached: Attach, ec2: Any
) -> None:
    instance = launch()[0]
    (described,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    root = next(
        mapping["Ebs"]["VolumeId"]
        for mapping in described["BlockDeviceMappings"]
        if mapping["DeviceName"] == described["RootDeviceName"]
    )
    free = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    leaving = attached(instance)
    ec2.detach_volume(VolumeId=leaving)
    records = records_of(
        FAULT, [volume_arn(one) for one in (root, free, leaving, "vol-0123456789abcdef0")]
    )
    outcomes = await FAULT.prepare(session, FIVE, records)
    assert kinds(outcomes, records) == ["rejected", "left", "rejected", "gone"]
    assert f"root volume of {instance}" in outcomes[records[0].id].reason
    assert "it is detaching" in outcomes[records[2].id].reason


async def test_one_that_fails_does_not_hold_up_the_others(
    session: AwsSession, launch: Launch, attached: Attach, ec2: Any, aws: AwsEmulator
) -> None:
    doomed, other = launch(2)
    volumes = [attached(doomed), attached(other, "/dev/sdf"), attached(other, "/dev/sdg")]
    records = records_of(FAULT, [volume_arn(one) for one in volumes])
    await FAULT.prepare(session, FIVE, records)
    aws.fail(service="ec2", operation="DetachVolume", error="InternalError", status=500, times=2)
    outcomes = await FAULT.inject(session, FIVE, records)
    assert "unknown" in kinds(outcomes, records) or kinds(outcomes, records) == ["pending"] * 3
    aws.complete_transitions()
    await FAULT.inject(session, FIVE, records)
    aws.complete_transitions()

    ec2.terminate_instances(InstanceIds=[doomed])
    ec2.delete_volume(VolumeId=volumes[1])
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["gone", "gone", "pending"]
    assert f"its instance {doomed} is terminated" in outcomes[records[0].id].reason
    assert kinds(await FAULT.observe(session, records), records) == ["present", "gone", "lifting"]


async def test_a_volume_that_went_elsewhere_is_not_torn_away(
    session: AwsSession, launch: Launch, attached: Attach, ec2: Any, aws: AwsEmulator
) -> None:
    home, elsewhere = launch(2)
    records = records_of(FAULT, [volume_arn(attached(home))])
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    aws.complete_transitions()
    volume = records[0].resource.rpartition("/")[2]
    ec2.attach_volume(VolumeId=volume, InstanceId=elsewhere, Device="/dev/sdf")
    aws.complete_transitions()
    seen = (await FAULT.observe(session, records))[records[0].id]
    assert (seen.effect, seen.reason) == ("present", f"it is attached to {elsewhere}")
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["rejected"]
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert f"it goes back to {home} as /dev/sdf" in outcomes[records[0].id].reason
    assert attachments(ec2, volume) == [(elsewhere, "/dev/sdf", False)]


async def test_after_the_lease_nothing_is_sent(
    open_session: OpenSession, launch: Launch, attached: Attach, calls: Callable[..., list[str]]
) -> None:
    guard = Guard(Guard.clock() + 60)
    session = await open_session(guard)
    records = records_of(FAULT, [volume_arn(attached(launch()[0]))])
    await FAULT.prepare(session, FIVE, records)
    guard.deadline = Guard.clock() - 1
    calls()
    with pytest.raises(FenceLostError):
        await FAULT.inject(session, FIVE, records)
    assert calls() == []


async def test_the_right_to_attach_is_asked_for_before_anything_is_detached(
    session: AwsSession, launch: Launch, attached: Attach, ec2: Any, allow: Callable[..., None]
) -> None:
    instance = launch()[0]
    volume = attached(instance, delete=True)
    resources = [Resource("aws:ec2:ebs-volume", volume_arn(volume))]
    assert await FAULT.review(session, FIVE, resources) == []
    allow("ec2:Describe*", "ec2:DetachVolume")
    denials = await FAULT.review(session, FIVE, resources)
    assert ["ec2:AttachVolume" in denials[0].mend, "ModifyInstance" in denials[1].mend] == [
        True
    ] * 2
    assert len(attachments(ec2, volume)) == 1
