"""Managed instance groups and their members.

Compute Engine API reference, instanceGroupManagers and regionInstanceGroupManagers. Not
emulated: that a group repairs a member which somebody else stopped or deleted.
"""

from __future__ import annotations

import copy

from bridge.sandbox.gcp import inventory, listing
from bridge.sandbox.gcp.cloud import (
    PROJECT_NUMBER,
    REGION,
    ZONES,
    Cloud,
    Resource,
    fingerprint,
    link,
    name_of,
    scope_of,
)
from bridge.sandbox.gcp.instances import in_scope
from bridge.sandbox.gcp.request import GcpRequest

KIND = "compute#instanceGroupManager"
ACTIONS = {
    "NONE": "none",
    "CREATING": "creating",
    "DELETING": "deleting",
    "RECREATING": "recreating",
    "REFRESHING": "refreshing",
    "RESTARTING": "restarting",
    "ABANDONING": "abandoning",
    "VERIFYING": "verifying",
}
_LETTERS = "bcdfghjklmnpqrstvwxz0123456789"


def get(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer one group."""
    cloud.get(asked.path)
    return rendered(cloud, asked.path)


def list_scope(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the groups of a zone or region."""
    rows = [rendered(cloud, _path(each)) for each in in_scope(cloud, asked)]
    return listing.listed(asked, rows, KIND)


def list_all(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the groups of every zone and region."""
    rows = [rendered(cloud, path) for path in cloud.held("instanceGroupManagers")]
    return listing.aggregated(asked, rows, KIND, regional=True)


def rendered(cloud: Cloud, path: str) -> Resource:
    """Answer a group with the counts of what it is doing."""
    group = copy.deepcopy(cloud.get(path))
    counts = dict.fromkeys(ACTIONS.values(), 0)
    for action in members(cloud, path).values():
        counts[ACTIONS[action]] += 1
    group["currentActions"] = {**counts, "creatingWithoutRetries": 0}
    stable = counts["none"] == group["targetSize"] == sum(counts.values())
    group["status"] = {"isStable": stable, "versionTarget": {"isReached": True}}
    return group


def members(cloud: Cloud, path: str) -> dict[str, str]:
    """Answer a group's instances by path with what is being done to them, those gone left out."""
    held = cloud.members[path]
    for instance in [each for each in held if cloud.find(each) is None]:
        del held[instance]
    return held


def list_members(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the instances of a group (listManagedInstances)."""
    cloud.get(asked.path)
    rows = [
        _member(cloud.get(path), action, cloud.get(asked.path))
        for path, action in members(cloud, asked.path).items()
    ]
    page, token = listing.page(asked, rows, "managedInstances")
    answer: Resource = {"managedInstances": page} if page else {}
    if token:
        answer["nextPageToken"] = token
    return answer


def _member(instance: Resource, action: str, group: Resource) -> Resource:
    return {
        "name": instance["name"],
        "id": instance["id"],
        "instance": instance["selfLink"],
        "instanceStatus": instance["status"],
        "currentAction": action,
        "version": {"instanceTemplate": group["instanceTemplate"]},
    }


def make(
    cloud: Cloud, name: str, scope: str, size: int, labels: dict[str, str] | None = None
) -> Resource:
    """Make a group at once, with its instances running. ``scope`` is ``zones/Z`` or a region's."""
    path = cloud.path(scope, "instanceGroupManagers", name)
    place, _, where = scope.partition("/")
    content: Resource = {
        "kind": KIND,
        place[:-1]: link(f"projects/{cloud.project}/{scope}"),
        "baseInstanceName": name,
        "instanceGroup": link(cloud.path(scope, "instanceGroups", name)),
        "instanceTemplate": link(cloud.path("global", "instanceTemplates", f"{name}-template")),
        "targetSize": size,
        "fingerprint": fingerprint([name, size]),
        "listManagedInstancesResults": "PAGELESS",
    }
    if place == "regions":
        zones = [{"zone": link(f"projects/{cloud.project}/zones/{zone}")} for zone in ZONES]
        content["distributionPolicy"] = {"zones": zones, "targetShape": "EVEN"}
    cloud.put(path, content)
    cloud.members[path] = {}
    for number in range(size):
        zone = where if place == "zones" else ZONES[number % len(ZONES)]
        add_member(cloud, path, new_name(cloud, path), zone, labels=labels)
    return content


def new_name(cloud: Cloud, path: str) -> str:
    """Answer a name for a new member: the base name and four characters, not yet in use."""
    base, number = cloud.get(path)["baseInstanceName"], int(cloud.new_id())
    taken = {name_of(each) for each in cloud.held("instances")}
    while True:
        letters = ""
        for _ in range(4):
            number, digit = divmod(number * 7919, len(_LETTERS))
            letters += _LETTERS[digit]
        if f"{base}-{letters}" not in taken:
            return f"{base}-{letters}"


def add_member(
    cloud: Cloud,
    path: str,
    name: str,
    zone: str,
    *,
    status: str = "RUNNING",
    action: str = "NONE",
    labels: dict[str, str] | None = None,
) -> Resource:
    """Make an instance of a group, which names the group in its metadata as ``created-by``.

    There the project goes by its number, as the real groups write it.
    """
    made = inventory.instance(cloud, name, zone, status=status, labels=labels)
    group = f"projects/{PROJECT_NUMBER}/{scope_of(path)}/instanceGroupManagers/{name_of(path)}"
    made["metadata"]["items"] = [{"key": "created-by", "value": group}]
    cloud.members[path][_path(made)] = action
    return made


def _path(resource: Resource) -> str:
    return str(resource["selfLink"]).partition("/compute/v1/")[2]


def default_zone(scope: str, number: int) -> str:
    """Answer the zone of a group's new member, taking a region's zones in turn."""
    return ZONES[number % len(ZONES)] if scope == f"regions/{REGION}" else name_of(scope)
