"""AWSChaos, GCPChaos and AzureChaos as the bridge carries them out itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from providers.kubernetes.specs.base import ChaosModel, Integer, TextMap
from providers.kubernetes.specs.cloud import AwsFields, AzureFields, GcpFields
from providers.kubernetes.specs.forms import Form
from providers.kubernetes.specs.kinds import CHAOS_MESH
from providers.kubernetes.specs.native import NativeChaosSpec

EXTENSION: Final = frozenset({"selector", "mode", "value"})
"""The fields that are ours, which the CRDs do not have."""

_LARGEST_LUN: Final = 63
"""Azure's largest virtual machines take 64 data disks, numbered from 0."""


class AwsSelector(ChaosModel):
    """EC2 instances, or the volumes of a detach-volume, that have something in common."""

    tags: TextMap | None = Field(default=None, description="All of them must be there.")
    zone: str | None = Field(default=None, description="The Availability Zone they are in.")


class GcpSelector(ChaosModel):
    """Instances, or the disks of a disk-loss; the zone stands where the CRD has it."""

    labels: TextMap | None = Field(default=None, description="All of them must be there.")


class AzureSelector(ChaosModel):
    """Virtual machines, or the disks of a disk-detach; the group stands where the CRD has it."""

    tags: TextMap | None = Field(default=None, description="All of them must be there.")
    zone: str | None = Field(default=None, description="The availability zone they are in.")


class NativeAWSChaosSpec(NativeChaosSpec, AwsFields):
    """An AWSChaos for the bridge."""

    places: ClassVar[tuple[str, ...]] = ("aws_region",)
    machine: ClassVar[str] = "ec2_instance"
    forms: ClassVar[Mapping[str, Form]] = {
        "ec2_instance": Form(r"i-[0-9a-f]{8,17}", "i-0123456789abcdef0"),
        "volume_id": Form(r"vol-[0-9a-f]{8,17}", "vol-0123456789abcdef0"),
        "device_name": Form(r"[/A-Za-z0-9]{1,32}", "/dev/sdf"),
    }

    ec2_instance: str | None = Field(
        default=None, alias="ec2Instance", description="The id of the EC2 instance."
    )
    selector: AwsSelector | None = None


class NativeGCPChaosSpec(NativeChaosSpec, GcpFields):
    """A GCPChaos for the bridge; with a selector, without a zone, in all zones of the project."""

    places: ClassVar[tuple[str, ...]] = ("project", "zone")
    machine: ClassVar[str] = "instance"
    forms: ClassVar[Mapping[str, Form]] = {
        "project": Form(r"([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]", "my-project"),
        "zone": Form(r"[a-z]+(-[a-z0-9]+){2}", "us-central1-a"),
        "instance": Form(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", "carts-worker-1"),
        "device_names": Form(r"[A-Za-z0-9][-\w.]{0,62}", "carts-data-1"),
    }

    zone: str | None = Field(default=None, description="The zone that the instances are in.")
    instance: str | None = Field(default=None, description="The instance's name.")
    selector: GcpSelector | None = None


class NativeAzureChaosSpec(NativeChaosSpec, AzureFields):
    """An AzureChaos for the bridge; with a selector, without a group, in the whole subscription."""

    places: ClassVar[tuple[str, ...]] = ("subscription_id", "resource_group_name")
    machine: ClassVar[str] = "vm_name"
    forms: ClassVar[Mapping[str, Form]] = {
        "subscription_id": Form(
            r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
            "00000000-0000-4000-8000-000000000001",
        ),
        "resource_group_name": Form(r"[-\w.()]{0,89}[-\w()]", "sandbox"),
        "vm_name": Form(r"[^\W_][-\w.]{0,63}", "carts-worker-1"),
        "disk_name": Form(r"[^\W_][-\w.]{0,79}", "carts-data-1"),
    }

    resource_group_name: str | None = Field(
        default=None, description="The resource group of the virtual machines."
    )
    vm_name: str | None = Field(default=None, description="The virtual machine's name.")
    lun: Annotated[Integer, Field(ge=0, le=_LARGEST_LUN)] | None = Field(
        default=None, description="The logical unit number of the data disk, like 0."
    )
    selector: AzureSelector | None = None


NATIVE: Final[Mapping[str, type[NativeChaosSpec]]] = MappingProxyType(
    {
        "AWSChaos": NativeAWSChaosSpec,
        "AzureChaos": NativeAzureChaosSpec,
        "GCPChaos": NativeGCPChaosSpec,
    }
)
"""The kinds that the bridge can carry out itself, and the model of their `spec` then."""


def is_native(api_version: str, kind: str, carried_out_by: str | None) -> bool:
    """Whether the bridge itself carries a resource out, and no cluster is touched."""
    group = api_version.rpartition("/")[0]
    return group == CHAOS_MESH and kind in NATIVE and carried_out_by != "cluster"


def native_spec(kind: str, spec: Mapping[str, Any]) -> NativeChaosSpec:
    """Read the spec of a kind in `NATIVE`, in which `check` found no error.

    Raises KeyError for any other kind, pydantic's ValidationError for another spec.
    """
    return NATIVE[kind].model_validate(spec)
