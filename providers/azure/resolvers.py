"""Find the Azure resources that a target of a template asks for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from bridge.model.problem import Problem
from bridge.model.scope import Scope
from bridge.model.template import TemplateTarget
from bridge.model.wording import child, quote
from providers.azure.attachments import data_disks, holder_of
from providers.azure.describe import (
    Described,
    Seen,
    disks,
    instances,
    instances_of,
    list_disks,
    list_machines,
    machines,
    tags_of,
)
from providers.azure.filters import has_tags, in_zone, listed
from providers.azure.ids import (
    DISK,
    SCALE_SET,
    SCALE_SET_INSTANCE,
    VIRTUAL_MACHINE,
    ResourceId,
    subscription_name,
)
from providers.azure.session import AzureSession
from providers.contract import Resolution, Resolver, Resource, TargetParameter, Where, required
from providers.filters import matches

_GROUP: Final = "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP"
_SUBSCRIPTION: Final = TargetParameter(
    "Id of the subscription to look in; needed unless the target names its resources."
)
_RESOURCE_GROUP: Final = TargetParameter("Name of the resource group that they are in.")
_ZONE: Final = TargetParameter("Number of the availability zone that they are in.")


class _AzureResolver(Resolver):
    """Resources of Azure, by ids or by a place, then narrowed by tags, filters and parameters."""

    provider = "azure"
    kind: ClassVar[str]
    """Their type in ARM."""
    places: ClassVar[Mapping[str, str]] = {}
    """Parameters that say where to look by a resource's id, and that resource's type."""

    def check_id(self, resource_id: str) -> str | None:
        """Return what is wrong with the form of an id, or None."""
        return _wrong_id(resource_id, self.kind)

    def check(self, target: TemplateTarget, path: str) -> list[Problem]:
        """Find parameters of a wrong form, and a target that does not say where to look."""
        given, at = target.parameters, child(path, "parameters")
        problems = []
        if "subscription" in given and subscription_name(given["subscription"]) is None:
            problems.append(
                Problem(
                    child(at, "subscription"),
                    f"{quote(given['subscription'])} is no subscription's id; write the GUID that "
                    "`az account show --query id` prints",
                )
            )
        for name, kind in self.places.items():
            if name in given and (wrong := _wrong_id(given[name], kind)):
                problems.append(Problem(child(at, name), wrong))
        if not target.resource_arns and not (self._looked_in & given.keys()):
            names = " or ".join(quote(name) for name in sorted(self._looked_in))
            message = f"does not say where to look; add {names}, or name the resources by id"
            problems.append(Problem(at, message))
        return problems

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:  # noqa: ARG002 - targets name their subscriptions
        """Name the resource groups, or the subscription where no group is named."""
        given = target.parameters
        ids = [*target.resource_arns, *(given[name] for name in self.places if name in given)]
        found = {(one.subscription, one.group) for one in map(ResourceId.of, ids)}
        if not found and (name := subscription_name(given.get("subscription", ""))):
            found = {(name, given.get("resourceGroup", "").lower())}
        return [Where(subscription, group) for subscription, group in sorted(found)]

    async def resolve(self, session: AzureSession, target: TemplateTarget) -> Resolution:
        """Find them, ordered by id. Raises ProviderError."""
        if target.resource_arns:
            asked = {arn: ResourceId.of(arn) for arn in target.resource_arns}
            found = await self.described(session, set(asked.values()))
            missing = [arn for arn, which in asked.items() if which not in found]
        else:
            found, missing = await self.placed(session, target.parameters), []
        kept = {
            which: one
            for which, one in found.items()
            if has_tags(one, target.resource_tags)
            and matches(one, target.filters, any_case=True)
            and in_zone(one, target.parameters.get("zone"))
            and _in_group(which, target.parameters)
            and self.suits(one, target.parameters)
        }
        resources = [
            Resource(
                self.resource_type,
                str(which),
                _information(which, kept[which]),
                tags_of(kept[which]),
            )
            for which in sorted(kept)
        ]
        return Resolution(sorted(resources, key=lambda one: one.id), missing)

    @abstractmethod
    async def described(self, session: AzureSession, ids: set[ResourceId]) -> Seen:
        """Return those that exist."""

    @abstractmethod
    async def placed(self, session: AzureSession, parameters: Mapping[str, str]) -> Seen:
        """Return all where the parameters say to look."""

    def suits(self, described: Described, parameters: Mapping[str, str]) -> bool:  # noqa: ARG002 - disks have more
        """Whether a resource passes what parameters only its type has."""
        return True

    @property
    def _looked_in(self) -> set[str]:
        return {"subscription", *self.places} & self.parameters.keys()


class VmResolver(_AzureResolver):
    """Virtual machines, instances of flexible scale sets among them."""

    resource_type = "azure:compute:vm"
    description = "An Azure virtual machine"
    kind = VIRTUAL_MACHINE
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "subscription": _SUBSCRIPTION,
        "resourceGroup": _RESOURCE_GROUP,
        "zone": _ZONE,
    }
    permissions = required(f"{VIRTUAL_MACHINE}/read")

    async def described(self, session: AzureSession, ids: set[ResourceId]) -> Seen:
        """Return the machines that exist."""
        return await machines(session, ids)

    async def placed(self, session: AzureSession, parameters: Mapping[str, str]) -> Seen:
        """Return the machines of the subscription, or of one of its groups."""
        return await list_machines(
            session, parameters["subscription"].lower(), parameters.get("resourceGroup")
        )


class ScaleSetInstanceResolver(_AzureResolver):
    """Instances of a scale set in uniform orchestration."""

    resource_type = "azure:compute:scale-set-instance"
    description = "An instance of an Azure virtual machine scale set"
    kind = SCALE_SET_INSTANCE
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "scaleSet": TargetParameter("Id of the scale set whose instances are meant."),
        "zone": _ZONE,
    }
    places: ClassVar[Mapping[str, str]] = {"scaleSet": SCALE_SET}
    permissions = required(f"{SCALE_SET_INSTANCE}/read")

    async def described(self, session: AzureSession, ids: set[ResourceId]) -> Seen:
        """Return the instances that exist."""
        return await instances(session, ids)

    async def placed(self, session: AzureSession, parameters: Mapping[str, str]) -> Seen:
        """Return the scale set's instances."""
        return await instances_of(session, ResourceId.of(parameters["scaleSet"]))


