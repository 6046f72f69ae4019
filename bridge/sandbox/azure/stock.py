"""What tests and the estate put into a subscription, see in it and take out, behind its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.sandbox.azure import inventory
from bridge.sandbox.azure.disks import written as disk_written
from bridge.sandbox.azure.leftovers import snapshot
from bridge.sandbox.azure.security_rules import cut_off
from bridge.sandbox.azure.subscription import (
    DISK,
    INSTANCE,
    NIC,
    NSG,
    SCALE_SET,
    VM,
    Resource,
    Subscription,
)
from bridge.sandbox.azure.virtual_machines import written

GROUP, LOCATION = "sandbox", "eastus"


class Stock:
    """The resources of a subscription by name, without tokens, rights or operations."""

    _cloud: Subscription

    def add_vm(
        self,
        name: str,
        *,
        resource_group: str = GROUP,
        tags: Mapping[str, str] | None = None,
        zone: str = "1",
        power: str = "running",
        location: str = LOCATION,
    ) -> str:
        """Make a machine with its network interface and OS disk; answer its id."""
        with self._cloud.lock:
            made = inventory.machine(
                self._cloud,
                resource_group,
                name,
                tags=tags or {},
                zone=zone,
                power=power,
                location=location,
            )
            return made.id

    def add_disk(
        self,
        name: str,
        *,
        vm: str | None = None,
        lun: int = 0,
        resource_group: str = GROUP,
        tags: Mapping[str, str] | None = None,
        zone: str = "1",
        size: int = 64,
        location: str = LOCATION,
        **settings: Any,
    ) -> str:
        """Make a managed disk of ``size`` GiB; answer its id.

        With ``vm`` it is attached there at ``lun``, with ``caching``, ``deleteOption`` and
        ``writeAcceleratorEnabled`` of ``settings``.
        """
        with self._cloud.lock:
            made = inventory.disk(
                self._cloud,
                resource_group,
                name,
                tags=tags or {},
                zone=zone,
                size=size,
                location=location,
            )
            if vm is not None:
                inventory.attach(self._named(VM, vm), made, lun, **settings)
            return made.id

    def add_scale_set(
        self,
        name: str,
        *,
        zones: Sequence[str] = ("1", "2", "3"),
        resource_group: str = GROUP,
        tags: Mapping[str, str] | None = None,
        location: str = LOCATION,
    ) -> str:
        """Make a uniform scale set with one running instance for each zone; answer its id."""
        with self._cloud.lock:
            made = inventory.scale_set(
                self._cloud, resource_group, name, zones=zones, tags=tags or {}, location=location
            )
            return made.id

    def add_security_group(
        self,
        name: str,
        *,
        vm: str | None = None,
        resource_group: str = GROUP,
        location: str = LOCATION,
    ) -> str:
        """Make a security group, on demand on the interface of a machine; answer its id."""
        with self._cloud.lock:
            made = inventory.security_group(self._cloud, resource_group, name, location=location)
            if vm is not None:
                inventory.protect(self._interface(vm), made)
            return made.id

    def vm(self, name: str) -> dict[str, Any]:
        """Answer a copy of a machine with its instance view, as the API does."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return written(self._named(VM, name), view=True)

    def scale_set(self, name: str) -> dict[str, Any]:
        """Answer a copy of a scale set."""
        with self._cloud.lock:
            return written(self._named(SCALE_SET, name))

    def instance(self, scale_set: str, instance_id: str) -> dict[str, Any]:
        """Answer a copy of a scale set's instance with its instance view."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            found = self._cloud.get(
                f"{self._named(SCALE_SET, scale_set).id}/virtualMachines/{instance_id}"
            )
            return written(found, view=True)

    def disk(self, name: str) -> dict[str, Any]:
        """Answer a copy of a managed disk."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return disk_written(self._cloud, self._named(DISK, name))

    def interface(self, vm: str) -> dict[str, Any]:
        """Answer a copy of the network interface of a machine."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return written(self._interface(vm))

    def security_groups(self) -> list[str]:
        """Answer the ids of all security groups."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return [group.id for group in self._cloud.of_type(NSG)]

    def power(self, vm: str) -> str:
        """Answer a machine's power state: ``running``, ``stopping``, ``deallocated`` ..."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return self._named(VM, vm).power

    def isolated(self, vm: str) -> frozenset[str]:
        """Answer the directions (``Inbound``, ``Outbound``) that its security group cuts off.

        It is the group that the network interface has in force: one that is still being put on
        has no effect yet.
        """
        with self._cloud.lock:
            self._cloud.transitions.settle()
            group = self._cloud.resources.get(self._interface(vm).effective)
            return cut_off(group.properties["securityRules"]) if group else frozenset()

    def remove_vm(self, name: str, *, with_interface: bool = False) -> None:
        """Take a machine away at once, as somebody else might; its disks stay.

        So does its network interface, unless ``with_interface``.
        """
        with self._cloud.lock:
            self._cloud.transitions.settle()
            interface = self._interface(name)
            self._cloud.remove(self._named(VM, name), from_outside=True)
            if with_interface:
                self._cloud.remove(interface, from_outside=True)

    def remove_disk(self, name: str) -> None:
        """Take a managed disk away."""
        self._remove(DISK, name)

    def remove_security_group(self, name: str) -> None:
        """Take a security group away."""
        self._remove(NSG, name)

    def remove_scale_set(self, name: str) -> None:
        """Take a scale set away with its instances."""
        self._remove(SCALE_SET, name)

    def remove_instance(self, scale_set: str, instance_id: str) -> None:
        """Take an instance out of a scale set."""
        self._remove(INSTANCE, f"{scale_set}_{instance_id}")

    def snapshot(self) -> dict[str, Any]:
        """Answer what faults change, by resource: see `leftovers.snapshot`."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return snapshot(self._cloud)

    def was_removed(self, resource_id: str) -> bool:
        """Whether a resource was taken away by ``vanish`` or ``remove_…``."""
        return resource_id.lower() in self._cloud.removed

    def _remove(self, kind: str, name: str) -> None:
        with self._cloud.lock:
            self._cloud.transitions.settle()
            self._cloud.remove(self._named(kind, name), from_outside=True)

    def _named(self, kind: str, name: str) -> Resource:
        """Answer the first resource of that type and name; raises ``KeyError``."""
        for resource in self._cloud.of_type(kind):
            if resource.name.lower() == name.lower():
                return resource
        message = f"there is no {kind} {name}"
        raise KeyError(message)

    def _interface(self, vm: str) -> Resource:
        profile = self._named(VM, vm).properties["networkProfile"]
        found: Resource = self._cloud.get(profile["networkInterfaces"][0]["id"])
        if found.body["type"] != NIC:
            raise KeyError(vm)
        return found
