"""The faults of EC2, EBS and Auto Scaling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from bridge.model.record import Record
from providers.aws.arns import ec2_arn, plain_id
from providers.aws.processes import PROCESSES
from providers.aws.scaling_groups import group_name
from providers.contract import Effect, OutcomeKind, Resource
from tests.trial.aws_world import IMAGE, ZONE, Ec2Rig
from tests.trial.rig import Rig


class StopInstances(Ec2Rig):
    """Stopped, and started again."""

    fault = "aws:ec2:stop-instances"
    parameters: ClassVar = {"startInstancesAfterDuration": "PT5M"}
    effects = ("StopInstances",)
    undoings = ("StartInstances",)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is stopped."""
        return self.state(record) == "stopped"

    def make_faulted(self, record: Record) -> None:
        """Stop it."""
        self.ec2.stop_instances(InstanceIds=[plain_id(record.resource)])
        self.at.settle()


class RebootInstances(Ec2Rig):
    """Rebooted: seen by its call only."""

    fault = "aws:ec2:reboot-instances"
    effects = ("RebootInstances",)
    no_marks = "there is nothing to undo"
    no_late_failure = "EC2 queues a reboot and never says what came of it"
    no_faulted_state = "a reboot leaves no trace"
    no_trace = "a reboot leaves no trace in an instance's state"
    no_repeat = "EC2 reboots it again"
    # "Requests to reboot terminated instances are ignored" (EC2 API reference).
    gone_before = OutcomeKind.DONE
    gone_during = (Effect.GONE, OutcomeKind.DONE)

    def is_faulted(self, record: Record) -> bool:
        """Whether a call for it was carried out."""
        done = (c for c in self.at.log.calls if c.operation == "RebootInstances")
        return any(call.status in (0, 200) for call in done)


class TerminateInstances(Ec2Rig):
    """Terminated for good."""

    fault = "aws:ec2:terminate-instances"
    effects = ("TerminateInstances",)
    no_marks = "there is nothing to undo"
    gone_before = OutcomeKind.DONE
    gone_during = (Effect.PRESENT, OutcomeKind.DONE)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is terminated."""
        return self.state(record) == "terminated"

    def make_faulted(self, record: Record) -> None:
        """Terminate it."""
        self.terminate(record)


class DetachVolume(Ec2Rig):
    """Detached, and attached again with DeleteOnTermination as it was."""

    fault = "aws:ebs:detach-volume"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = ("DetachVolume",)
    undoings = ("AttachVolume", "ModifyInstanceAttribute")

    def build(self, count: int) -> list[Resource]:
        """Attach a volume to each of some instances, half of them to be deleted with those."""
        volumes = []
        for number, instance in enumerate(self.launch(count)):
            volume = self.ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
            self.ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
            volumes.append((number, instance, volume))
        self.at.emulator.complete_transitions()
        for number, instance, volume in volumes:
            self.ec2.create_tags(Resources=[volume], Tags=[{"Key": "Name", "Value": "data"}])
            if number % 2:
                mapping = {"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}
                self.ec2.modify_instance_attribute(
                    InstanceId=instance, BlockDeviceMappings=[mapping]
                )
        return [
            Resource("aws:ec2:ebs-volume", ec2_arn(self.at.scope, "volume", volume))
            for _, _, volume in volumes
        ]

    def volume(self, record: Record) -> Mapping[str, Any]:
        """Describe the record's volume."""
        answer = self.ec2.describe_volumes(VolumeIds=[plain_id(record.resource)])
        found: Mapping[str, Any] = answer["Volumes"][0]
        return found

    def snapshot(self, record: Record) -> object:
        """Return the volume, but for the time since when it is attached."""
        volume = self.volume(record)
        attached = [
            {k: v for k, v in one.items() if k != "AttachTime"} for one in volume["Attachments"]
        ]
        return {**volume, "Attachments": attached}

    def trace(self, record: Record) -> object:
        """Return the volume with the time since when it is attached."""
        return self.volume(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is attached nowhere."""
        return not self.volume(record)["Attachments"]

    def make_faulted(self, record: Record) -> None:
        """Detach it."""
        self.ec2.detach_volume(VolumeId=plain_id(record.resource))
        self.at.settle()

    def remove(self, record: Record) -> None:
        """Detach and delete it."""
        if not self.is_faulted(record):
            self.make_faulted(record)
        self.ec2.delete_volume(VolumeId=plain_id(record.resource))

    def ways_to_go(self) -> Sequence[Callable[[Record], None]]:
        """Return the only way."""
        return (self.remove,)


class IsolateInstances(Ec2Rig):
    """Cut off by a security group, which has a record of its own."""

    fault = "aws:ec2:isolate-instances"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = (
        "ModifyNetworkInterfaceAttribute",
        "CreateSecurityGroup",
        "RevokeSecurityGroupEgress",
    )
    undoings = ("ModifyNetworkInterfaceAttribute", "DeleteSecurityGroup")
    no_late_failure = "EC2 changes the groups of an interface within the call"
    no_resource = "they name interfaces and groups, not the instance"
    no_resource_undoing = "they name interfaces and groups, not the instance"

    def targets(self, records: Sequence[Record]) -> list[Record]:
        """Return the records of the instances."""
        return [record for record in records if ":instance/" in record.resource]

    def group(self, record: Record) -> Mapping[str, Any] | None:
        """Return the security group that cuts off, if it exists."""
        filters = [{"Name": "group-name", "Values": [record.state["quarantine"]["name"]]}]
        found: list[Mapping[str, Any]]
        found = self.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        return found[0] if found else None

    def snapshot(self, record: Record) -> object:
        """Return the instance, or the group."""
        return super().snapshot(record) if self.targets([record]) else self.group(record)

    def trace(self, record: Record) -> object:
        """Return all of the instance, or the group, whose id is another each time."""
        return super().trace(record) if self.targets([record]) else self.group(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether all of the instance's interfaces bear closed groups, or the group exists."""
        if not self.targets([record]):
            return self.group(record) is not None
        ids = [
            group["GroupId"]
            for interface in self.instance(record)["NetworkInterfaces"]
            for group in interface["Groups"]
        ]
        groups = self.ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
        return not any(one["IpPermissions"] or one["IpPermissionsEgress"] for one in groups)

    def make_faulted(self, record: Record) -> None:
        """Give it a closed group of somebody else's."""
        instance = self.instance(record)
        made = self.ec2.create_security_group(
            GroupName="closed", Description="closed", VpcId=instance["VpcId"]
        )["GroupId"]
        every: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.ec2.revoke_security_group_egress(GroupId=made, IpPermissions=every)
        (interface,) = instance["NetworkInterfaces"]
        plain = interface["NetworkInterfaceId"]
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=plain, Groups=[made])


