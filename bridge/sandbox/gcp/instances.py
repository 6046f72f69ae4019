"""The life of instances: start, stop, suspend, resume, reset and delete.

Compute Engine, "Instance life cycle", and the API reference's page of each method
(instances.start, .stop, .suspend, .resume, .reset, .delete). Our choices, where these are
silent: what is in a state from which the method cannot proceed is refused with 400
``resourceNotReady``; so is a change of state while another is under way, except delete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.sandbox.gcp import listing
from bridge.sandbox.gcp.cloud import Cloud, Resource, name_of, path_of
from bridge.sandbox.gcp.errors import GoogleError, not_ready
from bridge.sandbox.gcp.operations import Operation, begin, nothing
from bridge.sandbox.gcp.request import GcpRequest

KIND = "compute#instance"
COMING_UP = ("PROVISIONING", "STAGING")


@dataclass(frozen=True, slots=True)
class _Change:
    """From which states a method proceeds, through which, into which.

    In ``already`` and ``on_the_way`` the request is accepted and changes nothing more:
    starting what runs and stopping what is stopped are no errors.
    """

    before: tuple[str, ...]
    through: str
    after: str
    already: tuple[str, ...] = ()
    timestamp: str = ""


_CHANGES = {
    "start": _Change(
        ("TERMINATED",), "PROVISIONING", "RUNNING", ("RUNNING", *COMING_UP), "lastStartTimestamp"
    ),
    "stop": _Change(
        ("RUNNING", "SUSPENDED"),
        "STOPPING",
        "TERMINATED",
        ("TERMINATED", "STOPPING"),
        "lastStopTimestamp",
    ),
    "suspend": _Change(("RUNNING",), "SUSPENDING", "SUSPENDED", timestamp="lastSuspendedTimestamp"),
    "resume": _Change(("SUSPENDED",), "PROVISIONING", "RUNNING", timestamp="lastStartTimestamp"),
}


def change_power(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Start, stop, suspend or resume one instance."""
    instance = cloud.get(asked.path)
    method = asked.operation.split(".")[-1]
    change = _CHANGES[method]
    before = instance["status"]
    if before in change.already:
        return begin(cloud, asked, nothing, nothing)
    if before not in change.before:
        raise not_ready(asked.path)
    if method in ("stop", "suspend"):
        _refuse_undecided_ssd(instance, asked)
    if method == "start" and not any(disk["boot"] for disk in instance["disks"]):
        raise not_ready(asked.path)  # the wording is our choice
    instance["status"] = change.through

    def finish() -> None:
        if instance["status"] in (change.through, *COMING_UP):
            instance["status"] = change.after
            instance[change.timestamp] = cloud.now()

    def fail() -> None:
        if instance["status"] in (change.through, *COMING_UP):
            instance["status"] = before

    operation = begin(cloud, asked, finish, fail)
    if change.through in COMING_UP:
        _stage(cloud, asked.path, instance)
    return operation


def _stage(cloud: Cloud, path: str, instance: Resource) -> None:
    """Let an instance pass from PROVISIONING to STAGING half-way."""

    def stage() -> None:
        if instance["status"] == "PROVISIONING":
            instance["status"] = "STAGING"

    cloud.transitions.begin(f"{path} staging", cloud.transition_seconds / 2, stage)


def _refuse_undecided_ssd(instance: Resource, asked: GcpRequest) -> None:
    """Refuse to take down what has a Local SSD without saying what becomes of its data.

    Compute Engine, "Stop a VM with Local SSD": the flag must be given. ``false`` asks to keep
    the data, which the emulator takes as well.
    """
    undecided = asked.flag("discardLocalSsd") is None
    if undecided and any(disk["type"] == "SCRATCH" for disk in instance["disks"]):
        message = (
            "VM has a Local SSD attached but an undefined value for `discard-local-ssd`. Set "
            "discardLocalSsd to true or false."
        )
        raise GoogleError(400, "badRequest", message)


def reset(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Reset a running instance, whose status does not change (instances.reset)."""
    if cloud.get(asked.path)["status"] != "RUNNING":
        raise not_ready(asked.path)
    return begin(cloud, asked, nothing, nothing)


def delete(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Delete an instance, and those of its disks that are to go with it."""
    instance = cloud.get(asked.path)
    if instance["deletionProtection"]:
        message = (
            "Invalid resource usage: 'Resource cannot be deleted if it's protected against "
            "deletion.'."
        )
        raise GoogleError(400, "invalidResourceUsage", message)
    before = instance["status"]
    instance["status"] = "STOPPING"

    def fail() -> None:
        if instance["status"] == "STOPPING":
            instance["status"] = before

    return begin(cloud, asked, lambda: remove(cloud, asked.path), fail)


def remove(cloud: Cloud, path: str) -> None:
    """Forget an instance: its disks are let go, or go with it by ``autoDelete``."""
    instance = cloud.find(path)
    if instance is None:
        return
    cloud.remove(path)
    for attached in instance["disks"]:
        if "source" in attached:
            disk = path_of(attached["source"], "source")
            release(cloud, disk, instance["selfLink"])
            if attached["autoDelete"] and "users" not in (cloud.find(disk) or {}):
                cloud.remove(disk)


def release(cloud: Cloud, disk_path: str, instance_link: str) -> None:
    """Take an instance off the ``users`` of a disk."""
    disk = cloud.find(disk_path)
    if disk is None:
        return
    users = [user for user in disk.get("users", []) if user != instance_link]
    if users:
        disk["users"] = users
    else:
        disk.pop("users", None)
        disk["lastDetachTimestamp"] = cloud.now()


def list_zone(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the instances of a zone."""
    return listing.listed(asked, in_scope(cloud, asked), "compute#instance")


def list_all(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the instances of every zone."""
    return listing.aggregated(asked, list(cloud.held("instances").values()), "compute#instance")


def in_scope(cloud: Cloud, asked: GcpRequest) -> list[dict[str, Any]]:
    """Answer the resources of the collection and scope that the URL names."""
    prefix = asked.path
    held = cloud.held(asked.collection)
    return [each for path, each in held.items() if path.removesuffix(name_of(path)) == prefix]


def get(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer the resource that the URL names."""
    return cloud.get(asked.path)
