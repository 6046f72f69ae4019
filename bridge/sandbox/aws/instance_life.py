"""How an emulated instance comes up, goes down and goes away: in time, and not always.

The states: EC2 User Guide, "Amazon EC2 instance state changes". Why a start or stop failed is
told by ``StateReason`` (EC2 API reference, StateReason).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.ec2.models.instances import Instance, StateReason
from moto.elbv2 import elbv2_backends

from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.instance_rules import enter, give_reason
from bridge.sandbox.transitions import LateFailure

LAUNCH = "Launch"
"""The process of an Auto Scaling group that launches instances."""
_USER_SHUTDOWN = "Client.UserInitiatedShutdown"
_INTERNAL = "Server.InternalError"
_NO_CAPACITY = "Server.InsufficientInstanceCapacity"


@dataclass(frozen=True, slots=True)
class InstanceLife:
    """The changes of state of one account's instances."""

    cloud: Cloud

    @contextmanager
    def launching(self, backend: Any) -> Iterator[None]:
        """Let the instances that are launched within come up as EC2's do.

        They are ``pending`` first, and each has a volume at its root device.
        """
        before = set(backend.reservations)
        yield
        for reservation_id in set(backend.reservations) - before:
            for instance in backend.reservations[reservation_id].instances:
                _give_root_volume(instance)
                self.cloud.never_ran.add(instance.id)
                self.come_up(instance)

    def come_up(self, instance: Instance) -> None:
        """Begin to run; one that fails stops again, by default for lack of capacity.

        EC2 User Guide, "Troubleshoot instance launch issues": StartInstances can be accepted
        and end in ``stopped`` with ``Server.InsufficientInstanceCapacity``.
        """
        enter(instance, "pending")
        instance.launch_time = self.cloud.clock()
        instance.state_reason = StateReason("pending", "pending")

        def running() -> None:
            enter(instance, "running")
            instance.state_reason = StateReason()
            self.cloud.never_ran.discard(instance.id)

        def stays_down(failure: LateFailure) -> None:
            instance.stop()
            _explain(instance, failure, _NO_CAPACITY)

        self._later(instance, running, stays_down)

    def go_down(self, instance: Instance) -> None:
        """Begin to stop; one that fails goes on running."""
        enter(instance, "stopping")
        reason = self._note_shutdown(instance)

        def stopped() -> None:
            instance.stop()
            give_reason(instance, reason)

        def goes_on(failure: LateFailure) -> None:
            enter(instance, "running")
            _explain(instance, failure, _INTERNAL)

        self._later(instance, stopped, goes_on)

    def go_away(self, instance: Instance) -> None:
        """Begin to terminate; one that fails is as it was before."""
        was = instance.state
        enter(instance, "shutting-down")
        reason = self._note_shutdown(instance)
        backend = instance.ec2_backend
        elbv2_backends[backend.account_id][backend.region_name].notify_terminate_instances(
            [instance.id]
        )
        self._be_replaced(instance)

        def forgotten() -> None:
            forget(instance)

        def terminated() -> None:
            volumes = [block.volume_id for block in instance.block_device_mapping.values()]
            instance.terminate()
            give_reason(instance, reason)
            leave_group(instance)
            self.cloud.never_ran.discard(instance.id)
            for interface in instance.nics.values():
                backend.enis.pop(interface.id, None)
            for volume_id in volumes:
                if volume_id not in backend.volumes:
                    backend.tags.pop(volume_id, None)
            self.cloud.transitions.begin(
                instance.id, self.cloud.terminated_visible_seconds, forgotten
            )

        def stays(failure: LateFailure) -> None:
            enter(instance, was)
            _explain(instance, failure, _INTERNAL)

        self._later(instance, terminated, stays)

    def _be_replaced(self, instance: Instance) -> None:
        """Let its Auto Scaling group launch another, unless that process is suspended."""
        for group in groups_of(instance):
            for member in group.instance_states:
                if member.instance is instance:
                    member.lifecycle_state = "Terminating"
            self.fill(group)

    def fill(self, group: Any) -> None:
        """Launch what an Auto Scaling group lacks, unless that process is suspended.

        Auto Scaling User Guide, "Suspend and resume processes": without ``Launch`` a group
        launches nothing, also in the place of what it loses.
        """
        if LAUNCH not in {one["ProcessName"] for one in group.suspended_processes}:
            with self.launching(group.autoscaling_backend.ec2_backend):
                group.set_desired_capacity(group.desired_capacity)

    def _note_shutdown(self, instance: Instance) -> str:
        """Note who stopped it and when, as EC2 does from the moment of the request on."""
        when = self.cloud.clock().strftime("%Y-%m-%d %H:%M:%S GMT")
        reason = f"User initiated ({when})"
        give_reason(instance, reason)
        message = f"{_USER_SHUTDOWN}: User initiated shutdown"
        instance.state_reason = StateReason(message, _USER_SHUTDOWN)
        return reason

    def _later(
        self, instance: Instance, finish: Callable[[], None], fail: Callable[[LateFailure], None]
    ) -> None:
        seconds = self.cloud.transition_seconds
        self.cloud.transitions.begin(instance.id, seconds, finish, fail)


def groups_of(instance: Instance) -> list[Any]:
    """Answer the Auto Scaling groups that have the instance: none or one."""
    backend = instance.ec2_backend
    groups = autoscaling_backends[backend.account_id][backend.region_name].autoscaling_groups
    return [
        group
        for group in groups.values()
        if any(member.instance is instance for member in group.instance_states)
    ]


def leave_group(instance: Instance) -> None:
    """Take the instance out of its Auto Scaling group."""
    for group in groups_of(instance):
        group.instance_states = [m for m in group.instance_states if m.instance is not instance]


def forget(instance: Instance) -> None:
    """Describe the instance no longer."""
    backend = instance.ec2_backend
    for reservation_id, reservation in list(backend.reservations.items()):
        if instance in reservation.instances:
            reservation.instances.remove(instance)
            if not reservation.instances:
                del backend.reservations[reservation_id]
    backend.tags.pop(instance.id, None)


def _explain(instance: Instance, failure: LateFailure, usual: str) -> None:
    """Say why a change failed: ``usual``, or the code that the failure was asked for with."""
    code = usual
    if failure.code != "InternalError":
        by_whom = failure.code.startswith(("Server.", "Client."))
        code = failure.code if by_whom else f"Server.{failure.code}"
    instance.state_reason = StateReason(f"{code}: {failure.message}", code)
    give_reason(instance, f"{code}: {failure.message}")


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