class ScalingRig(Ec2Rig):
    """What the rigs of Auto Scaling share."""

    @property
    def scaling(self) -> Any:
        """An administrator's client."""
        return self.at.client("autoscaling")

    def add_group(self, name: str, size: int) -> Mapping[str, Any]:
        """Make a group of so many instances, which already run; return it."""
        configurations = self.scaling.describe_launch_configurations()["LaunchConfigurations"]
        if not configurations:
            self.scaling.create_launch_configuration(
                LaunchConfigurationName="worker", ImageId=IMAGE, InstanceType="t3.small"
            )
        self.scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName="worker",
            MinSize=0,
            MaxSize=200,
            DesiredCapacity=size,
            AvailabilityZones=[ZONE],
            Tags=[{"Key": "Name", "Value": name, "PropagateAtLaunch": False}],
        )
        self.at.emulator.complete_transitions()
        return self.described(name)

    def described(self, name: str) -> Mapping[str, Any]:
        """Describe a group."""
        answer = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        found: Mapping[str, Any] = answer["AutoScalingGroups"][0]
        return found


class SuspendProcesses(ScalingRig):
    """Suspended but for one that was so before, and resumed but for that one."""

    fault = "aws:autoscaling:suspend-processes"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = ("SuspendProcesses",)
    undoings = ("ResumeProcesses",)
    no_late_failure = "it takes effect within the call"

    def build(self, count: int) -> list[Resource]:
        """Make groups without instances, with one process suspended."""
        names = [f"web-{number}" for number in range(count)]
        arns = [self.add_group(name, 0)["AutoScalingGroupARN"] for name in names]
        for name in names:
            self.scaling.suspend_processes(
                AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"]
            )
        return [Resource("aws:ec2:autoscaling-group", arn) for arn in arns]

    def snapshot(self, record: Record) -> object:
        """Return the group."""
        found = self.described(group_name(record.resource))
        suspended = {one["ProcessName"] for one in found["SuspendedProcesses"]}
        return {**found, "SuspendedProcesses": suspended}

    def trace(self, record: Record) -> object:
        """Return the group: there is nothing by which to tell two times."""
        return self.snapshot(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether all is suspended."""
        found = self.described(group_name(record.resource))
        return {one["ProcessName"] for one in found["SuspendedProcesses"]} == {*PROCESSES}

    def make_faulted(self, record: Record) -> None:
        """Suspend all."""
        self.scaling.suspend_processes(AutoScalingGroupName=group_name(record.resource))

    def remove(self, record: Record) -> None:
        """Delete the group."""
        name = group_name(record.resource)
        self.scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        self.at.emulator.complete_transitions()

    def ways_to_go(self) -> Sequence[Callable[[Record], None]]:
        """Return the only way."""
        return (self.remove,)


class TerminateInGroup(ScalingRig):
    """Terminated for good, and replaced by the group."""

    fault = "aws:autoscaling:terminate-instances"
    effects = ("TerminateInstanceInAutoScalingGroup",)
    # The group has it as Terminating for as long as that takes.
    late_failure = frozenset({Effect.APPLYING})
    no_marks = "there is nothing to undo"
    gone_before = OutcomeKind.DONE
    gone_during = (Effect.PRESENT, OutcomeKind.DONE)

    def build(self, count: int) -> list[Resource]:
        """Make a group of instances, and name those."""
        found = self.add_group("web", count)
        return [
            Resource("aws:ec2:instance", ec2_arn(self.at.scope, "instance", one["InstanceId"]))
            for one in found["Instances"]
        ]

    def is_faulted(self, record: Record) -> bool:
        """Whether it is terminated."""
        return self.state(record) == "terminated"

    def make_faulted(self, record: Record) -> None:
        """Terminate it."""
        self.terminate(record)


RIGS: Final[tuple[type[Rig], ...]] = (
    DetachVolume,
    IsolateInstances,
    RebootInstances,
    StopInstances,
    SuspendProcesses,
    TerminateInGroup,
    TerminateInstances,
)
