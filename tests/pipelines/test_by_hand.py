"""How each fault is undone by hand: declared by all of them, and carried out with the real CLI."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from typing import Any, Final

import boto3
import pytest
from awscli.clidriver import create_clidriver  # type: ignore[import-untyped] # it has none
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.aws import AwsEmulator
from providers import registry
from providers.by_hand import ByHand, members_of
from providers.contract import Fault, Undo
from providers.kubernetes.by_hand import by_hand

NAMES: Final = {
    "aws:ec2:instance": "arn:aws:ec2:us-east-1:123456789012:instance/i-1",
    "aws:ec2:ebs-volume": "arn:aws:ec2:us-east-1:123456789012:volume/vol-1",
    "aws:ec2:autoscaling-group": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:"
    "1-2-3:autoScalingGroupName/web",
    "aws:eks:cluster": "arn:aws:eks:us-east-1:123456789012:cluster/sandbox",
    "azure:compute:vm": "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/"
    "virtualMachines/vm",
    "azure:compute:disk": "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/disks/d",
    "azure:compute:scale-set-instance": "/subscriptions/1/resourceGroups/g/providers/"
    "Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/3",
    "gcp:compute:instance": "//compute.googleapis.com/projects/p/zones/z/instances/vm",
    "gcp:compute:disk": "//compute.googleapis.com/projects/p/zones/z/disks/d",
}
"""A full name of each type that a fault takes."""
_TOOLS: Final = {"aws": {"aws"}, "azure": {"az"}, "gcp": {"gcloud"}}
_CAPITALS: Final = re.compile(r"(?<![\w.-])[A-Z]{2,}(?![\w.-])")


def _declared(action_id: str) -> tuple[Fault, ByHand]:
    fault = registry.fault(action_id)
    if fault.provider == "kubernetes":
        return fault, by_hand("chaos-mesh.org", "NetworkChaos", "default")
    return fault, fault.by_hand


@pytest.mark.parametrize("action_id", sorted(registry.FAULTS))
def test_every_fault_says_how_it_is_undone_by_hand(action_id: str) -> None:
    fault, told = _declared(action_id)
    assert told.says
    restoring = bool(fault.undoing)
    assert bool(told.undo) or not restoring, "it can be undone, so somebody can"
    if fault.target is None or fault.target.resource_type not in NAMES:
        assert not told.members
        return
    filled = told.on(NAMES[fault.target.resource_type])
    lines = (*filled.undo, *filled.note)
    assert told.members <= set(members_of(NAMES[fault.target.resource_type]))
    assert not any("{" in line.replace("custom-columns", "") for line in lines)
    if fault.provider != "kubernetes":
        assert {shlex.split(line)[0] for line in lines} <= _TOOLS[fault.provider]
    noted = " ".join(filled.note)
    for word in _CAPITALS.findall(" ".join(filled.undo)):
        assert filled.note or fault.provider == "kubernetes"
        assert word in told.says or word in noted or noted, word


def test_some_faults_cannot_be_undone_and_say_so() -> None:
    for action_id in registry.FAULTS:
        fault, told = _declared(action_id)
        if not fault.Parameters.model_fields and fault.undo(fault.Parameters()) is Undo.NONE:
            words = ("nothing", "gone", "is lost")
            assert any(word in told.says for word in words), action_id


@given(st.text(max_size=60))
def test_a_name_is_a_word_of_a_shell_whatever_it_is(name: str) -> None:
    line = ByHand(undo=("aws x --id {name} --region {region}",)).on(name).undo[0]
    words = shlex.split(line)
    assert len(words) == 6


def test_a_regional_disk_says_its_region() -> None:
    told = ByHand(undo=("gcloud describe {name} {place} --zone {zone}",))
    disk = "//compute.googleapis.com/projects/p/regions/r/disks/d"
    assert told.on(disk).undo == ("gcloud describe d --region r --zone ZONE",)


# --- carried out --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture
def run(aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Run a line of the AWS CLI, in this process."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)

    def ran(line: str) -> str:
        output = io.StringIO()
        with redirect_stdout(output):
            assert create_clidriver().main(shlex.split(line)[1:]) == 0
        return output.getvalue().strip()

    return ran


@pytest.fixture
def ec2(aws: AwsEmulator) -> Iterator[Any]:
    own = aws.environment()
    keys = own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"]
    client = boto3.client("ec2", "us-east-1", endpoint_url=aws.url, aws_access_key_id=keys[0],
                          aws_secret_access_key=keys[1])  # fmt: skip
    with closing(client):
        yield client


@pytest.fixture
def instance(ec2: Any) -> str:
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    found = str(made["Instances"][0]["InstanceId"])
    ec2.get_waiter("instance_running").wait(InstanceIds=[found], WaiterConfig={"Delay": 1})
    return found


def test_what_was_stopped_is_started(run: Callable[[str], str], ec2: Any, instance: str) -> None:
    name = f"arn:aws:ec2:us-east-1:123456789012:instance/{instance}"
    told = registry.fault("aws:ec2:stop-instances").by_hand.on(name)
    assert [run(line) for line in told.note] == ["running"]
    ec2.stop_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})
    for line in told.undo:
        run(line)
    assert run(told.note[0]) in {"pending", "running"}


def test_what_was_detached_is_attached_where_the_notes_say(
    run: Callable[[str], str], ec2: Any, instance: str
) -> None:
    zone = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    volume = ec2.create_volume(AvailabilityZone=zone["Placement"]["AvailabilityZone"], Size=1)
    ec2.get_waiter("volume_available").wait(
        VolumeIds=[volume["VolumeId"]], WaiterConfig={"Delay": 1}
    )
    place = {"VolumeId": volume["VolumeId"], "InstanceId": instance, "Device": "/dev/sdf"}
    ec2.attach_volume(**place)
    ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume["VolumeId"]], WaiterConfig={"Delay": 1})
    name = f"arn:aws:ec2:us-east-1:123456789012:volume/{volume['VolumeId']}"
    told = registry.fault("aws:ebs:detach-volume").by_hand.on(name)
    noted = run(told.note[0]).split()
    assert noted[:2] == [instance, "/dev/sdf"]
    ec2.detach_volume(VolumeId=volume["VolumeId"])
    ec2.get_waiter("volume_available").wait(
        VolumeIds=[volume["VolumeId"]], WaiterConfig={"Delay": 1}
    )
    run(told.undo[0].replace("INSTANCE", noted[0]).replace("DEVICE", noted[1]))
    assert run(told.note[0]).split()[:2] == [instance, "/dev/sdf"]


@pytest.mark.parametrize(
    "action_id", [one for one in registry.FAULTS if one.startswith(("aws:ec2", "aws:auto"))]
)
def test_what_is_noted_can_be_asked(
    run: Callable[[str], str], instance: str, action_id: str
) -> None:
    fault = registry.fault(action_id)
    assert fault.target is not None
    name = NAMES[fault.target.resource_type].replace("i-1", instance)
    for line in fault.by_hand.on(name).note:
        run(line)
