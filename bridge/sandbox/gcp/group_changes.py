"""What a managed instance group is told to do with its instances.

Compute Engine API reference, instanceGroupManagers.deleteInstances, .recreateInstances and
.resize (and the regional ones): the operation is DONE "when the action is scheduled even if
the instances have not yet been deleted"; the target size goes down with the deletion. Here the
operation takes one spell of ``transition_seconds``, deleting ends one spell later, and what
replaces a deleted instance runs after one spell more. Our choices: an instance that is not a
member, or is going already, refuses the whole request at once with 400; shrinking takes the
youngest; an operation that fails in the end leaves the group as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.sandbox.gcp import groups, instances
from bridge.sandbox.gcp.cloud import Cloud, name_of, path_of, scope_of
from bridge.sandbox.gcp.errors import invalid
from bridge.sandbox.gcp.operations import Operation, begin
from bridge.sandbox.gcp.request import GcpRequest

MOST_INSTANCES = 1000
_LARGEST = 2000


def delete_instances(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Delete members, and lower the target size by their number."""
    cloud.get(asked.path)
    body = asked.taken("instances", "skipInstancesOnValidationError")
    skip = bool(body.get("skipInstancesOnValidationError"))
    return _delete(cloud, asked, _named(cloud, asked, body.get("instances", []), skip=skip))


def _delete(cloud: Cloud, asked: GcpRequest, paths: list[str]) -> Operation:
    group, held = cloud.get(asked.path), groups.members(cloud, asked.path)
    before = {path: held[path] for path in paths}
    group["targetSize"] -= len(paths)
    held |= dict.fromkeys(paths, "DELETING")

    def fail() -> None:
        held.update(before)
        group["targetSize"] += len(paths)

    def remove() -> None:
        for path in paths:
            instances.remove(cloud, path)

    operation = begin(cloud, asked, lambda: _take_down(cloud, paths), fail, kind=_kind(asked))
    _later(cloud, operation, 2, remove)
    return operation


def recreate_instances(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Delete members and make them anew: the same names, other ids, fresh boot disks."""
    cloud.get(asked.path)
    body = asked.taken("instances")
    paths = _named(cloud, asked, body.get("instances", []), skip=False)
    held = groups.members(cloud, asked.path)
    before = {path: held[path] for path in paths}
    held |= dict.fromkeys(paths, "RECREATING")

    def fail() -> None:
        held.update(before)

    def replace() -> None:
        for path in paths:
            labels = (cloud.find(path) or {}).get("labels")
            instances.remove(cloud, path)
            groups.add_member(
                cloud,
                asked.path,
                name_of(path),
                name_of(scope_of(path)),
                status="PROVISIONING",
                action="RECREATING",
                labels=labels,
            )

    operation = begin(cloud, asked, lambda: _take_down(cloud, paths), fail, kind=_kind(asked))
    _later(cloud, operation, 2, replace)
    _later(cloud, operation, 3, lambda: _bring_up(cloud, asked.path, paths))
    return operation


def resize(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Set the target size; instances are made or deleted to meet it."""
    group = cloud.get(asked.path)
    text = asked.query.get("size", "")
    if not text.isdigit() or int(text) > _LARGEST:
        raise invalid("size", text, f"It must be between 0 and {_LARGEST}.")
    size, held = int(text), groups.members(cloud, asked.path)
    staying = [path for path, action in held.items() if action != "DELETING"]
    if size < len(staying):
        group["targetSize"] = len(staying)
        return _delete(cloud, asked, staying[size:])
    return _grow(cloud, asked, size, size - len(staying))


def _grow(cloud: Cloud, asked: GcpRequest, size: int, number: int) -> Operation:
    group, before = cloud.get(asked.path), cloud.get(asked.path)["targetSize"]
    group["targetSize"] = size
    made: list[str] = []

    def finish() -> None:
        for _ in range(number):
            zone = groups.default_zone(scope_of(asked.path), len(cloud.members[asked.path]))
            name = groups.new_name(cloud, asked.path)
            groups.add_member(
                cloud, asked.path, name, zone, status="PROVISIONING", action="CREATING"
            )
            made.append(cloud.path(f"zones/{zone}", "instances", name))

    def fail() -> None:
        group["targetSize"] = before

    operation = begin(cloud, asked, finish, fail, kind=_kind(asked))
    _later(cloud, operation, 2, lambda: _bring_up(cloud, asked.path, made))
    return operation


def _named(cloud: Cloud, asked: GcpRequest, references: list[str], *, skip: bool) -> list[str]:
    """Answer the paths of the named members. Raises `GoogleError` for any other.

    ``skipInstancesOnValidationError``: "whether the request should proceed despite the
    inclusion of instances that are not members of the group or that are already in the process
    of being deleted"; a malformed URL and one of another place are refused in any case.
    """
    if not 0 < len(references) <= MOST_INSTANCES:
        reason = f"Between 1 and {MOST_INSTANCES} instances must be given."
        raise invalid("instances", "", reason)
    held, paths = groups.members(cloud, asked.path), []
    for reference in dict.fromkeys(references):
        path = path_of(reference, "instances", f"projects/{cloud.project}/")
        if not scope_of(path).split("/")[-1].startswith(asked.zone):
            raise invalid("instances", reference, "It is not in the group's zone or region.")
        if held.get(path) in ("NONE", "CREATING", "RECREATING", "VERIFYING"):
            paths.append(path)
        elif not skip:
            reason = "Instance is not a member of the group, or is already being deleted."
            raise invalid("instances", reference, reason)
    return paths


def _kind(asked: GcpRequest) -> str:
    return f"compute.instanceGroupManagers.{asked.operation.split('.')[-1]}"


def _later(cloud: Cloud, operation: Operation, spells: int, change: Callable[[], None]) -> None:
    """Call ``change`` after that many spells, unless the operation has failed."""

    def unless_failed() -> None:
        if operation.failure is None:
            change()

    name = f"{operation.name} {spells}"
    cloud.transitions.begin(name, spells * cloud.transition_seconds, unless_failed)


def _take_down(cloud: Cloud, paths: list[str]) -> None:
    for path in paths:
        if (instance := cloud.find(path)) is not None:
            instance["status"] = "STOPPING"


def _bring_up(cloud: Cloud, group: str, paths: list[str]) -> None:
    for path in paths:
        if (instance := cloud.find(path)) is not None:
            instance["status"] = "RUNNING"
            cloud.members[group][path] = "NONE"
