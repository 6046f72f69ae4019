"""Which IAM permissions each method asks for.

Compute Engine API reference v1, "IAM Permissions" of each method's page. What the reference
does not settle for us: that ``listManagedInstances`` is covered by the manager's ``get``
rather than by ``list``, and that ``detachDisk`` asks for nothing on the disk. Not emulated:
``iam.serviceAccounts.actAs``, which attaching a disk to, or starting, an instance that runs as
a service account needs besides (no instance here does).
"""

from __future__ import annotations

from bridge.sandbox.gcp.errors import GoogleError
from bridge.sandbox.gcp.policies import GET_TOKEN
from bridge.sandbox.gcp.request import GcpRequest

_LIKE_THEIR_NAME = {
    "instances": "get list start stop suspend resume reset delete setLabels setTags detachDisk "
    "setDiskAutoDelete",
    "disks": "get list setLabels delete",
    "firewalls": "get list",
    "networks": "get list",
    "zoneOperations": "get list",
    "regionOperations": "get list",
    "globalOperations": "get list",
    "instanceGroupManagers": "get list",
    "zones": "get list",
    "projects": "get",
}
_RIGHTS: dict[str, tuple[str, ...]] = {
    f"{collection}.{method}": (f"compute.{collection}.{method}",)
    for collection, methods in _LIKE_THEIR_NAME.items()
    for method in methods.split()
} | {
    "instances.aggregatedList": ("compute.instances.list",),
    "disks.aggregatedList": ("compute.disks.list",),
    "instanceGroupManagers.aggregatedList": ("compute.instanceGroupManagers.list",),
    "firewalls.insert": ("compute.firewalls.create", "compute.networks.updatePolicy"),
    "firewalls.delete": ("compute.firewalls.delete", "compute.networks.updatePolicy"),
    "instances.testIamPermissions": (),
    "disks.testIamPermissions": (),
    "generateAccessToken": (GET_TOKEN,),
    "projects.testIamPermissions": (),
    "projects.getIamPolicy": ("resourcemanager.projects.getIamPolicy",),
    "projects.setIamPolicy": ("resourcemanager.projects.setIamPolicy",),
    "projects.roles.get": ("iam.roles.get",),
    "projects.roles.create": ("iam.roles.create",),
    "projects.roles.patch": ("iam.roles.update",),
    "projects.serviceAccounts.getIamPolicy": ("iam.serviceAccounts.getIamPolicy",),
    "projects.serviceAccounts.setIamPolicy": ("iam.serviceAccounts.setIamPolicy",),
}
_GROUPS = ("instanceGroupManagers", "regionInstanceGroupManagers")
_GROUP_METHODS = {
    "get": "get",
    "list": "list",
    "listManagedInstances": "get",
    "deleteInstances": "update",
    "recreateInstances": "update",
    "resize": "update",
}
for _group in _GROUPS:
    for _method, _right in _GROUP_METHODS.items():
        _RIGHTS[f"{_group}.{_method}"] = (f"compute.instanceGroupManagers.{_right}",)


def rights(asked: GcpRequest) -> tuple[str, ...]:
    """Answer the permissions that a request needs."""
    if asked.operation == "instances.attachDisk":
        try:
            shared = asked.body().get("mode") == "READ_ONLY"
        except GoogleError:
            shared = False
        use = "compute.disks.useReadOnly" if shared else "compute.disks.use"
        return ("compute.instances.attachDisk", use)
    if asked.operation == "projects.roles.get" and asked.project == "-":
        return ()  # anybody may read what a predefined role holds
    return _RIGHTS.get(asked.operation, ())
