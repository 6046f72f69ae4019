"""Instances and volumes as EC2 describes them, by id, with their states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from providers.aws.batches import described
from providers.aws.session import AwsSession

VOLUMES_PAGE: Final = 500
"""Volumes in one DescribeVolumes answer; instances come by the thousand."""


async def instances_by_id(
    session: AwsSession, ids: Sequence[str], *, whole: bool = False
) -> dict[str, dict[str, Any]]:
    """Return the instances that exist, by plain id; ``whole`` with all their attributes.

    Raises ProviderError.
    """
    return {
        instance["InstanceId"]: instance
        for answer in await described(session, "DescribeInstances", "InstanceIds", ids, whole=whole)
        for instance in instances_of(answer)
    }


def instances_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Take the instances out of their reservations."""
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


async def volumes_by_id(session: AwsSession, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the volumes that exist, by plain id. Raises ProviderError."""
    answers = await described(session, "DescribeVolumes", "VolumeIds", ids, size=VOLUMES_PAGE)
    return {volume["VolumeId"]: volume for answer in answers for volume in answer["Volumes"]}


def state_of(instance: dict[str, Any] | None, key: str = "State") -> str:
    """Return ``running``, ``stopped`` …; an instance that is not there counts as terminated."""
    return str(instance[key]["Name"]) if instance else "terminated"
