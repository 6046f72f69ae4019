"""Names to classes, loaded when first used, so that no cloud's SDK is imported at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, cast

from providers.contract import Fault, Provider, Resolver, StopSource

PROVIDERS: Final[Mapping[str, str]] = {
    "aws": "providers.aws.provider:AwsProvider",
    "azure": "providers.azure.provider:AzureProvider",
    "gcp": "providers.gcp.provider:GcpProvider",
    "kubernetes": "providers.kubernetes.provider:KubernetesProvider",
}

FAULTS: Final[Mapping[str, str]] = {
    "aws:autoscaling:suspend-processes": "providers.aws.processes:SuspendProcesses",
    "aws:autoscaling:terminate-instances": "providers.aws.replaced:TerminateInGroup",
    "aws:cloudwatch:assert-alarm-state": "providers.aws.alarms:AssertAlarmState",
    "aws:ebs:detach-volume": "providers.aws.volumes:DetachVolume",
    "aws:ec2:isolate-instances": "providers.aws.isolation:IsolateInstances",
    "aws:ec2:reboot-instances": "providers.aws.instances:RebootInstances",
    "aws:ec2:stop-instances": "providers.aws.instances:StopInstances",
    "aws:ec2:terminate-instances": "providers.aws.instances:TerminateInstances",
    "aws:eks:inject-kubernetes-custom-resource": (
        "providers.kubernetes.custom_resource:InjectCustomResource"
    ),
    "aws:fis:wait": "providers.aws.wait:Wait",
    "azure:compute:deallocate-vms": "providers.azure.virtual_machines:DeallocateVms",
    "azure:compute:detach-disks": "providers.azure.disks:DetachDisks",
    "azure:compute:isolate-vms": "providers.azure.isolation:IsolateVms",
    "azure:compute:power-off-scale-set-instances": (
        "providers.azure.scale_sets:PowerOffScaleSetInstances"
    ),
    "azure:compute:power-off-vms": "providers.azure.virtual_machines:PowerOffVms",
    "azure:compute:redeploy-vms": "providers.azure.irreversible:RedeployVms",
    "azure:compute:restart-vms": "providers.azure.irreversible:RestartVms",
    "gcp:compute:delete-managed-instances": "providers.gcp.deletion:DeleteManagedInstances",
    "gcp:compute:detach-disks": "providers.gcp.disks:DetachDisks",
    "gcp:compute:isolate-instances": "providers.gcp.isolation:IsolateInstances",
    "gcp:compute:recreate-managed-instances": "providers.gcp.recreation:RecreateManagedInstances",
    "gcp:compute:reset-instances": "providers.gcp.instances:ResetInstances",
    "gcp:compute:stop-instances": "providers.gcp.instances:StopInstances",
    "gcp:compute:suspend-instances": "providers.gcp.instances:SuspendInstances",
}

RESOLVERS: Final[Mapping[str, str]] = {
    "aws:ec2:autoscaling-group": "providers.aws.scaling_groups:ScalingGroupResolver",
    "aws:ec2:ebs-volume": "providers.aws.resolvers:VolumeResolver",
    "aws:ec2:instance": "providers.aws.resolvers:InstanceResolver",
    "aws:eks:cluster": "providers.aws.resolvers:ClusterResolver",
    "azure:compute:disk": "providers.azure.resolvers:DiskResolver",
    "azure:compute:scale-set-instance": "providers.azure.resolvers:ScaleSetInstanceResolver",
    "azure:compute:vm": "providers.azure.resolvers:VmResolver",
    "gcp:compute:disk": "providers.gcp.resolvers:DiskResolver",
    "gcp:compute:instance": "providers.gcp.resolvers:InstanceResolver",
}

STOP_SOURCES: Final[Mapping[str, str]] = {
    "aws:cloudwatch:alarm": "providers.aws.alarms:AlarmSource",
    "azure:monitor:alert": "providers.pushed.azure_monitor:AzureMonitorSource",
    "gcp:monitoring:alert-policy": "providers.pushed.google_monitoring:GoogleMonitoringSource",
    "prometheus:alertmanager:alert": "providers.pushed.alertmanager:AlertmanagerSource",
}


@cache
def _load(reference: str) -> type[Any]:
    module, _, name = reference.partition(":")
    return cast("type[Any]", getattr(import_module(module), name))


def provider_class(name: str) -> type[Provider]:
    """Return the class of a provider. Raises KeyError for a name that is not registered."""
    return _load(PROVIDERS[name])


@cache
def fault(action_id: str) -> Fault:
    """Return the fault behind an action id. Raises KeyError for one that does not exist."""
    return cast("Fault", _load(FAULTS[action_id])())


@cache
def resolver(resource_type: str) -> Resolver:
    """Return the resolver of a resource type. Raises KeyError for one that does not exist."""
    return cast("Resolver", _load(RESOLVERS[resource_type])())


@cache
def stop_source(source: str) -> StopSource:
    """Return the reader of a stop condition's source. Raises KeyError if there is none."""
    return cast("StopSource", _load(STOP_SOURCES[source])())
