"""From the spec of a cloud's chaos kind to the provider's own fault and its target; no I/O.

The facts of each kind and action are Chaos Mesh 2.8.3's; the faults and target parameters are the
providers'. Every member that is made remembers which field of the spec it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.model.moment import format_duration
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.scope import Scope
from bridge.model.template import Filter, Selection, SelectionMode, TemplateTarget
from bridge.model.wording import quote
from providers.aws.arns import ec2_arn
from providers.kubernetes.specs import (
    NativeAWSChaosSpec,
    NativeAzureChaosSpec,
    NativeChaosSpec,
    NativeGCPChaosSpec,
)

_INSTANCES: Final = "Instances"
_VOLUMES: Final = "Volumes"


@dataclass(frozen=True)
class CloudFault:
    """What the engine runs in place of the custom resource."""

    action_id: str
    key: str
    """The target key of the fault: ``Instances`` or ``Volumes``."""
    target: TemplateTarget
    parameters: Mapping[str, str]
    origins: Mapping[str, str] = field(default_factory=dict)
    """Member of the target or of the parameters → field of the spec, for the path of a problem."""


@dataclass(frozen=True)
class _Choice:
    """A target while it is put together."""

    arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def cloud_fault(spec: NativeChaosSpec, scope: Scope) -> CloudFault:
    """Return the fault that a spec without errors asks for, in a template's scope.

    Raises InvalidDocumentError, with paths from the spec on (``spec.awsRegion``), for a spec that
    asks for another Region than the template's.
    """
    if isinstance(spec, NativeAWSChaosSpec):
        return _aws(spec, scope)
    if isinstance(spec, NativeGCPChaosSpec):
        return _gcp(spec)
    if isinstance(spec, NativeAzureChaosSpec):
        return _azure(spec)
    raise TypeError(type(spec).__name__)


def _aws(spec: NativeAWSChaosSpec, scope: Scope) -> CloudFault:
    if (scope.cloud, scope.region) != ("aws", spec.aws_region):
        message = (
            f"{quote(spec.aws_region)} is not {quote(scope.region)}, where the template runs; "
            f"write {quote(scope.region)}, or run it on a bridge of that Region"
        )
        raise InvalidDocumentError([Problem(path="spec.awsRegion", message=message)])
    ids = {
        "ec2-stop": "aws:ec2:stop-instances",
        "ec2-restart": "aws:ec2:reboot-instances",
        "detach-volume": "aws:ebs:detach-volume",
    }
    kind = "aws:ec2:ebs-volume" if spec.on_disk else "aws:ec2:instance"
    return _fault(spec, ids[spec.action], kind, _aws_choice(spec, scope))


def _aws_choice(spec: NativeAWSChaosSpec, scope: Scope) -> _Choice:
    instance, device = spec.ec2_instance or "", spec.device_name or ""
    if spec.selector is not None:
        zone = "AvailabilityZone" if spec.on_disk else "Placement.AvailabilityZone"
        values = (spec.selector.zone,) if spec.selector.zone else ()
        return _Choice(
            tags=spec.selector.tags or {},
            filters=tuple(Filter(path=zone, values=(value,)) for value in values),
            origins={"resourceTags": "selector.tags", "filters": "selector.zone"},
        )
    if spec.on_disk:
        # The volume is left alone where it is not, or no longer, the named device.
        return _Choice(
            arns=(ec2_arn(scope, "volume", spec.volume_id or ""),),
            filters=(
                Filter(path="Attachments.InstanceId", values=(instance,)),
                Filter(path="Attachments.Device", values=(device,)),
            ),
            origins={
                "resourceArns": "volumeID",
                "filters[0]": "ec2Instance",
                "filters[1]": "deviceName",
            },
        )
    return _Choice(
        arns=(ec2_arn(scope, "instance", instance),), origins={"resourceArns": "ec2Instance"}
    )


def _gcp(spec: NativeGCPChaosSpec) -> CloudFault:
    ids = {
        "node-stop": "gcp:compute:stop-instances",
        "node-reset": "gcp:compute:reset-instances",
        "disk-loss": "gcp:compute:detach-disks",
    }
    kind = "gcp:compute:disk" if spec.on_disk else "gcp:compute:instance"
    return _fault(spec, ids[spec.action], kind, _gcp_choice(spec))


def _gcp_choice(spec: NativeGCPChaosSpec) -> _Choice:
    if spec.selector is not None:
        zone = {"zone": spec.zone} if spec.zone else {}
        return _Choice(
            tags=spec.selector.labels or {},
            parameters={"project": spec.project, **zone},
            origins={
                "resourceTags": "selector.labels",
                "parameters.project": "project",
                "parameters.zone": "zone",
            },
        )
    name = (
        f"//compute.googleapis.com/projects/{spec.project}/zones/{spec.zone}"
        f"/instances/{spec.instance}"
    )
    if spec.on_disk:
        return _Choice(
            parameters={"instance": name, "deviceNames": ",".join(spec.device_names or ())},
            origins={"parameters.instance": "instance", "parameters.deviceNames": "deviceNames"},
        )
    return _Choice(arns=(name,), origins={"resourceArns": "instance"})


def _azure(spec: NativeAzureChaosSpec) -> CloudFault:
    ids = {
        "vm-stop": "azure:compute:power-off-vms",
        "vm-restart": "azure:compute:restart-vms",
        "disk-detach": "azure:compute:detach-disks",
    }
    kind = "azure:compute:disk" if spec.on_disk else "azure:compute:vm"
    return _fault(spec, ids[spec.action], kind, _azure_choice(spec))


def _azure_choice(spec: NativeAzureChaosSpec) -> _Choice:
    if spec.selector is not None:
        group = {"resourceGroup": spec.resource_group_name} if spec.resource_group_name else {}
        zone = {"zone": spec.selector.zone} if spec.selector.zone else {}
        return _Choice(
            tags=spec.selector.tags or {},
            parameters={"subscription": spec.subscription_id, **group, **zone},
            origins={
                "resourceTags": "selector.tags",
                "parameters.subscription": "subscriptionID",
                "parameters.resourceGroup": "resourceGroupName",
                "parameters.zone": "selector.zone",
            },
        )
    name = (
        f"/subscriptions/{spec.subscription_id}/resourceGroups/{spec.resource_group_name}"
        f"/providers/Microsoft.Compute/virtualMachines/{spec.vm_name}"
    )
    if spec.on_disk:
        return _Choice(
            parameters={
                "virtualMachine": name,
                "luns": str(spec.lun),
                "diskNames": spec.disk_name or "",
            },
            origins={
                "parameters.virtualMachine": "vmName",
                "parameters.luns": "lun",
                "parameters.diskNames": "diskName",
            },
        )
    return _Choice(arns=(name,), origins={"resourceArns": "vmName"})


def _fault(spec: NativeChaosSpec, action_id: str, kind: str, choice: _Choice) -> CloudFault:
    timer = "duration" if spec.on_disk else "startInstancesAfterDuration"
    lasts = {} if spec.one_shot else {timer: format_duration(spec.lasts)}
    return CloudFault(
        action_id=action_id,
        key=_VOLUMES if spec.on_disk else _INSTANCES,
        target=TemplateTarget(
            resource_type=kind,
            resource_arns=choice.arns,
            resource_tags=dict(choice.tags),
            filters=choice.filters,
            selection_mode=_selection(spec),
            parameters=dict(choice.parameters),
        ),
        parameters=lasts,
        origins={timer: "duration", "selectionMode": "mode", **choice.origins},
    )


def _selection(spec: NativeChaosSpec) -> Selection:
    """Return how many are taken. A percentage rounds down as everywhere, never up."""
    match spec.mode:
        case "one":
            return Selection(mode=SelectionMode.COUNT, number=1)
        case "fixed":
            return Selection(mode=SelectionMode.COUNT, number=int(spec.value or 0))
        case "fixed-percent":
            return Selection(mode=SelectionMode.PERCENT, number=int(spec.value or 0))
        case _:
            return Selection()
