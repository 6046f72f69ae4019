"""EC2's instance operations over moto's, which know neither time nor a wrong state."""

from __future__ import annotations

import copy
from collections.abc import Callable

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.instances import Instance, InstanceState, StateReason
from moto.ec2.responses.instances import InstanceResponse

from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.instance_rules import (
    GONE,
    enter,
    give_reason,
    known_instances,
    refuse_rootless,
    refuse_unrebootable,
    refuse_unstartable,
    refuse_unstoppable,
    unprotected_zones,
)

_USER_SHUTDOWN = "Client.UserInitiatedShutdown"


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
        before = set(self.ec2_backend.reservations)
        result = super().run_instances()
        for reservation_id in set(self.ec2_backend.reservations) - before:
            for instance in self.ec2_backend.reservations[reservation_id].instances:
                _give_root_volume(instance)
                instance.launch_time = self.cloud.clock()
                self.cloud.never_ran.add(instance.id)
                self._come_up(instance)
        return result

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
                instance.launch_time = self.cloud.clock()
                self._come_up(instance)
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
                self._go_down(instance)
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
                self._go_away(instance)
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

    def _come_up(self, instance: Instance) -> None:
        enter(instance, "pending")
        instance.state_reason = StateReason("pending", "pending")

        def running() -> None:
            enter(instance, "running")
            instance.state_reason = StateReason()
            self.cloud.never_ran.discard(instance.id)

        self._later(instance, self.cloud.transition_seconds, running)

    def _go_down(self, instance: Instance) -> None:
        enter(instance, "stopping")
        reason = self._note_shutdown(instance)

        def stopped() -> None:
            instance.stop()
            give_reason(instance, reason)

        self._later(instance, self.cloud.transition_seconds, stopped)

    def _go_away(self, instance: Instance) -> None:
        from moto.autoscaling import autoscaling_backends
        from moto.elbv2 import elbv2_backends

        enter(instance, "shutting-down")
        reason = self._note_shutdown(instance)
        for backends in (autoscaling_backends, elbv2_backends):
            backends[self.current_account][self.region].notify_terminate_instances([instance.id])
        backend = self.ec2_backend

        def vanish() -> None:
            for reservation_id, reservation in list(backend.reservations.items()):
                if instance in reservation.instances:
                    reservation.instances.remove(instance)
                    if not reservation.instances:
                        del backend.reservations[reservation_id]
            backend.tags.pop(instance.id, None)

        def terminated() -> None:
            volumes = [block.volume_id for block in instance.block_device_mapping.values()]
            instance.terminate()
            give_reason(instance, reason)
            self.cloud.never_ran.discard(instance.id)
            for volume_id in volumes:
                if volume_id not in backend.volumes:
                    backend.tags.pop(volume_id, None)
            self._later(instance, self.cloud.terminated_visible_seconds, vanish)

        self._later(instance, self.cloud.transition_seconds, terminated)

    def _note_shutdown(self, instance: Instance) -> str:
        """Note who stopped it and when, as EC2 does from the moment of the request on."""
        when = self.cloud.clock().strftime("%Y-%m-%d %H:%M:%S GMT")
        reason = f"User initiated ({when})"
        give_reason(instance, reason)
        message = f"{_USER_SHUTDOWN}: User initiated shutdown"
        instance.state_reason = StateReason(message, _USER_SHUTDOWN)
        return reason

    def _later(self, instance: Instance, seconds: float, finish: Callable[[], None]) -> None:
        self.cloud.transitions.begin(instance.id, seconds, finish)


def _give_root_volume(instance: Instance) -> None:
    """Put a volume at the image's root device name, as every EBS-backed launch has one.

    moto puts its default one at /dev/sda1 whatever the image says, and none at all when the
    request maps other devices.
    """
    devices = instance.block_device_mapping
    root = instance.root_device_name or "/dev/sda1"
    if root in devices:
        return
    if list(devices) == ["/dev/sda1"]:
        devices[root] = devices.pop("/dev/sda1")
        instance.ec2_backend.volumes[devices[root].volume_id].attachment.device = root
        return
    instance.add_block_device(8, root, None, False, True, None, None)
