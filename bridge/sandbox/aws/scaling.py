"""Auto Scaling over moto's, which fails on unknown names and forgets that groups heal.

What a suspended process does not do: Auto Scaling User Guide, "Suspend and resume processes".
The API reference has one code for most refusals, ``ValidationError``; the wordings are those
that users quote in error reports.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.errors import AwsError, RuledResponse
from bridge.sandbox.aws.instance_life import InstanceLife, groups_of
from bridge.sandbox.aws.tags import LONGEST_KEY, LONGEST_VALUE

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)
"""Auto Scaling API reference, SuspendProcesses."""
MOST_GROUPS = 100
MOST_INSTANCES = 50


def refuse_bad_group_tag(tag: dict[str, Any]) -> None:
    """Refuse a tag that is out of bounds (Auto Scaling API reference, Tag; "aws:" is AWS's)."""
    key, value = tag.get("Key", ""), tag.get("Value") or ""
    if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE or key.startswith("aws:"):
        message = (
            f"The tag {key[:LONGEST_KEY]!r} is invalid: a key has 1 to {LONGEST_KEY} characters "
            f"and does not begin with 'aws:', a value has at most {LONGEST_VALUE}"
        )
        raise AwsError("ValidationError", message)


class SandboxAutoScaling(RuledResponse, AutoScalingResponse):
    """moto's Auto Scaling with names that are checked, and instances that take their time."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._life = InstanceLife(cloud)

    def _group(self, name: str | None = None) -> FakeAutoScalingGroup:
        wanted = name or self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups.get(wanted)
        if group is None:
            words = f"AutoScalingGroup name not found - AutoScalingGroup {wanted} not found"
            raise AwsError("ValidationError", words)
        return group

    def _at_most(self, size: int | None, most: int) -> None:
        if size is not None and not 1 <= size <= most:
            message = (
                f"1 validation error detected: Value '{size}' at 'maxRecords' failed to satisfy "
                f"constraint: Member must have value less than or equal to {most}"
            )
            raise AwsError("ValidationError", message)

    def create_auto_scaling_group(self) -> ActionResult:
        """Create a group, whose instances are ``pending`` first."""
        for tag in self._get_param("Tags", []):
            refuse_bad_group_tag(tag)
        with self._life.launching(self.autoscaling_backend.ec2_backend):
            return super().create_auto_scaling_group()

    def update_auto_scaling_group(self) -> ActionResult:
        """Change a group; instances that it launches are ``pending`` first."""
        self._group()
        with self._life.launching(self.autoscaling_backend.ec2_backend):
            return super().update_auto_scaling_group()

    def set_desired_capacity(self) -> ActionResult:
        """Set how many instances there should be; launch none while that is suspended."""
        group = self._group()
        wanted = self._get_int_param("DesiredCapacity")
        if not (group.min_size or 0) <= wanted <= (group.max_size or 0):
            message = f"New SetDesiredCapacity value {wanted} is out of the group's bounds"
            raise AwsError("ValidationError", message)
        group.desired_capacity = wanted
        self._life.fill(group)
        return EmptyResult()

    def describe_auto_scaling_groups(self) -> ActionResult:
        """Describe groups; names that do not exist are passed over."""
        self._at_most(self._get_int_param("MaxRecords"), MOST_GROUPS)
        return super().describe_auto_scaling_groups()

    def describe_auto_scaling_instances(self) -> ActionResult:
        """Describe instances that are in a group; others are passed over."""
        ids = self._get_param("InstanceIds", [])
        self._at_most(len(ids) or None, MOST_INSTANCES)
        return super().describe_auto_scaling_instances()

    def suspend_processes(self) -> ActionResult:
        """Suspend processes of a group that exists."""
        self._group()
        self._refuse_unknown_processes()
        return super().suspend_processes()

    def resume_processes(self) -> ActionResult:
        """Resume processes; a group that may launch again makes up for what it lacks."""
        group = self._group()
        self._refuse_unknown_processes()
        result = super().resume_processes()
        self._life.fill(group)
        return result

    def _refuse_unknown_processes(self) -> None:
        for name in self._get_param("ScalingProcesses", []):
            if name not in PROCESSES:
                raise AwsError("ValidationError", f"Invalid scaling process: {name}")

    def create_or_update_tags(self) -> ActionResult:
        """Set tags on groups or, where one tag or group is wrong, on none."""
        for tag in self._get_param("Tags", []):
            refuse_bad_group_tag(tag)
            self._group(tag.get("ResourceId"))
        return super().create_or_update_tags()

    def delete_tags(self) -> ActionResult:
        """Take tags off groups that are all there."""
        for tag in self._get_param("Tags", []):
            self._group(tag.get("ResourceId"))
        return super().delete_tags()

    def terminate_instance_in_auto_scaling_group(self) -> ActionResult:
        """Terminate an instance of a group, which launches another unless it shall shrink."""
        if self._get_param("InstanceIds"):
            message = "The sandbox does not emulate InstanceIds; terminate them one by one"
            raise AwsError("ValidationError", message)
        wanted = self._get_param("InstanceId")
        members = self.autoscaling_backend.describe_auto_scaling_instances([wanted])
        if not wanted or not members:
            message = f"Instance Id not found - No managed instance found for instance ID: {wanted}"
            raise AwsError("ValidationError", message)
        instance = members[0].instance
        (group,) = groups_of(instance)
        shrinks = self._get_bool_param("ShouldDecrementDesiredCapacity", False)
        if members[0].lifecycle_state != "Terminating":
            if shrinks:
                if group.desired_capacity <= (group.min_size or 0):
                    message = (
                        f"Currently, desiredSize equals minSize ({group.min_size}). Terminating "
                        "instance without replacement will violate group's min size constraint."
                    )
                    raise AwsError("ValidationError", message)
                group.desired_capacity -= 1
            self._life.go_away(instance)
        when = self._life.cloud.clock()
        activity = {
            "ActivityId": f"terminate-{wanted}",
            "AutoScalingGroupName": group.name,
            "Description": f"Terminating EC2 instance: {wanted}",
            "Cause": f"At {when:%Y-%m-%dT%H:%M:%SZ} instance {wanted} was taken out of service "
            "in response to a user request.",
            "StartTime": when,
            "StatusCode": "InProgress",
            "Progress": 0,
        }
        return ActionResult({"Activity": activity})
