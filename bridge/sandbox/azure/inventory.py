"""Resources that tests and the estate put into a subscription without going through its API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from bridge.sandbox.azure import data_disks
from bridge.sandbox.azure.network_interfaces import etag
from bridge.sandbox.azure.subscription import (
    DISK,
    INSTANCE,
    NIC,
    NSG,
    SCALE_SET,
    SUBNET,
    VM,
    Resource,
    Subscription,
)

SIZE = "Standard_D2s_v5"
PREMIUM = "Premium_LRS"


def machine(
    subscription: Subscription,
    group: str,
    name: str,
    *,
    tags: Mapping[str, str],
    zone: str,
    power: str,
    location: str,
) -> Resource:
    """Make a machine in a power state, with a network interface and an OS disk of its own."""
    os_disk = disk(
        subscription, group, f"{name}-os", tags={}, zone=zone, size=30, location=location
    )
    nic = interface(subscription, group, f"{name}-nic", location=location)
    made = subscription.put(
        VM,
        group,
        name,
        location=location,
        tags=dict(tags),
        **({"zones": [zone]} if zone else {}),
        properties={
            "vmId": str(uuid.uuid4()),
            "hardwareProfile": {"vmSize": SIZE},
            "storageProfile": {"osDisk": _system_disk(os_disk), "dataDisks": []},
            "osProfile": {"computerName": name, "adminUsername": "sandbox"},
            "networkProfile": {
                "networkInterfaces": [{"id": nic.id, "properties": {"primary": True}}]
            },
            "provisioningState": "Succeeded",
            "timeCreated": subscription.now(),
        },
    )
    made.power, made.power_since = power, subscription.now()
    nic.properties["virtualMachine"] = {"id": made.id}
    data_disks.hold(made, os_disk)
    return made


def disk(
    subscription: Subscription,
    group: str,
    name: str,
    *,
    tags: Mapping[str, str],
    zone: str,
    size: int,
    location: str,
    kind: str = PREMIUM,
) -> Resource:
    """Make a managed disk that belongs to nobody; ``size`` in GiB."""
    return subscription.put(
        DISK,
        group,
        name,
        location=location,
        tags=dict(tags),
        **({"zones": [zone]} if zone else {}),
        sku={"name": kind, "tier": kind.partition("_")[0]},
        properties={
            "diskSizeGB": size,
            "creationData": {"createOption": "Empty"},
            "provisioningState": "Succeeded",
            "timeCreated": subscription.now(),
            "uniqueId": str(uuid.uuid4()),
        },
    )


def attach(machine_: Resource, disk_: Resource, lun: int, **settings: Any) -> None:
    """Attach a disk at once."""
    data_disks.attached(machine_).append(data_disks.describe(disk_, lun, **settings))
    data_disks.hold(machine_, disk_)


def interface(subscription: Subscription, group: str, name: str, *, location: str) -> Resource:
    """Make a network interface in the group's subnet, without a security group."""
    number = len(subscription.of_type(NIC)) + 4  # the first four addresses of a subnet are Azure's
    resource_id = subscription.path(NIC, group, name)
    subnet = subscription.path(SUBNET, group, "sandbox-vnet/default")
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    configuration = {
        "name": "ipconfig1",
        "id": f"{resource_id}/ipConfigurations/ipconfig1",
        "properties": {
            "privateIPAddress": address,
            "privateIPAllocationMethod": "Dynamic",
            "privateIPAddressVersion": "IPv4",
            "subnet": {"id": subnet},
            "primary": True,
            "provisioningState": "Succeeded",
        },
    }
    return subscription.put(
        NIC,
        group,
        name,
        location=location,
        etag=etag(),
        tags={},
        properties={
            "provisioningState": "Succeeded",
            "resourceGuid": str(uuid.uuid4()),
            "ipConfigurations": [configuration],
            "dnsSettings": {"dnsServers": []},
            "enableAcceleratedNetworking": True,
            "enableIPForwarding": False,
            "macAddress": "00-0D-3A-" + f"{number:06X}",
            "primary": True,
        },
    )


def security_group(subscription: Subscription, group: str, name: str, *, location: str) -> Resource:
    """Make a security group with the default rules alone."""
    return subscription.put(
        NSG,
        group,
        name,
        location=location,
        etag=etag(),
        tags={},
        properties={
            "provisioningState": "Succeeded",
            "securityRules": [],
            "defaultSecurityRules": [],
        },
    )


def protect(nic: Resource, group: Resource) -> None:
    """Put a security group on an interface at once."""
    nic.properties["networkSecurityGroup"] = {"id": group.id}
    nic.effective = group.id.lower()


def scale_set(
    subscription: Subscription,
    group: str,
    name: str,
    *,
    zones: Sequence[str],
    tags: Mapping[str, str],
    location: str,
) -> Resource:
    """Make a uniform scale set with one running instance for each entry of ``zones``."""
    made = subscription.put(
        SCALE_SET,
        group,
        name,
        location=location,
        tags=dict(tags),
        zones=sorted({zone for zone in zones if zone}),
        sku={"name": SIZE, "tier": "Standard", "capacity": len(zones)},
        properties={
            "orchestrationMode": "Uniform",
            "singlePlacementGroup": False,
            "upgradePolicy": {"mode": "Manual"},
            "provisioningState": "Succeeded",
            "uniqueId": str(uuid.uuid4()),
            "timeCreated": subscription.now(),
        },
    )
    for number, zone in enumerate(zones):
        member = subscription.put(
            INSTANCE,
            group,
            f"{name}/{number}",
            location=location,
            tags=dict(tags),
            **({"zones": [zone]} if zone else {}),
            instanceId=str(number),
            sku={"name": SIZE, "tier": "Standard"},
            properties={
                "vmId": str(uuid.uuid4()),
                "latestModelApplied": True,
                "hardwareProfile": {},
                "osProfile": {"computerName": f"{name}{number:06}"},
                "provisioningState": "Succeeded",
                "timeCreated": subscription.now(),
            },
        )
        member.body["name"] = f"{name}_{number}"
        member.power, member.power_since = "running", subscription.now()
    return made


def _system_disk(os_disk: Resource) -> dict[str, Any]:
    return deepcopy(
        {
            "osType": "Linux",
            "name": os_disk.name,
            "createOption": "FromImage",
            "caching": "ReadWrite",
            "managedDisk": {"storageAccountType": os_disk.body["sku"]["name"], "id": os_disk.id},
            "deleteOption": "Delete",
            "diskSizeGB": os_disk.properties["diskSizeGB"],
        }
    )
