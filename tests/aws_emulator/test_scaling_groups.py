"""Auto Scaling: groups that heal in time, and refuse what is not theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator

Launch = Callable[..., list[str]]


@pytest.fixture
def scaling(connect: Callable[..., Any]) -> Any:
    return connect("autoscaling")


@pytest.fixture
def web(ec2: Any, scaling: Any, emulator: AwsEmulator) -> Any:
    """A group of two, created for this test and deleted after it."""
    launch = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=launch)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateName": "web"},
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=2,
        AvailabilityZones=["us-east-1b"],
    )
    yield "web"
    if groups(scaling):
        scaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    ec2.delete_launch_template(LaunchTemplateName="web")


def groups(scaling: Any) -> list[dict[str, Any]]:
    found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])
    return list(found["AutoScalingGroups"])


def members(scaling: Any) -> dict[str, str]:
    return {one["InstanceId"]: one["LifecycleState"] for one in groups(scaling)[0]["Instances"]}


def states(ec2: Any, ids: list[str]) -> list[str]:
    found = {
        one["InstanceId"]: one["State"]["Name"]
        for reservation in ec2.describe_instances(InstanceIds=ids)["Reservations"]
        for one in reservation["Instances"]
    }
    return [found[one] for one in ids]


def terminate(scaling: Any, instance: str, *, shrink: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=instance, ShouldDecrementDesiredCapacity=shrink
    )["Activity"]
    return answer


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_a_group_launches_comes_up_in_time(
    ec2: Any, scaling: Any, web: str, emulator: AwsEmulator
) -> None:
    ids = list(members(scaling))
    assert states(ec2, ids) == ["pending"] * 2
    emulator.complete_transitions()
    assert states(ec2, ids) == ["running"] * 2


def test_a_terminated_instance_is_replaced(
    ec2: Any, scaling: Any, web: str, emulator: AwsEmulator
) -> None:
    emulator.complete_transitions()
    gone, kept = members(scaling)
    activity = terminate(scaling, gone)
    assert (activity["AutoScalingGroupName"], activity["StatusCode"]) == ("web", "InProgress")
    terminate(scaling, gone)
    now = members(scaling)
    assert now[gone] == "Terminating"
    (new,) = now.keys() - {gone, kept}
    assert states(ec2, [gone, kept, new]) == ["shutting-down", "running", "pending"]
    emulator.complete_transitions()
    assert states(ec2, [gone, new]) == ["terminated", "running"]
    assert members(scaling) == {kept: "InService", new: "InService"}
    assert groups(scaling)[0]["DesiredCapacity"] == 2


def test_a_group_can_shrink_but_not_below_its_least_size(
    scaling: Any, web: str, emulator: AwsEmulator
) -> None:
    emulator.complete_transitions()
    one, other = members(scaling)
    terminate(scaling, one, shrink=True)
    emulator.complete_transitions()
    assert list(members(scaling)) == [other]
    code, message = refusal(lambda: terminate(scaling, other, shrink=True))
    assert (code, "minSize" in message) == ("ValidationError", True)


def test_nothing_is_launched_while_that_is_suspended(
    ec2: Any, scaling: Any, web: str, emulator: AwsEmulator
) -> None:
    emulator.complete_transitions()
    one, other = members(scaling)
    scaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    terminate(scaling, one)
    ec2.terminate_instances(InstanceIds=[other])
    emulator.complete_transitions()
    assert members(scaling) == {}
    scaling.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    assert len(members(scaling)) == 2


@pytest.mark.parametrize(
    ("call", "given", "words"),
    [
        ("suspend_processes", {"AutoScalingGroupName": "none"}, "AutoScalingGroup name not found"),
        ("resume_processes", {"AutoScalingGroupName": "none"}, "AutoScalingGroup name not found"),
        (
            "suspend_processes",
            {"AutoScalingGroupName": "web", "ScalingProcesses": ["Launch", "launch"]},
            "launch",
        ),
        (
            "resume_processes",
            {"AutoScalingGroupName": "web", "ScalingProcesses": ["Sleep"]},
            "Sleep",
        ),
        (
            "create_or_update_tags",
            {"Tags": [{"ResourceId": "none", "ResourceType": "auto-scaling-group", "Key": "a"}]},
            "name not found",
        ),
        (
            "create_or_update_tags",
            {"Tags": [{"ResourceId": "web", "Key": "k" * 128, "Value": "v" * 257}]},
            "at most 256",
        ),
        ("create_or_update_tags", {"Tags": [{"ResourceId": "web", "Key": "k" * 129}]}, "128"),
        ("create_or_update_tags", {"Tags": [{"ResourceId": "web", "Key": "aws:x"}]}, "aws:"),
        ("delete_tags", {"Tags": [{"ResourceId": "none", "Key": "a"}]}, "name not found"),
        ("describe_auto_scaling_groups", {"MaxRecords": 101}, "100"),
        (
            "describe_auto_scaling_instances",
            {"InstanceIds": [f"i-{number:017x}" for number in range(51)]},
            "50",
        ),
        (
            "set_desired_capacity",
            {"AutoScalingGroupName": "web", "DesiredCapacity": 9},
            "out of the group's bounds",
        ),
        (
            "terminate_instance_in_auto_scaling_group",
            {"InstanceId": "i-0123456789abcdef0", "ShouldDecrementDesiredCapacity": False},
            "Instance Id not found - No managed instance found for instance ID",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    scaling: Any, web: str, call: str, given: dict[str, Any], words: str
) -> None:
    code, message = refusal(lambda: getattr(scaling, call)(**given))
    assert code == "ValidationError"
    assert words in message
    assert groups(scaling)[0]["SuspendedProcesses"] == []
    assert groups(scaling)[0]["Tags"] == []


def test_an_instance_of_no_group_is_refused(scaling: Any, launch: Launch, web: str) -> None:
    code, message = refusal(lambda: terminate(scaling, launch()[0]))
    assert (code, "No managed instance" in message) == ("ValidationError", True)


def test_what_moto_lacks_is_said(scaling: Any, web: str) -> None:
    code, message = refusal(lambda: scaling.start_instance_refresh(AutoScalingGroupName="web"))
    assert (code, "does not emulate autoscaling:StartInstanceRefresh" in message) == (
        "NotImplemented",
        True,
    )


def test_a_group_vanishes_with_its_instances(
    ec2: Any, scaling: Any, web: str, emulator: AwsEmulator
) -> None:
    ids = list(members(scaling))
    emulator.vanish(service="autoscaling", operation="SuspendProcesses")
    code, message = refusal(lambda: scaling.suspend_processes(AutoScalingGroupName="web"))
    assert (code, "not found" in message) == ("ValidationError", True)
    assert groups(scaling) == []
    assert refusal(lambda: states(ec2, ids))[0] == "InvalidInstanceID.NotFound"
