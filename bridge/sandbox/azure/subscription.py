"""What is in the emulated subscription: resources by id, and the changes under way on them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from threading import RLock
from typing import Any

from bridge.sandbox.azure.errors import ArmError
from bridge.sandbox.azure.identities import OWNER_CLIENT_ID, Identities
from bridge.sandbox.azure.operations import Operation
from bridge.sandbox.azure.roles import OWNER_ROLE, Assignment, Roles
from bridge.sandbox.clock import Clock
from bridge.sandbox.transitions import Transitions

VM = "Microsoft.Compute/virtualMachines"
SCALE_SET = "Microsoft.Compute/virtualMachineScaleSets"
INSTANCE = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
DISK = "Microsoft.Compute/disks"
NIC = "Microsoft.Network/networkInterfaces"
NSG = "Microsoft.Network/networkSecurityGroups"
SUBNET = "Microsoft.Network/virtualNetworks/subnets"


@dataclass
class Resource:
    """A resource: what the API answers, and what only the platform behind it knows.

    ``power`` is a machine's power state and ``power_since`` when it began. ``effective`` is
    the id of the security group that a network interface has in force. ``busy`` is the
    operation under way.
    """

    body: dict[str, Any]
    power: str = ""
    power_since: str = ""
    effective: str = ""
    busy: Operation | None = None

    @property
    def id(self) -> str:
        """The ARM id, in the case in which it was created."""
        return str(self.body["id"])

    @property
    def name(self) -> str:
        """The last part of the id."""
        return str(self.body["name"])

    @property
    def properties(self) -> dict[str, Any]:
        """The ``properties`` of the body."""
        properties: dict[str, Any] = self.body["properties"]
        return properties


@dataclass(slots=True)
class Subscription:
    """Clock, speed and content of one emulated subscription.

    ``transition_seconds`` is how long a change takes. ``lro`` chooses the headers that a
    long-running operation answers: ``both`` is ``Azure-AsyncOperation`` and ``Location``.
    ``retry_after`` (seconds) is what they ask the caller to wait between two looks.
    """

    id: str
    clock: Clock
    transition_seconds: float
    lro: str
    retry_after: int
    page_size: int
    lock: RLock = field(default_factory=RLock)
    resources: dict[str, Resource] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    identities: Identities = field(default_factory=Identities)
    roles: Roles = field(default_factory=Roles)
    transitions: Transitions = field(init=False)

    def __post_init__(self) -> None:
        self.transitions = Transitions(self.clock)
        self.roles.subscription = self.id
        self._found()

    def clear(self) -> None:
        """Empty the subscription."""
        self.transitions.clear()
        for content in (self.resources, self.groups, self.operations, self.removed):
            content.clear()
        self.identities.clear()
        self._found()

    def _found(self) -> None:
        """Begin with the owner, who may do everything."""
        self.roles.clear()
        owner = self.identities.create(OWNER_CLIENT_ID).object_id
        self.roles.assign(Assignment(OWNER_ROLE, self.roles.scope, owner, OWNER_ROLE))

    def complete_transitions(self) -> None:
        """Finish every change under way now."""
        with self.lock:
            horizon = self.clock() + timedelta(seconds=self.transition_seconds)
            self.transitions.settle_at(horizon)

    def now(self) -> str:
        """Answer the present moment as the API writes it."""
        return self.clock().isoformat()

    def path(self, kind: str, group: str, name: str) -> str:
        """Answer the id of a resource, whose type may have a parent (``parent/name``)."""
        provider, *types = kind.split("/")
        names = name.split("/")
        tail = "/".join(part for pair in zip(types, names, strict=True) for part in pair)
        return f"/subscriptions/{self.id}/resourceGroups/{group}/providers/{provider}/{tail}"

    def put(self, kind: str, group: str, name: str, **body: Any) -> Resource:
        """Store a resource, and its resource group with it."""
        group = self.groups.setdefault(group.lower(), group)
        resource_id = self.path(kind, group, name)
        leaf = name.rpartition("/")[2]
        resource = Resource({"id": resource_id, "name": leaf, "type": kind, **deepcopy(body)})
        self.resources[resource_id.lower()] = resource
        self.removed.discard(resource_id.lower())
        return resource

    def get(self, resource_id: str) -> Resource:
        """Answer a resource by its id in any case; raises ``ArmError`` where it is not."""
        found = self.resources.get(resource_id.lower().rstrip("/"))
        if found is None:
            raise self.missing(resource_id)
        return found

    def missing(self, resource_id: str) -> ArmError:
        """Answer ARM's refusal of an id under which nothing is."""
        parts = resource_id.strip("/").split("/")
        group = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - subscriptions/S/resourceGroups/G
        if group.lower() not in self.groups:
            message = f"Resource group '{group}' could not be found."
            return ArmError("ResourceGroupNotFound", message, 404)
        _, _, tail = resource_id.partition("/providers/")
        message = (
            f"The Resource '{tail}' under resource group '{group}' was not found. For more "
            "details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        return ArmError("ResourceNotFound", message, 404)

    def of_type(self, kind: str, under: str = "") -> list[Resource]:
        """Answer the resources of a type, of those whose id begins with ``under``."""
        prefix = f"{under.lower().rstrip('/')}/"
        return [
            resource
            for key, resource in self.resources.items()
            if resource.body["type"] == kind and key.startswith(prefix)
        ]

    def of_group(self, kind: str, group: str) -> list[Resource]:
        """Answer the resources of a type in a group; raises ``ArmError`` for an unknown one."""
        path = f"/subscriptions/{self.id}/resourceGroups/{group}"
        if group.lower() not in self.groups:
            raise self.missing(path)
        return self.of_type(kind, path)

    def remove(self, resource: Resource, *, from_outside: bool = False) -> None:
        """Take a resource away, with what belongs to it and what refers to it.

        ``from_outside`` is what no caller of the API did.
        """
        if resource.busy is not None:
            resource.busy.lose_its_resource(self)
        key = resource.id.lower()
        gone = [each for each in self.resources if each == key or each.startswith(f"{key}/")]
        for each in gone:
            del self.resources[each]
        if from_outside:
            self.removed.update(gone)
        for other in self.resources.values():
            _forget(other, key)


def _forget(resource: Resource, gone: str) -> None:
    """Drop what refers to a resource that is gone, so that no answer leads to nowhere."""
    if resource.body.get("managedBy", "").lower() == gone:
        del resource.body["managedBy"]
    if resource.properties.get("virtualMachine", {}).get("id", "").lower() == gone:
        del resource.properties["virtualMachine"]
    if resource.properties.get("networkSecurityGroup", {}).get("id", "").lower() == gone:
        del resource.properties["networkSecurityGroup"]
    profile = resource.properties.get("storageProfile")
    if profile:
        kept = [e for e in profile["dataDisks"] if e["managedDisk"]["id"].lower() != gone]
        profile["dataDisks"] = kept
