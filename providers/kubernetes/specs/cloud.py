"""AWSChaos, GCPChaos and AzureChaos, as their CRDs have them: one machine, or one disk of it.

What the bridge carries out itself, on many machines and without a cluster, is in `native`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosSpec, Integer

AwsAction = Literal["ec2-stop", "ec2-restart", "detach-volume"]
GcpAction = Literal["node-stop", "node-reset", "disk-loss"]
AzureAction = Literal["vm-stop", "vm-restart", "disk-detach"]


class CloudChaosSpec(ChaosSpec):
    """What the kinds of the three clouds share."""

    disk_action: ClassVar[str]
    """The action on a disk; the other two are on the machine."""
    disk_fields: ClassVar[tuple[str, ...]]
    """What names the disk of the machine."""

    secret_name: str | None = Field(
        default=None,
        description="The Secret in the resource's namespace with the cloud's credentials.",
    )

    @property
    def on_disk(self) -> bool:
        """Whether a disk is taken away, not the machine."""
        return getattr(self, "action", None) == self.disk_action

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhooks want the disk named; an empty name passes them."""
        yield from super().findings(path)
        yield from self.disk_findings(path)

    def disk_findings(self, path: str) -> Iterator[Problem]:
        """The fields of the disk: missing where there is one, ignored where there is none."""
        for name in self.disk_fields:
            where = child(path, type(self).model_fields[name].alias or name)
            given = getattr(self, name) is not None
            action = getattr(self, "action", None)
            if self.on_disk and not given:
                description = type(self).model_fields[name].description
                message = f'is required with action "{action}", add it ({description})'
                yield Problem(where, message)
            elif given and not self.on_disk:
                message = f'is ignored with action "{action}", leave it out'
                yield Problem(where, message, Severity.WARNING)


class AwsFields(CloudChaosSpec):
    """What an AWSChaos says apart from its instance."""

    one_shot_actions: ClassVar[frozenset[str]] = frozenset({"ec2-restart"})
    disk_action: ClassVar[str] = "detach-volume"
    disk_fields: ClassVar[tuple[str, ...]] = ("volume_id", "device_name")

    action: AwsAction = Field(
        description="ec2-stop stops the instance, ec2-restart restarts it, detach-volume takes a "
        "volume away."
    )
    aws_region: str = Field(description="The Region that the instance is in.")
    endpoint: str | None = Field(default=None, description="Another address of the EC2 API.")
    volume_id: str | None = Field(
        default=None, alias="volumeID", description='The id of the EBS volume, like "vol-0a1b2c3d".'
    )
    device_name: str | None = Field(
        default=None, description='The device under which it is attached, like "/dev/sdf".'
    )


class GcpFields(CloudChaosSpec):
    """What a GCPChaos says apart from its zone and its instance."""

    one_shot_actions: ClassVar[frozenset[str]] = frozenset({"node-reset"})
    disk_action: ClassVar[str] = "disk-loss"
    disk_fields: ClassVar[tuple[str, ...]] = ("device_names",)

    action: GcpAction = Field(
        description="node-stop stops the instance, node-reset resets it, disk-loss takes disks "
        "away."
    )
    project: str = Field(description="The project's id.")
    device_names: list[str] | None = Field(
        default=None, description='A list of device names, like ["carts-data-1"].'
    )


class AzureFields(CloudChaosSpec):
    """What an AzureChaos says apart from its resource group and its machine."""

    one_shot_actions: ClassVar[frozenset[str]] = frozenset({"vm-restart"})
    disk_action: ClassVar[str] = "disk-detach"
    disk_fields: ClassVar[tuple[str, ...]] = ("disk_name", "lun")

    action: AzureAction = Field(
        description="vm-stop stops the machine, vm-restart restarts it, disk-detach takes a data "
        "disk away."
    )
    subscription_id: str = Field(alias="subscriptionID", description="The subscription's id.")
    disk_name: str | None = Field(default=None, description="The name of the data disk.")
    lun: Integer | None = Field(
        default=None, description="The logical unit number of the data disk, like 0."
    )


class AWSChaosSpec(AwsFields):
    """The `spec` of an AWSChaos."""

    ec2_instance: str = Field(alias="ec2Instance", description="The id of the EC2 instance.")


class GCPChaosSpec(GcpFields):
    """The `spec` of a GCPChaos."""

    zone: str = Field(description="The zone that the instance is in.")
    instance: str = Field(description="The instance's name.")


class AzureChaosSpec(AzureFields):
    """The `spec` of an AzureChaos."""

    resource_group_name: str = Field(description="The resource group of the virtual machine.")
    vm_name: str = Field(description="The virtual machine's name.")
