"""A small account to break: some instances and volumes, a cluster, an alarm and a role.

The role is the one of the published FIS and Chaos Mesh walk-through: it is called
``my-fis-role`` and trusts ``fis.amazonaws.com`` without conditions.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from bridge.sandbox.aws.cloud import CALLER_KEY_ID, CALLER_SECRET
from bridge.sandbox.aws.server import AwsEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

ROLE_NAME = "my-fis-role"
CLUSTER_NAME = "sandbox"
ALARM_NAME = "carts-latency-high"
GROUP_NAME = "web"
TRUST_POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["fis.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
_INSTANCES = "arn:aws:ec2:*:*:instance/*"
_VOLUMES = "arn:aws:ec2:*:*:volume/*"
_SECURITY_GROUPS = "arn:aws:ec2:*:*:security-group/*"
_INTERFACES = "arn:aws:ec2:*:*:network-interface/*"
_SCALING_GROUPS = "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*"
MARKS_POLICY = "faultbridge-marks"
ROLE_POLICIES: dict[str, list[tuple[list[str], list[str]]]] = {
    # The EC2 part of AWS's managed policy AWSFaultInjectionSimulatorEC2Access (its KMS and
    # SSM statements serve encrypted volumes and documents, which the estate does not have).
    "ec2-faults": [
        (
            [
                "ec2:RebootInstances",
                "ec2:StartInstances",
                "ec2:StopInstances",
                "ec2:TerminateInstances",
            ],
            [_INSTANCES],
        ),
        (["ec2:DescribeInstances", "ec2:DescribeSubnets"], ["*"]),
    ],
    # The parts of AWSFaultInjectionSimulatorEKSAccess that reaching a cluster needs.
    "eks-faults": [
        (["eks:DescribeCluster"], ["arn:aws:eks:*:*:cluster/*"]),
        (["tag:GetResources"], ["*"]),
    ],
    # No managed policy of FIS covers these: detaching a volume is Faultbridge's own fault,
    # which puts DeleteOnTermination back as it was.
    "volume-faults": [
        (["ec2:AttachVolume", "ec2:DetachVolume"], [_INSTANCES, _VOLUMES]),
        (["ec2:ModifyInstanceAttribute"], [_INSTANCES]),
        (["ec2:DescribeVolumes"], ["*"]),
    ],
    "network-faults": [
        (["ec2:CreateSecurityGroup"], [_SECURITY_GROUPS, "arn:aws:ec2:*:*:vpc/*"]),
        (
            ["ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress"],
            [_SECURITY_GROUPS],
        ),
        (["ec2:ModifyNetworkInterfaceAttribute"], [_INTERFACES, _SECURITY_GROUPS]),
        (["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"], ["*"]),
    ],
    "scaling-faults": [
        (
            [
                "autoscaling:ResumeProcesses",
                "autoscaling:SuspendProcesses",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            [_SCALING_GROUPS],
        ),
        (
            ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances"],
            ["*"],
        ),
    ],
    "alarm-assertions": [(["cloudwatch:DescribeAlarms"], ["*"])],
    "log-delivery": [(["logs:CreateLogDelivery"], ["*"])],
    # Without these a run goes on unmarked.
    MARKS_POLICY: [
        (["ec2:CreateTags", "ec2:DeleteTags"], [_INSTANCES, _VOLUMES]),
        (["autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"], [_SCALING_GROUPS]),
        (["ec2:DescribeTags", "autoscaling:DescribeTags"], ["*"]),
    ],
}


@dataclass(frozen=True, slots=True)
class Estate:
    """What was built, by name and by ARN.

    ``instance_ids`` and ``volume_ids`` go by the ``Name`` tag. The workers carry
    ``chaos=ready``; the database ``orders-db-1`` does not, and must be left alone. ``group_arns``
    are those of the Auto Scaling groups by name; ``web`` carries the tag itself, its instances
    do not.
    """

    role_arn: str
    cluster_arn: str
    alarm_arn: str
    instance_ids: dict[str, str]
    instance_arns: dict[str, str]
    volume_ids: dict[str, str]
    volume_arns: dict[str, str]
    group_arns: dict[str, str]
    ready_tag: tuple[str, str] = ("chaos", "ready")


def build(
    emulator: AwsEmulator,
    *,
    cluster_endpoint: str | None = None,
    cluster_ca_pem: str | None = None,
    workers: int = 4,
    marks: bool = True,
) -> Estate:
    """Build the estate in a started emulator; its instances are running when this returns.

    With ``cluster_endpoint`` and ``cluster_ca_pem`` DescribeCluster answers those. ``workers``
    (at least 2) is the number of tagged instances. ``marks=False`` leaves out the role's right
    to tag.
    """
    with ExitStack() as stack:

        def client(service: Any) -> Any:
            made = boto3.client(
                service,
                endpoint_url=emulator.url,
                region_name=emulator.region,
                aws_access_key_id=CALLER_KEY_ID,
                aws_secret_access_key=CALLER_SECRET,
            )
            return stack.enter_context(closing(made))

        role_arn = _create_role(client("iam"), marks=marks)
        ec2 = client("ec2")
        instances = _launch(ec2, emulator, workers)
        volumes = _attach_data_volumes(ec2, emulator, instances)
        groups = {GROUP_NAME: _create_scaling_group(ec2, client("autoscaling"), emulator)}
        cluster_arn = _create_cluster(client, emulator, cluster_endpoint, cluster_ca_pem)
        alarm_arn = _create_alarm(client("cloudwatch"))
    prefix = f"arn:aws:ec2:{emulator.region}:{emulator.account_id}"
    return Estate(
        role_arn=role_arn,
        cluster_arn=cluster_arn,
        alarm_arn=alarm_arn,
        instance_ids=instances,
        instance_arns={name: f"{prefix}:instance/{each}" for name, each in instances.items()},
        volume_ids=volumes,
        volume_arns={name: f"{prefix}:volume/{each}" for name, each in volumes.items()},
        group_arns=groups,
    )


def _create_role(iam: Any, *, marks: bool) -> str:
    trust = json.dumps(TRUST_POLICY)
    made = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=trust)
    for name, grants in ROLE_POLICIES.items():
        if name == MARKS_POLICY and not marks:
            continue
        allowed = [
            {"Effect": "Allow", "Action": actions, "Resource": resources}
            for actions, resources in grants
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=document)
    return str(made["Role"]["Arn"])


def _launch(ec2: Any, emulator: AwsEmulator, workers: int) -> dict[str, str]:
    """Launch the workers and the database, and wait in no time until they run."""
    worker = {"chaos": "ready", "service": "carts"}
    plan = {f"carts-worker-{n}": worker for n in range(1, workers + 1)}
    plan["orders-db-1"] = {"service": "orders"}
    launched = ec2.run_instances(
        ImageId="ami-12c6146b",
        InstanceType="t3.small",
        MinCount=len(plan),
        MaxCount=len(plan),
        Placement={"AvailabilityZone": f"{emulator.region}a"},
    )
    emulator.complete_transitions()
    ids = [instance["InstanceId"] for instance in launched["Instances"]]
    for instance_id, (name, tags) in zip(ids, plan.items(), strict=True):
        _tag(ec2, instance_id, {"Name": name, **tags})
    return dict(zip(plan, ids, strict=True))


def _attach_data_volumes(
    ec2: Any, emulator: AwsEmulator, instances: dict[str, str]
) -> dict[str, str]:
    """Give the first two workers and the database a data volume each."""
    homes = {
        "carts-data-1": "carts-worker-1",
        "carts-data-2": "carts-worker-2",
        "orders-data-1": "orders-db-1",
    }
    volumes = {}
    for name, home in homes.items():
        made = ec2.create_volume(AvailabilityZone=f"{emulator.region}a", Size=20, VolumeType="gp3")
        volumes[name] = made["VolumeId"]
        ready = {"chaos": "ready"} if name.startswith("carts") else {}
        _tag(ec2, made["VolumeId"], {"Name": name, **ready})
        ec2.attach_volume(VolumeId=made["VolumeId"], InstanceId=instances[home], Device="/dev/sdf")
    emulator.complete_transitions()
    return volumes


def _create_scaling_group(ec2: Any, autoscaling: Any, emulator: AwsEmulator) -> str:
    """Let a group keep two web servers running, from a launch template."""
    launch = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    ec2.create_launch_template(LaunchTemplateName=GROUP_NAME, LaunchTemplateData=launch)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP_NAME,
        LaunchTemplate={"LaunchTemplateName": GROUP_NAME},
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=2,
        AvailabilityZones=[f"{emulator.region}b"],
        Tags=[{"Key": "chaos", "Value": "ready", "PropagateAtLaunch": False}],
    )
    emulator.complete_transitions()
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP_NAME])
    return str(found["AutoScalingGroups"][0]["AutoScalingGroupARN"])


def _create_cluster(
    client: Callable[[str], Any], emulator: AwsEmulator, endpoint: str | None, ca_pem: str | None
) -> str:
    subnets = client("ec2").describe_subnets()["Subnets"]
    made = client("eks").create_cluster(
        name=CLUSTER_NAME,
        version="1.32",
        roleArn=f"arn:aws:iam::{emulator.account_id}:role/eks-sandbox-cluster-role",
        resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets[:2]]},
    )
    if endpoint is not None and ca_pem is not None:
        emulator.set_cluster_endpoint(CLUSTER_NAME, endpoint=endpoint, ca_pem=ca_pem)
    return str(made["cluster"]["arn"])


def _create_alarm(cloudwatch: Any) -> str:
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM_NAME,
        AlarmDescription="The carts service answers too slowly.",
        Namespace="SockShop",
        MetricName="RequestLatency",
        Dimensions=[{"Name": "Service", "Value": "carts"}],
        Statistic="Average",
        Unit="Milliseconds",
        Period=60,
        EvaluationPeriods=1,
        Threshold=500.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(
        AlarmName=ALARM_NAME, StateValue="OK", StateReason="The sandbox has just begun."
    )
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[ALARM_NAME])["MetricAlarms"]
    return str(alarm["AlarmArn"])


def _tag(ec2: Any, resource_id: str, tags: dict[str, str]) -> None:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    ec2.create_tags(Resources=[resource_id], Tags=pairs)