class DiskResolver(_AzureResolver):
    """Managed disks."""

    resource_type = "azure:compute:disk"
    description = "An Azure managed disk"
    kind = DISK
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "subscription": _SUBSCRIPTION,
        "resourceGroup": _RESOURCE_GROUP,
        "zone": _ZONE,
        "virtualMachine": TargetParameter(
            "Id of the virtual machine whose data disks are meant, all of them or some."
        ),
        "luns": TargetParameter("With virtualMachine: the disks' LUNs, separated by commas."),
        "diskNames": TargetParameter("With virtualMachine: their names, separated by commas."),
    }
    places: ClassVar[Mapping[str, str]] = {"virtualMachine": VIRTUAL_MACHINE}
    permissions = required(f"{DISK}/read", f"{VIRTUAL_MACHINE}/read")

    def check(self, target: TemplateTarget, path: str) -> list[Problem]:
        """Find also what belongs to a machine's disks only, and LUNs that are no numbers."""
        problems, given = super().check(target, path), target.parameters
        for name in ("luns", "diskNames"):
            if name in given and "virtualMachine" not in given:
                problems.append(
                    Problem(
                        child(child(path, "parameters"), name),
                        "it counts within a machine: add virtualMachine with the machine's id.",
                    )
                )
        if not all(lun.isdecimal() for lun in listed(given.get("luns"))):
            problems.append(
                Problem(
                    child(child(path, "parameters"), "luns"),
                    f'{quote(given["luns"])} is no list of LUNs; write numbers like "0,1".',
                )
            )
        return problems

    async def described(self, session: AzureSession, ids: set[ResourceId]) -> Seen:
        """Return the disks that exist."""
        return await disks(session, ids)

    async def placed(self, session: AzureSession, parameters: Mapping[str, str]) -> Seen:
        """Return the disks of the machine, or of the subscription or one of its groups."""
        if "virtualMachine" not in parameters:
            return await list_disks(
                session, parameters["subscription"].lower(), parameters.get("resourceGroup")
            )
        host = ResourceId.of(parameters["virtualMachine"])
        machine = (await machines(session, {host})).get(host)
        luns, names = listed(parameters.get("luns")), listed(parameters.get("diskNames"))
        wanted = {
            which
            for which, entry in data_disks(machine).items()
            if (not luns or str(entry["lun"]) in luns) and (not names or which.name in names)
        }
        return await disks(session, wanted)

    def suits(self, described: Described, parameters: Mapping[str, str]) -> bool:
        """Whether the disk belongs to the machine, if one is given."""
        host = parameters.get("virtualMachine")
        return host is None or holder_of(described) == str(ResourceId.of(host))


def _example(kind: str) -> str:
    provider, *types = kind.split("/")
    return f"{_GROUP}/providers/{provider}/" + "/".join(f"{one}/NAME" for one in types)


def _wrong_id(text: str, kind: str) -> str | None:
    parsed = ResourceId.parse(text)
    if parsed is not None and parsed.kind == kind:
        return None
    return f'{quote(text)} is not the id of a {kind}; write "{_example(kind)}"'


def _in_group(which: ResourceId, parameters: Mapping[str, str]) -> bool:
    group, subscription = parameters.get("resourceGroup"), parameters.get("subscription")
    return (group is None or which.group == group.lower()) and (
        subscription is None or which.subscription == subscription.lower()
    )


def _information(which: ResourceId, described: Mapping[str, Any]) -> dict[str, str]:
    return {"arn": str(which), "location": str(described.get("location", ""))}
