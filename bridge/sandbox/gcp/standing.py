"""What is asked for and never changed by a request: operations, zones and the project."""

from __future__ import annotations

from bridge.sandbox.gcp import listing
from bridge.sandbox.gcp.cloud import LINK, PROJECT_NUMBER, REGION, ZONES, Cloud, Resource, link
from bridge.sandbox.gcp.errors import not_found
from bridge.sandbox.gcp.request import GcpRequest


def operation(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer how far an operation is (zoneOperations.get and its like)."""
    found = cloud.operations.get(asked.path)
    if found is None:
        raise not_found(asked.path)
    return found.render(cloud.clock())


def operations(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the operations of a zone, a region, or the global ones."""
    now = cloud.clock()
    rows = [each.render(now) for each in cloud.operations.values() if each.scope == asked.scope]
    return listing.listed(asked, rows, "compute#operation")


def _zone(cloud: Cloud, name: str) -> Resource:
    path = f"projects/{cloud.project}/zones/{name}"
    return {
        "kind": "compute#zone",
        "id": str(2000 + ZONES.index(name)),
        "name": name,
        "description": name,
        "status": "UP",
        "region": f"{LINK}projects/{cloud.project}/regions/{REGION}",
        "selfLink": link(path),
    }


def zone(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer one zone (zones.get)."""
    if asked.name not in ZONES:
        raise not_found(asked.path)
    return _zone(cloud, asked.name)


def zones(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the zones (zones.list)."""
    return listing.listed(asked, [_zone(cloud, name) for name in ZONES], "compute#zone")


def project(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer the project (projects.get)."""
    return {
        "kind": "compute#project",
        "id": PROJECT_NUMBER,
        "name": asked.project,
        "selfLink": f"{LINK}projects/{cloud.project}",
        "defaultNetworkTier": "PREMIUM",
    }


def test_permissions(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer which of the named permissions the caller has (testIamPermissions)."""
    cloud.get(asked.path)
    wanted = asked.taken("permissions").get("permissions", [])
    granted = [permission for permission in wanted if asked.may(permission)]
    return {"permissions": granted} if granted else {}
