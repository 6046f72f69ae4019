"""Names to classes, loaded when first used, so that no cloud's SDK is imported at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, cast

from providers.contract import Fault, Provider, Resolver, StopSource

PROVIDERS: Final[Mapping[str, str]] = {
    "aws": "providers.aws.provider:AwsProvider",
    "kubernetes": "providers.kubernetes.provider:KubernetesProvider",
}

FAULTS: Final[Mapping[str, str]] = {
    "aws:cloudwatch:assert-alarm-state": "providers.aws.alarms:AssertAlarmState",
    "aws:ebs:detach-volume": "providers.aws.volumes:DetachVolume",
    "aws:ec2:reboot-instances": "providers.aws.instances:RebootInstances",
    "aws:ec2:stop-instances": "providers.aws.instances:StopInstances",
    "aws:ec2:terminate-instances": "providers.aws.instances:TerminateInstances",
    "aws:eks:inject-kubernetes-custom-resource": (
        "providers.kubernetes.custom_resource:InjectCustomResource"
    ),
    "aws:fis:wait": "providers.aws.wait:Wait",
}

RESOLVERS: Final[Mapping[str, str]] = {
    "aws:ec2:ebs-volume": "providers.aws.resolvers:VolumeResolver",
    "aws:ec2:instance": "providers.aws.resolvers:InstanceResolver",
    "aws:eks:cluster": "providers.aws.resolvers:ClusterResolver",
}

STOP_SOURCES: Final[Mapping[str, str]] = {
    "aws:cloudwatch:alarm": "providers.aws.alarms:AlarmSource",
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
