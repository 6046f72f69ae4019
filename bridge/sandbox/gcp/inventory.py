"""Making resources at once, without the API: what an estate or a test begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.sandbox.gcp.cloud import REGION, ZONES, Cloud, Resource, fingerprint, link
from bridge.sandbox.gcp.instances import KIND

NETWORK = "default"


def network(cloud: Cloud, name: str = NETWORK) -> Resource:
    """Make a network."""
    content: Resource = {
        "kind": "compute#network",
        "description": "A network of the sandbox.",
        "autoCreateSubnetworks": True,
        "routingConfig": {"routingMode": "REGIONAL"},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
    }
    return cloud.put(cloud.path("global", "networks", name), content)


def disk(
    cloud: Cloud, name: str, zone: str = ZONES[0], labels: Mapping[str, str] | None = None
) -> Resource:
    """Make a disk that nothing uses."""
    content: Resource = {
        "kind": "compute#disk",
        "zone": link(f"projects/{cloud.project}/zones/{zone}"),
        "status": "READY",
        "sizeGb": "20",
        "type": link(cloud.path(f"zones/{zone}", "diskTypes", "pd-balanced")),
        "physicalBlockSizeBytes": "4096",
        "labelFingerprint": fingerprint(dict(labels or {})),
    }
    if labels:
        content["labels"] = dict(labels)
    return cloud.put(cloud.path(f"zones/{zone}", "disks", name), content)


def instance(
    cloud: Cloud,
    name: str,
    zone: str = ZONES[0],
    *,
    labels: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    status: str = "RUNNING",
    on_network: str = NETWORK,
    local_ssd: bool = False,
) -> Resource:
    """Make an instance with a boot disk of its own, and a Local SSD if wanted."""
    scope = f"zones/{zone}"
    disk(cloud, name, zone)
    number = len(cloud.held("instances")) + 2
    content: Resource = {
        "kind": KIND,
        "zone": link(f"projects/{cloud.project}/{scope}"),
        "machineType": link(cloud.path(scope, "machineTypes", "e2-small")),
        "cpuPlatform": "Intel Broadwell",
        "status": status,
        "canIpForward": False,
        "startRestricted": False,
        "deletionProtection": False,
        "tags": {"fingerprint": fingerprint(list(tags))},
        "labelFingerprint": fingerprint(dict(labels or {})),
        "metadata": {"kind": "compute#metadata", "fingerprint": fingerprint([])},
        "scheduling": {
            "onHostMaintenance": "MIGRATE",
            "automaticRestart": True,
            "preemptible": False,
            "provisioningModel": "STANDARD",
        },
        "networkInterfaces": [
            {
                "kind": "compute#networkInterface",
                "name": "nic0",
                "network": link(cloud.path("global", "networks", on_network)),
                "subnetwork": link(cloud.path(f"regions/{REGION}", "subnetworks", on_network)),
                "networkIP": f"10.128.{number >> 8 & 255}.{number & 255}",
                "stackType": "IPV4_ONLY",
                "fingerprint": fingerprint(name),
            }
        ],
        "disks": [],
        "lastStartTimestamp": cloud.now(),
    }
    if labels:
        content["labels"] = dict(labels)
    if tags:
        content["tags"]["items"] = list(tags)
    path = cloud.path(scope, "instances", name)
    cloud.put(path, content)
    boot = cloud.path(scope, "disks", name)
    attach(cloud, path, boot, boot=True, auto_delete=True, device_name="persistent-disk-0")
    if local_ssd:
        content["disks"].append(
            {
                "kind": "compute#attachedDisk",
                "type": "SCRATCH",
                "mode": "READ_WRITE",
                "deviceName": "local-ssd-0",
                "index": 1,
                "boot": False,
                "autoDelete": True,
                "interface": "NVME",
                "diskSizeGb": "375",
            }
        )
    return content


def attach(
    cloud: Cloud,
    instance_path: str,
    disk_path: str,
    *,
    boot: bool = False,
    auto_delete: bool = False,
    mode: str = "READ_WRITE",
    device_name: str = "",
    interface: str = "SCSI",
) -> Resource:
    """Attach a disk to an instance at the next index; answer the attachment."""
    holder, held = cloud.get(instance_path), cloud.get(disk_path)
    taken = {each["index"] for each in holder["disks"]}
    index = next(number for number in range(len(taken) + 1) if number not in taken)
    attachment: Resource = {
        "kind": "compute#attachedDisk",
        "type": "PERSISTENT",
        "mode": mode,
        "source": held["selfLink"],
        "deviceName": device_name or f"persistent-disk-{index}",
        "index": index,
        "boot": boot,
        "autoDelete": auto_delete,
        "interface": interface,
        "diskSizeGb": held["sizeGb"],
    }
    holder["disks"].append(attachment)
    holder["disks"].sort(key=lambda each: int(each["index"]))
    held.setdefault("users", []).append(holder["selfLink"])
    held["lastAttachTimestamp"] = cloud.now()
    return attachment
