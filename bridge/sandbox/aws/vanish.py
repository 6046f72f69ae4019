"""Resources that somebody else deletes meanwhile: at once, and without a trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.ec2 import ec2_backends

from bridge.sandbox.aws.cloud import ACCOUNT_ID, Cloud
from bridge.sandbox.aws.instance_life import forget, leave_group

_ID = re.compile(r"(?:i|vol|sg)-[0-9a-f]{8,17}")
_GROUP_NAMES = re.compile(
    r"AutoScalingGroupName|AutoScalingGroupNames\.member\.\d+|Tags\.member\.\d+\.ResourceId"
)


def delete_named(cloud: Cloud, region: str, parameters: Mapping[str, str]) -> None:
    """Delete every instance, volume, security group and Auto Scaling group that is named.

    ``parameters`` are a request's, by name. Other kinds of resources stay.
    """
    ec2 = ec2_backends[ACCOUNT_ID][region]
    scaling = autoscaling_backends[ACCOUNT_ID][region]
    for name, value in parameters.items():
        if _GROUP_NAMES.fullmatch(name):
            _delete_scaling_group(cloud, scaling, value)
        if _ID.fullmatch(value):
            _delete(cloud, ec2, value)


def _delete(cloud: Cloud, ec2: Any, plain: str) -> None:
    cloud.transitions.give_up(plain)
    if plain.startswith("i-"):
        instances = {instance.id: instance for instance in ec2.all_instances()}
        if plain in instances:
            _delete_instances(cloud, ec2, [instances[plain]])
    elif plain.startswith("vol-"):
        volume = ec2.volumes.pop(plain, None)
        if volume is not None and volume.attachment:
            volume.attachment.instance.block_device_mapping.pop(volume.attachment.device, None)
    else:
        for groups in ec2.groups.values():
            groups.pop(plain, None)
        for interface in ec2.enis.values():
            interface._group_set = [  # noqa: SLF001 - moto has no other way
                group
                for group in interface._group_set  # noqa: SLF001 - as above
                if group.id != plain
            ]
    ec2.tags.pop(plain, None)


def _delete_instances(cloud: Cloud, ec2: Any, instances: Iterable[Any]) -> None:
    for instance in instances:
        cloud.transitions.give_up(instance.id)
        cloud.never_ran.discard(instance.id)
        leave_group(instance)
        for block in list(instance.block_device_mapping.values()):
            volume = ec2.volumes.get(block.volume_id)
            if volume is None:
                continue
            cloud.transitions.give_up(volume.id)
            if block.delete_on_termination:
                del ec2.volumes[volume.id]
                ec2.tags.pop(volume.id, None)
            else:
                volume.attachment = None
        for interface in instance.nics.values():
            ec2.enis.pop(interface.id, None)
        forget(instance)


def _delete_scaling_group(cloud: Cloud, scaling: Any, name: str) -> None:
    group = scaling.autoscaling_groups.pop(name, None)
    if group is not None:
        _delete_instances(cloud, scaling.ec2_backend, [m.instance for m in group.instance_states])
