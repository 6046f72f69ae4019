"""Rights that are named otherwise than their call, or asked for on more than one resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator
from tests.aws_emulator.test_permissions import Connect, Launch, act_as, refusal, role, statement

__all__ = ["act_as", "role"]


@pytest.fixture
def web(connect: Connect, ec2: Any) -> Iterator[str]:
    """An Auto Scaling group of one; answers its ARN."""
    launch = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    scaling = connect("autoscaling")
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=launch)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateName": "web"},
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=1,
        AvailabilityZones=["us-east-1a"],
    )
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    yield str(group["AutoScalingGroupARN"])
    scaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    ec2.delete_launch_template(LaunchTemplateName="web")


def test_auto_scaling_is_checked_by_the_groups_arn(
    act_as: Callable[..., Any], connect: Connect, web: str
) -> None:
    (group,) = connect("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    instance = group["Instances"][0]["InstanceId"]
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "Key": "a", "Value": "b"}
    calls: dict[str, Callable[[Any], Any]] = {
        "SuspendProcesses": lambda c: c.suspend_processes(AutoScalingGroupName="web"),
        "ResumeProcesses": lambda c: c.resume_processes(AutoScalingGroupName="web"),
        "CreateOrUpdateTags": lambda c: c.create_or_update_tags(Tags=[tag]),
        "DeleteTags": lambda c: c.delete_tags(Tags=[tag]),
        "TerminateInstanceInAutoScalingGroup": lambda c: c.terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=False
        ),
    }
    for operation, call in calls.items():
        action = f"autoscaling:{operation}"
        other = act_as("autoscaling", statement("Allow", action, f"{web}-2"))
        code, message, status = refusal(lambda call=call, other=other: call(other))  # type: ignore[misc] # bound early
        assert (code, status) == ("AccessDenied", 403)
        assert f"{action} on resource: {web} " in message
        call(act_as("autoscaling", statement("Allow", action, web)))
    describing = act_as("autoscaling", statement("Allow", "autoscaling:Describe*", web))
    for describe in ("describe_auto_scaling_groups", "describe_tags"):
        assert refusal(getattr(describing, describe))[0] == "AccessDenied"


def test_security_groups_are_checked_on_both_ends_and_by_their_tags(
    act_as: Callable[..., Any], ec2: Any, launch: Launch
) -> None:
    (described,) = ec2.describe_instances(InstanceIds=launch())["Reservations"][0]["Instances"]
    arn = "arn:aws:ec2:us-east-1:123456789012"
    groups, vpc = f"{arn}:security-group/*", f"{arn}:vpc/{described['VpcId']}"
    given = {"GroupName": "by-role", "Description": "x", "VpcId": described["VpcId"]}
    half = act_as("ec2", statement("Allow", "ec2:CreateSecurityGroup", groups))
    assert vpc in refusal(lambda: half.create_security_group(**given))[1]
    whole = statement("Allow", "ec2:CreateSecurityGroup", [groups, vpc])
    tagged = {
        "TagSpecifications": [
            {"ResourceType": "security-group", "Tags": [{"Key": "a", "Value": "b"}]}
        ]
    }
    untagged = act_as("ec2", whole)
    assert "ec2:CreateTags" in refusal(lambda: untagged.create_security_group(**given, **tagged))[1]
    tagging = act_as("ec2", whole, statement("Allow", "ec2:CreateTags", groups))
    made = tagging.create_security_group(**given, **tagged)["GroupId"]

    plain = described["NetworkInterfaces"][0]["NetworkInterfaceId"]
    moved = {"NetworkInterfaceId": plain, "Groups": [made]}
    modify = "ec2:ModifyNetworkInterfaceAttribute"
    one_end = act_as("ec2", statement("Allow", modify, f"{arn}:network-interface/*"))
    message = refusal(lambda: one_end.modify_network_interface_attribute(**moved))[1]
    assert f"{arn}:security-group/{made}" in message
    both = [f"{arn}:network-interface/{plain}", f"{arn}:security-group/{made}"]
    act_as("ec2", statement("Allow", modify, both)).modify_network_interface_attribute(**moved)
    nothing = act_as("ec2", statement("Allow", modify))
    for call in ("delete_security_group", "revoke_security_group_egress"):
        message = refusal(lambda call=call: getattr(nothing, call)(GroupId=made))[1]  # type: ignore[misc] # bound early
        assert f"{arn}:security-group/{made}" in message


@pytest.mark.parametrize(
    ("service", "call", "given", "rights"),
    [
        ("ec2", "describe_instances", {}, ("ec2:DescribeInstances",)),
        ("ec2", "describe_vpcs", {"DryRun": True}, ("ec2:DescribeVpcs",)),
        (
            "ec2",
            "create_volume",
            {
                "AvailabilityZone": "us-east-1a",
                "Size": 1,
                "TagSpecifications": [
                    {"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}
                ],
            },
            ("ec2:CreateVolume", "ec2:CreateTags"),
        ),
        ("cloudwatch", "describe_alarms", {}, ("cloudwatch:DescribeAlarms",)),
        ("resourcegroupstaggingapi", "get_resources", {}, ("tag:GetResources",)),
        ("autoscaling", "describe_tags", {}, ("autoscaling:DescribeTags",)),
        ("sts", "get_caller_identity", {}, ()),
        ("elbv2", "describe_load_balancers", {}, ("elasticloadbalancing:DescribeLoadBalancers",)),
    ],
)
def test_the_log_names_the_iam_actions_of_each_call(
    *,
    emulator: AwsEmulator,
    connect: Connect,
    service: str,
    call: str,
    given: dict[str, Any],
    rights: tuple[str, ...],
) -> None:
    with suppress(ClientError):
        getattr(connect(service), call)(**given)
    assert [one.rights for one in emulator.calls] == [rights]


def test_the_log_names_the_iam_action_of_assuming_a_role(
    emulator: AwsEmulator, connect: Connect, role: str
) -> None:
    emulator.forget_calls()
    arn = f"arn:aws:iam::123456789012:role/{role}"
    connect("sts").assume_role(RoleArn=arn, RoleSessionName="EXP1")
    assert [one.rights for one in emulator.calls] == [("sts:AssumeRole",)]
