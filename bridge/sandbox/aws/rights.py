"""Which IAM actions a call needs, and on which resources.

Service Authorization Reference, "Actions, resources, and condition keys" of each service. The
action is named after the operation, with the exceptions listed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from moto.autoscaling import autoscaling_backends

from bridge.sandbox.aws.cloud import ACCOUNT_ID

_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
"""Services whose IAM actions do not begin with the name that requests are signed for."""
_FREE = {("sts", "GetCallerIdentity")}
"""Operations that need no right ("Permissions are not required", STS API reference)."""
_TAGGED_AT_CREATION = "TagSpecification."
"""With it a creating call of EC2 needs ec2:CreateTags too (EC2 User Guide, "Grant permission
to tag EC2 resources during creation")."""

_BY_INSTANCE = frozenset(
    {"StopInstances", "StartInstances", "RebootInstances", "TerminateInstances"}
    | {"ModifyInstanceAttribute", "AttachVolume", "DetachVolume"}
)
_BY_VOLUME = frozenset({"AttachVolume", "DetachVolume", "DeleteVolume", "ModifyVolume"})
_BY_GROUP = frozenset(
    {"DeleteSecurityGroup", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"}
    | {"AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"}
)
_TAGGING = frozenset({"CreateTags", "DeleteTags"})
_KINDS = {
    "eni": "network-interface",
    "i": "instance",
    "sg": "security-group",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
_CREATED = {
    "CreateSecurityGroup": "security-group",
    "CreateVolume": "volume",
    "CreateNetworkInterface": "network-interface",
    "RunInstances": "instance",
}


class Asked(NamedTuple):
    """What a request says of the resources that it is about."""

    service: str
    operation: str
    region: str
    form: Mapping[str, str]
    path: str


class Right(NamedTuple):
    """One action, and the ARN on which it must be allowed; None is "not checked"."""

    action: str
    resource: str | None


def actions(service: str, operation: str, form: Mapping[str, str]) -> tuple[str, ...]:
    """Answer the IAM actions that an operation needs."""
    if not service or not operation or (service, operation) in _FREE:
        return ()
    needed = (f"{_PREFIXES.get(service, service)}:{operation}",)
    tags = service == "ec2" and any(name.startswith(_TAGGED_AT_CREATION) for name in form)
    return (*needed, "ec2:CreateTags") if tags else needed


def needed_rights(asked: Asked) -> list[Right]:
    """Answer all the rights that a request needs."""
    needed = actions(asked.service, asked.operation, asked.form)
    if not needed:
        return []
    rights = [Right(needed[0], resource) for resource in _resources(asked)]
    for further in needed[1:]:
        kind = _CREATED.get(asked.operation, "*")
        rights.append(Right(further, f"arn:aws:ec2:{asked.region}:{ACCOUNT_ID}:{kind}/*"))
    return rights


def _resources(asked: Asked) -> list[str | None]:
    """Answer the ARNs; Describe operations know no resource, so only ``*`` allows them."""
    match asked.service:
        case "ec2":
            return _ec2(asked)
        case "autoscaling":
            return _autoscaling(asked)
        case "eks" if cluster := re.match(r"/clusters/([^/]+)", asked.path):
            return [f"arn:aws:eks:{asked.region}:{ACCOUNT_ID}:cluster/{cluster[1]}"]
        case "sts" if asked.operation == "AssumeRole":
            return [asked.form.get("RoleArn") or None]
        case "cloudwatch" if asked.operation == "DescribeAlarms":
            return ["*"]
    return [None]


def _ec2(asked: Asked) -> list[str | None]:
    operation, form = asked.operation, asked.form
    if operation.startswith("Describe"):
        return ["*"]
    ids: list[str] = []
    if operation in _BY_INSTANCE:
        ids += [v for k, v in form.items() if k.startswith("InstanceId")]
    if operation in _BY_VOLUME:
        ids += [v for k, v in form.items() if k == "VolumeId"]
    if operation in _BY_GROUP:
        ids += [v for k, v in form.items() if k == "GroupId"]
    if operation in _TAGGING:
        ids += [v for k, v in form.items() if k.startswith("ResourceId.")]
    if operation == "ModifyNetworkInterfaceAttribute":
        ids += [
            v
            for k, v in form.items()
            if k == "NetworkInterfaceId" or k.startswith("SecurityGroupId.")
        ]
    if operation == "CreateSecurityGroup":
        ids += ["sg-*", *(v for k, v in form.items() if k == "VpcId")]
    prefix = f"arn:aws:ec2:{asked.region}:{ACCOUNT_ID}"
    return [f"{prefix}:{_KINDS.get(i.split('-')[0], '*')}/{_plain(i)}" for i in ids] or [None]


def _plain(resource_id: str) -> str:
    return "*" if resource_id.endswith("-*") else resource_id


def _autoscaling(asked: Asked) -> list[str | None]:
    if asked.operation.startswith("Describe"):
        return ["*"]
    backend = autoscaling_backends[ACCOUNT_ID][asked.region]
    names = [
        v
        for k, v in asked.form.items()
        if k == "AutoScalingGroupName" or re.fullmatch(r"Tags\.member\.\d+\.ResourceId", k)
    ]
    if plain := asked.form.get("InstanceId"):
        members = backend.describe_auto_scaling_instances([plain])
        names += [_group_of(member) for member in members]
    return [_group_arn(backend, asked.region, name) for name in names] or [None]


def _group_of(member: Any) -> str:
    return str(member.instance.autoscaling_group.name)


def _group_arn(backend: Any, region: str, name: str) -> str:
    group = backend.autoscaling_groups.get(name)
    unknown = f"arn:aws:autoscaling:{region}:{ACCOUNT_ID}:autoScalingGroup:*:autoScalingGroupName"
    return str(group.arn) if group else f"{unknown}/{name}"
