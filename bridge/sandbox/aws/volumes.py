"""EBS attachments that take time to come and go, over moto's, which change at once.

The states: EC2 API reference, VolumeAttachment (``attaching``, ``attached``, ``detaching``,
``detached``) and Volume (``available``, ``in-use``). Error codes: EC2 API error codes.
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import Volume, VolumeAttachment
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.instance_rules import known_instances
from bridge.sandbox.transitions import LateFailure

BUSY = "busy"
_VOLUME_ID = re.compile(r"vol-([0-9a-f]{8}|[0-9a-f]{17})")


def known_volumes(backend: Any, volume_ids: list[str]) -> list[Volume]:
    """Answer the volumes, or refuse with ``InvalidVolume.NotFound`` naming those missing."""
    for volume_id in volume_ids:
        if not _VOLUME_ID.fullmatch(volume_id):
            message = f"Value ({volume_id}) for parameter volumeId is invalid."
            raise AwsError("InvalidParameterValue", message)
    missing = [volume_id for volume_id in volume_ids if volume_id not in backend.volumes]
    if len(missing) == 1:
        raise AwsError("InvalidVolume.NotFound", f"The volume '{missing[0]}' does not exist.")
    if missing:
        message = f"The volumes '{', '.join(missing)}' do not exist."
        raise AwsError("InvalidVolume.NotFound", message)
    return [backend.volumes[volume_id] for volume_id in volume_ids]


def refuse_attached(volume: Volume) -> None:
    """Refuse to attach twice: ``VolumeInUse``."""
    if volume.attachment:
        raise AwsError("VolumeInUse", f"{volume.id} is already attached to an instance")


def refuse_unready(instance: Instance) -> None:
    """Refuse to attach to what is neither running nor stopped.

    EC2 API reference, AttachVolume: "to a running or stopped instance".
    """
    if instance.state not in ("running", "stopped"):
        raise AwsError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")


def refuse_other_zone(volume: Volume, instance: Instance) -> None:
    """Refuse to attach across Availability Zones: ``InvalidVolume.ZoneMismatch``."""
    if volume.availability_zone != instance.availability_zone:
        message = (
            f"The volume '{volume.id}' is not in the same availability zone as instance "
            f"'{instance.id}'"
        )
        raise AwsError("InvalidVolume.ZoneMismatch", message)


def refuse_taken_device(instance: Instance, device: str) -> None:
    """Refuse a device name under which another volume is attached: ``InvalidParameterValue``."""
    if device in instance.block_device_mapping:
        message = (
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )
        raise AwsError("InvalidParameterValue", message)


def attachment_of(volume: Volume) -> VolumeAttachment:
    """Answer the attachment, or refuse with ``IncorrectState`` where there is none to undo."""
    attachment = volume.attachment
    if attachment is None:
        message = f"Volume '{volume.id}' is in the 'available' state."
        raise AwsError("IncorrectState", message)
    if attachment.status == "detaching":
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is in the 'detaching' state.")
    return attachment


def refuse_other_place(
    attachment: VolumeAttachment, instance_id: str | None, device: str | None
) -> None:
    """Refuse to detach from where the volume is not: ``InvalidAttachment.NotFound``."""
    here = instance_id in (None, attachment.instance_id) and device in (None, attachment.device)
    if not here:
        place = f"instance '{instance_id or attachment.instance_id}'"
        place += f" as device '{device}'" if device else ""
        message = f"The volume '{attachment.volume_id}' is not attached to {place}."
        raise AwsError("InvalidAttachment.NotFound", message)


def refuse_live_root(attachment: VolumeAttachment) -> None:
    """Refuse to detach the root volume unless its instance is stopped.

    EC2 API reference, DetachVolume: "it can't be detached while the instance is running".
    ``Force`` does not change that.
    """
    instance = attachment.instance
    if attachment.device == instance.root_device_name and instance.state != "stopped":
        message = (
            f"Unable to detach root volume '{attachment.volume_id}' from instance '{instance.id}'"
        )
        raise AwsError("OperationNotPermitted", message)


class VolumeRules(ElasticBlockStore):
    """The volume operations with attachments that take time."""

    cloud: Cloud

    def describe_volumes(self) -> ActionResult:
        """Describe volumes; attachments say whether they end with their instance."""
        backend = self.ec2_backend
        known_volumes(backend, self._get_param("VolumeIds", []))
        for volume in backend.volumes.values():
            if volume.attachment:
                block = volume.attachment.instance.block_device_mapping[volume.attachment.device]
                volume.attachment.delete_on_termination = block.delete_on_termination
        return super().describe_volumes()

    def attach_volume(self) -> ActionResult:
        """Attach a volume, which from now on outlives its instance unless told otherwise.

        EC2 User Guide, "Preserve data when an instance is terminated": a volume attached
        after the launch has ``DeleteOnTermination`` false.
        """
        backend = self.ec2_backend
        (volume,) = known_volumes(backend, [self._get_param("VolumeId")])
        (instance,) = known_instances(backend, [self._get_param("InstanceId")])
        device = self._get_param("Device")
        refuse_attached(volume)
        refuse_unready(instance)
        refuse_other_zone(volume, instance)
        refuse_taken_device(instance, device)
        self.error_on_dryrun()
        attachment = backend.attach_volume(volume.id, instance.id, device)
        attachment.attach_time = self.cloud.clock()
        block = instance.block_device_mapping[device]
        block.attach_time = attachment.attach_time
        attachment.status = block.status = "attaching"

        def attached() -> None:
            attachment.status = "attached"
            block.status = "in-use"

        def stays_away(_: LateFailure) -> None:
            if volume.attachment is attachment:
                backend.detach_volume(volume.id, instance.id, device)

        self.cloud.transitions.begin(volume.id, self.cloud.transition_seconds, attached, stays_away)
        return _described(attachment, delete_on_termination=False)

    def detach_volume(self) -> ActionResult:
        """Detach a volume from where it is; instance and device only narrow it down.

        One that is told to fail late stays attached, and ``busy`` if that is the error's code.
        """
        backend = self.ec2_backend
        (volume,) = known_volumes(backend, [self._get_param("VolumeId")])
        attachment = attachment_of(volume)
        refuse_other_place(attachment, self._get_param("InstanceId"), self._get_param("Device"))
        refuse_live_root(attachment)
        self.error_on_dryrun()
        instance, device = attachment.instance, attachment.device
        block = instance.block_device_mapping[device]
        attachment.status = block.status = "detaching"

        def detached() -> None:
            if volume.attachment is attachment:
                backend.detach_volume(volume.id, instance.id, device)

        def stays(failure: LateFailure) -> None:
            # EC2 API reference, VolumeAttachment: ``busy`` while the instance still uses it.
            busy = failure.code == BUSY
            attachment.status, block.status = (BUSY, BUSY) if busy else ("attached", "in-use")

        self.cloud.transitions.begin(volume.id, self.cloud.transition_seconds, detached, stays)
        return _described(attachment, delete_on_termination=block.delete_on_termination)

    def delete_volume(self) -> ActionResult:
        """Delete a volume together with its tags, which moto keeps."""
        (volume,) = known_volumes(self.ec2_backend, [self._get_param("VolumeId")])
        result = super().delete_volume()
        self.ec2_backend.tags.pop(volume.id, None)
        return result


def _described(attachment: VolumeAttachment, *, delete_on_termination: bool) -> ActionResult:
    return ActionResult(
        {
            "VolumeId": attachment.volume_id,
            "InstanceId": attachment.instance_id,
            "Device": attachment.device,
            "State": attachment.status,
            "AttachTime": attachment.attach_time,
            "DeleteOnTermination": delete_on_termination,
        }
    )
