"""Attaching and detaching disks.

Compute Engine API reference, instances.attachDisk, .detachDisk and .setDiskAutoDelete, and
the fields of ``AttachedDisk``; "Share disks between VMs" (a disk in use READ_WRITE cannot be
used by another; READ_ONLY by several); "Detach and reattach boot disks" (only while the
instance is stopped).
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.sandbox.gcp import inventory
from bridge.sandbox.gcp.cloud import Cloud, Resource, path_of, scope_of
from bridge.sandbox.gcp.errors import GoogleError, invalid, not_emulated
from bridge.sandbox.gcp.instances import release
from bridge.sandbox.gcp.operations import Operation, begin, nothing
from bridge.sandbox.gcp.request import GcpRequest
from bridge.sandbox.transitions import LateFailure

IN_USE = "resourceInUseByAnotherResource"
_CHOSEN = ("source", "mode", "boot", "autoDelete", "deviceName", "interface", "type")
_ANSWERED = (
    "kind",
    "index",
    "diskSizeGb",
    "licenses",
    "architecture",
    "shieldedInstanceInitialState",
    "guestOsFeatures",
    "savedState",
)
"""Fields of the answer, which the real API takes back and passes over; so does this one."""
_VALUES = {"mode": ("READ_WRITE", "READ_ONLY"), "interface": ("SCSI", "NVME")}


def attach(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Attach an existing disk of the same zone."""
    instance = cloud.get(asked.path)
    body = asked.taken(*_CHOSEN, *_ANSWERED, "initializeParams", "diskEncryptionKey", "forceAttach")
    for field in ("initializeParams", "diskEncryptionKey", "forceAttach"):
        if body.get(field):
            raise not_emulated(f"{field} of instances.attachDisk")
    if asked.flag("forceAttach"):  # "If you try to force attach a zonal disk … an error"
        raise invalid("forceAttach", "true", "Only a regional disk can be attached by force.")
    if body.get("type", "PERSISTENT") != "PERSISTENT":
        raise not_emulated("attaching a scratch disk")
    for field, values in _VALUES.items():
        if body.get(field, values[0]) not in values:
            raise invalid(f"resource.{field}", str(body[field]), f"Choose of {values}.")
    disk = _disk(cloud, asked, body)
    _refuse(_obstacle(cloud, instance, disk, body))

    def finish() -> LateFailure | None:
        if cloud.find(disk) is None:
            return LateFailure("RESOURCE_NOT_FOUND", f"The resource '{disk}' was not found")
        obstacle = _obstacle(cloud, instance, disk, body)
        if obstacle is not None:
            return LateFailure("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", obstacle.message)
        inventory.attach(
            cloud,
            asked.path,
            disk,
            boot=body.get("boot", False),
            auto_delete=body.get("autoDelete", False),
            mode=body.get("mode", "READ_WRITE"),
            device_name=body.get("deviceName", ""),
            interface=body.get("interface", "SCSI"),
        )
        return None

    return begin(cloud, asked, finish, nothing)


def _disk(cloud: Cloud, asked: GcpRequest, body: Resource) -> str:
    """Answer the path of the disk to attach. Raises `GoogleError` for one not to be found."""
    source = body.get("source", "")
    disk = path_of(source, "resource.source", f"projects/{cloud.project}/")
    if scope_of(disk) != asked.scope:
        reason = "The disk must be in the same zone as the instance."
        raise invalid("resource.source", source, reason)
    cloud.get(disk)
    return disk


def _obstacle(cloud: Cloud, instance: Resource, disk: str, body: Resource) -> GoogleError | None:
    """Answer why the disk cannot be attached now, if it cannot."""
    users = cloud.get(disk).get("users", [])
    shared = body.get("mode") == "READ_ONLY" and all(
        _mode(cloud, user, disk) == "READ_ONLY" for user in users
    )
    if users and (not shared or instance["selfLink"] in users):
        user = path_of(users[0], "users")
        message = f"The disk resource '{disk}' is already being used by '{user}'"
        return GoogleError(400, IN_USE, message)
    name = body.get("deviceName")
    if name and any(each["deviceName"] == name for each in instance["disks"]):
        return invalid("resource.deviceName", name, "The device name is already in use.")
    if body.get("boot"):
        if instance["status"] != "TERMINATED":
            return _boot_disk_needs_rest(instance)
        if any(each["boot"] for each in instance["disks"]):
            return invalid("resource.boot", "true", "The instance already has a boot disk.")
    return None


def _mode(cloud: Cloud, user: str, disk: str) -> str:
    attachments = cloud.get(path_of(user, "users"))["disks"]
    ours = [each for each in attachments if each.get("source", "").endswith(f"/{disk}")]
    return str(ours[0]["mode"])


def _boot_disk_needs_rest(instance: Resource) -> GoogleError:
    """Answer what is said of a boot disk while the instance is not stopped; wording ours."""
    path = path_of(instance["selfLink"], "selfLink")
    message = f"The boot disk of '{path}' can only be changed while the instance is stopped"
    return GoogleError(400, "resourceNotReady", message)


def _refuse(obstacle: GoogleError | None) -> None:
    if obstacle is not None:
        raise obstacle


def detach(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Detach a disk by its device name."""
    instance = cloud.get(asked.path)
    name = asked.required("deviceName")
    attached = attachment(instance, name)

    def obstacle() -> GoogleError | None:
        if attached["boot"] and instance["status"] != "TERMINATED":
            return _boot_disk_needs_rest(instance)
        return None

    _refuse(obstacle())

    def finish() -> LateFailure | None:
        if (reason := obstacle()) is not None:
            return LateFailure("RESOURCE_NOT_READY", reason.message)
        if attached in instance["disks"]:
            instance["disks"].remove(attached)
            if "source" in attached:
                release(cloud, path_of(attached["source"], "source"), instance["selfLink"])
        return None

    return begin(cloud, asked, finish, nothing)


def set_auto_delete(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Say whether a disk goes with its instance."""
    instance = cloud.get(asked.path)
    attached = attachment(instance, asked.required("deviceName"))
    wanted = asked.flag("autoDelete")
    if wanted is None:
        asked.required("autoDelete")

    def finish() -> None:
        attached["autoDelete"] = wanted

    change: Callable[[], None] = finish
    return begin(cloud, asked, change, nothing)


def attachment(instance: Resource, device_name: str) -> Resource:
    """Answer an attachment by its device name. Raises `GoogleError` 400 in its absence."""
    for attached in instance["disks"]:
        if attached["deviceName"] == device_name:
            found: Resource = attached
            return found
    reason = f"No attached disk found with device name '{device_name}'"
    raise invalid("disk", device_name, reason)
