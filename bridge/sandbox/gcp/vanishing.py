"""Deleting what a request names, as somebody else might have done a moment before."""

from __future__ import annotations

from bridge.sandbox.gcp import instances
from bridge.sandbox.gcp.cloud import Cloud, path_of
from bridge.sandbox.gcp.errors import GoogleError
from bridge.sandbox.gcp.request import GcpRequest


def vanish(cloud: Cloud, asked: GcpRequest) -> None:
    """Delete what the request names, without an operation and without a trace.

    Besides the resource of the URL that is the disk of ``attachDisk`` and ``detachDisk``, and
    the instances of a group's ``deleteInstances`` and ``recreateInstances``. A request that
    names none (a list, an insert) deletes nothing.
    """
    base = f"projects/{cloud.project}/"
    try:
        body = asked.body()
        named = [str(each) for each in body.get("instances", [])]
        if "source" in body:
            named.append(str(body["source"]))
        paths = [path_of(reference, "vanish", base) for reference in named]
    except GoogleError:  # the request is going to be refused
        return
    device = asked.query.get("deviceName")
    instance = cloud.find(asked.path) if asked.name else None
    if device and instance is not None:
        paths += [
            path_of(disk["source"], "source")
            for disk in instance["disks"]
            if disk["deviceName"] == device and "source" in disk
        ]
    if asked.name:
        paths.append(asked.path)
    for path in paths:
        remove(cloud, path)


def remove(cloud: Cloud, path: str) -> None:
    """Delete one resource at once; what is not there is left so."""
    collection = path.split("/")[-2]
    if collection == "operations":
        cloud.operations.pop(path, None)
        return
    if collection == "disks" and (disk := cloud.find(path)) is not None:
        for holder in cloud.held("instances").values():
            holder["disks"] = [
                each for each in holder["disks"] if each.get("source") != disk["selfLink"]
            ]
    if collection == "instanceGroupManagers":
        for member in cloud.members.pop(path, {}):
            instances.remove(cloud, member)
    if collection == "instances":
        instances.remove(cloud, path)
    else:
        cloud.remove(path)
