"""Managed instance groups: their members, and the calls that act on several at once.

A zonal and a regional group have the same methods, by clients and messages of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.contract import Denial, Permission, Resource, indirect, required
from providers.gcp.clients import Body
from providers.gcp.describe import addressed, kind_of
from providers.gcp.names import Name, canonical
from providers.gcp.review import in_project, readable
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

MOST: Final = 1000
"""Instances in one call of deleteInstances and recreateInstances (API reference)."""
_PROBED: Final = 10
"""Groups that are read before a run."""
LEAVING: Final = ("ABANDONING", "DELETING")
"""Current actions of a member that will soon be none."""

GROUP_RIGHTS: Final[tuple[Permission, ...]] = (
    *required("compute.instanceGroupManagers.get", "compute.instanceGroupManagers.update"),
    *indirect(
        "compute.instances.delete",
        because="Google may ask for it besides, where a group's instances are deleted",
    ),
    *indirect(
        "compute.zoneOperations.get",
        "compute.zoneOperations.list",
        "compute.regionOperations.get",
        "compute.regionOperations.list",
        because="the operation of a change that does not show yet, or failed late, is asked for",
    ),
)

_MESSAGES: Final = {
    ("zones", "deleteInstances"): "InstanceGroupManagersDeleteInstancesRequest",
    ("zones", "recreateInstances"): "InstanceGroupManagersRecreateInstancesRequest",
    ("regions", "deleteInstances"): "RegionInstanceGroupManagersDeleteInstancesRequest",
    ("regions", "recreateInstances"): "RegionInstanceGroupManagersRecreateRequest",
}
_PARAMETERS: Final = {
    ("zones", "deleteInstances"): "instance_group_managers_delete_instances_request_resource",
    ("zones", "recreateInstances"): "instance_group_managers_recreate_instances_request_resource",
    ("regions", "deleteInstances"): (
        "region_instance_group_managers_delete_instances_request_resource"
    ),
    ("regions", "recreateInstances"): "region_instance_group_managers_recreate_request_resource",
}


def group_of(instance: Mapping[str, Any]) -> str | None:
    """Return the full name of the group that an instance belongs to, if it does.

    Google writes it into the metadata ``created-by``, with the project's number; the group is in
    the instance's own project, whose id is the name that requests and rights go by.
    """
    for item in instance.get("metadata", {}).get("items", ()):
        found = Name.parse(item.get("value", "")) if item.get("key") == "created-by" else None
        if found is not None and found.collection == "instanceGroupManagers":
            project = Name.of(instance["selfLink"]).project
            return str(Name(project, found.location, found.collection, found.name))
    return None


async def review_groups(session: GcpSession, resources: Sequence[Resource]) -> list[Denial]:
    """Read the instances' groups, and ask their projects for the right to change them.

    Raises TransientError.
    """
    found = {resource.information.get("instanceGroupManager", "") for resource in resources}
    groups = [Name.of(group) for group in sorted(found - {""})]
    denials = [denial for group in groups[:_PROBED] for denial in await readable(session, group)]
    for project in sorted({group.project for group in groups}):
        await in_project(session, project, ["compute.instanceGroupManagers.update"])
    return denials


async def members_of(session: GcpSession, group: Name) -> dict[str, str] | None:
    """Return a group's members with what is being done to each (``NONE``), by full name.

    None where there is no such group. Raises ProviderError.
    """
    try:
        listed = await session.listed(kind_of(group), "listManagedInstances", **addressed(group))
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return None
    return {canonical(one["instance"]): one.get("currentAction", "NONE") for one in listed}


async def tell(
    session: GcpSession,
    group: Name,
    method: str,
    instances: Sequence[str],
    request: str,
    **more: Any,
) -> dict[str, Any]:
    """Tell a group to delete or recreate instances; answers an operation. Raises ProviderError."""
    key = (group.location.partition("/")[0], method)
    content = {"instances": [Name.of(one).path for one in instances], **more}
    body = Body(_PARAMETERS[key], _MESSAGES[key], content)
    return await session.call(kind_of(group), method, body, **addressed(group), request_id=request)
