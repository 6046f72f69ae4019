"""Disks: list and delete (Compute Engine API reference, disks)."""

from __future__ import annotations

from bridge.sandbox.gcp import listing
from bridge.sandbox.gcp.attachments import IN_USE
from bridge.sandbox.gcp.cloud import Cloud, Resource, path_of
from bridge.sandbox.gcp.errors import GoogleError
from bridge.sandbox.gcp.instances import in_scope
from bridge.sandbox.gcp.operations import Operation, begin
from bridge.sandbox.gcp.request import GcpRequest
from bridge.sandbox.transitions import LateFailure


def list_zone(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the disks of a zone."""
    return listing.listed(asked, in_scope(cloud, asked), "compute#disk")


def list_all(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the disks of every zone."""
    return listing.aggregated(asked, list(cloud.held("disks").values()), "compute#disk")


def delete(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Delete a disk that no instance uses (disks.delete)."""
    disk = cloud.get(asked.path)
    if disk.get("users"):
        raise GoogleError(400, IN_USE, _in_use(disk, asked.path))
    disk["status"] = "DELETING"

    def fail() -> None:
        disk["status"] = "READY"

    def finish() -> LateFailure | None:
        if disk.get("users"):
            fail()
            code = "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
            return LateFailure(code, _in_use(disk, asked.path))
        cloud.remove(asked.path)
        return None

    return begin(cloud, asked, finish, fail)


def _in_use(disk: Resource, path: str) -> str:
    user = path_of(disk["users"][0], "users")
    return f"The disk resource '{path}' is already being used by '{user}'"
