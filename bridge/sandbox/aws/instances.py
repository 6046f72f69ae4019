"""EC2's instance operations over moto's, which know neither time nor a wrong state."""

from __future__ import annotations

import copy

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.instances import Instance, InstanceState
from moto.ec2.responses.instances import InstanceResponse

from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.instance_life import InstanceLife
from bridge.sandbox.aws.instance_rules import (
    GONE,
    known_instances,
    refuse_rootless,
    refuse_unrebootable,
    refuse_unstartable,
    refuse_unstoppable,
    unprotected_zones,
)


def _changes(key: str, changed: list[tuple[Instance, InstanceState]]) -> ActionResult:
    """Write the batch's answer: the state of each instance before and after the request."""
    rows = [
        {"InstanceId": i.id, "CurrentState": i.instance_state, "PreviousState": previous}
        for i, previous in changed
    ]
    return ActionResult({key: rows})


class InstanceRules(InstanceResponse):
    """The instance operations with states that take time, and batches all or nothing."""

    cloud: Cloud

    @property
    def _life(self) -> InstanceLife:
        return InstanceLife(self.cloud)

    def _known(self) -> list[Instance]:
        instances = known_instances(self.ec2_backend, self._get_param("InstanceIds", []))
        self.error_on_dryrun()
        return instances

    def describe_instances(self) -> ActionResult:
        """Describe instances; an id that is not there fails the call."""
        if instance_ids := self._get_param("InstanceIds", []):
            known_instances(self.ec2_backend, instance_ids)
        return super().describe_instances()

    def run_instances(self) -> ActionResult:
        """Launch instances: ``pending`` first, each with a volume at its root device."""
        with self._life.launching(self.ec2_backend):
            return super().run_instances()

    def start_instances(self) -> ActionResult:
        """Start stopped instances; those up or coming up stay as they are."""
        instances = self._known()
        for instance in instances:
            refuse_unstartable(instance)
            refuse_rootless(instance)
        changed = []
        for instance in instances:
            changed.append((instance, copy.copy(instance.instance_state)))
            if instance.state == "stopped":
                instance.start()
                self._life.come_up(instance)
        return _changes("StartingInstances", changed)

    def stop_instances(self) -> ActionResult:
        """Stop running instances; those stopped or stopping stay as they are."""
        instances = self._known()
        for instance in instances:
            refuse_unstoppable(instance, self.cloud.never_ran)
        changed = []
        for instance in instances:
            changed.append((instance, copy.copy(instance.instance_state)))
            if instance.state in ("pending", "running"):
                self._life.go_down(instance)
        return _changes("StoppingInstances", changed)

    def reboot_instances(self) -> ActionResult:
        """Reboot instances, which stay ``running`` meanwhile (User Guide, "Instance reboot")."""
        for instance in self._known():
            refuse_unrebootable(instance)
        return EmptyResult()

    def terminate_instances(self) -> ActionResult:
        """Terminate instances, again and again if asked: "each call succeeds"."""
        instances = self._known()
        allowed = unprotected_zones(instances)
        changed = [(instance, copy.copy(instance.instance_state)) for instance in allowed]
        for instance in allowed:
            if instance.state not in GONE:
                self._life.go_away(instance)
        protected = [i.id for i in instances if i.disable_api_termination]
        if protected:
            message = (
                f"The instance '{protected[0]}' may not be terminated. Modify its "
                "'disableApiTermination' instance attribute and try again."
            )
            raise AwsError("OperationNotPermitted", message)
        return _changes("TerminatingInstances", changed)

    def describe_instance_attribute(self) -> ActionResult:
        """Describe one attribute; block devices in the shape that the service model names."""
        if self._get_param("Attribute") != "blockDeviceMapping":
            return super().describe_instance_attribute()
        (instance,) = known_instances(self.ec2_backend, [self._get_param("InstanceId")])
        mappings = instance.block_device_mappings
        return ActionResult({"InstanceId": instance.id, "BlockDeviceMappings": mappings})

    def modify_instance_attribute(self) -> ActionResult:
        """Modify one attribute; a block device must be one that the instance has.

        EC2 API error codes, ``InvalidInstanceAttributeValue``.
        """
        (instance,) = known_instances(self.ec2_backend, [self._get_param("InstanceId")])
        for mapping in self._get_param("BlockDeviceMappings", []):
            device = mapping.get("DeviceName")
            if device not in instance.block_device_mapping:
                message = f"No device is currently mapped at {device}"
                raise AwsError("InvalidInstanceAttributeValue", message)
        return super().modify_instance_attribute()
