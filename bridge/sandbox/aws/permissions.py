"""What an assumed role may do: its policies, before the request reaches the service.

EC2, EKS and CloudWatch are checked by action and, for the operations listed here, by the
ARNs of the resources they name. Other services are checked by action alone. The sandbox's own
caller may do everything: it stands for the account's administrator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from moto.iam.models import Role
from moto.sts.models import AssumedRole

from bridge.sandbox.aws.cloud import ACCOUNT_ID
from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.identity import assumed_role, role_by_arn
from bridge.sandbox.aws.policies import (
    Decision,
    Statement,
    UnsupportedCondition,
    decide,
    statements,
)

_BY_INSTANCE = frozenset(
    {"StopInstances", "StartInstances", "RebootInstances", "TerminateInstances"}
    | {"ModifyInstanceAttribute", "AttachVolume", "DetachVolume"}
)
_BY_VOLUME = frozenset({"AttachVolume", "DetachVolume", "DeleteVolume", "ModifyVolume"})
_TAGGING = frozenset({"CreateTags", "DeleteTags"})
_EC2_KINDS = {"i": "instance", "vol": "volume", "snap": "snapshot", "subnet": "subnet"}


def needed_resources(
    service: str, operation: str, region: str, form: Mapping[str, str], path: str
) -> list[str | None]:
    """Answer the ARNs on which the operation must be allowed; ``None`` is "not checked".

    Service Authorization Reference, "Actions, resources, and condition keys" of each
    service: EC2's Describe operations know no resource, so only ``*`` allows them.
    """
    if service == "ec2":
        return _ec2_resources(operation, region, form)
    if service == "eks" and (cluster := re.match(r"/clusters/([^/]+)", path)):
        return [f"arn:aws:eks:{region}:{ACCOUNT_ID}:cluster/{cluster[1]}"]
    if service == "cloudwatch" and operation == "DescribeAlarms":
        return ["*"]
    return [None]


def _ec2_resources(operation: str, region: str, form: Mapping[str, str]) -> list[str | None]:
    if operation.startswith("Describe"):
        return ["*"]
    ids: list[str] = []
    if operation in _BY_INSTANCE:
        ids += [v for k, v in form.items() if k.startswith("InstanceId")]
    if operation in _BY_VOLUME:
        ids += [v for k, v in form.items() if k == "VolumeId"]
    if operation in _TAGGING:
        ids += [v for k, v in form.items() if k.startswith("ResourceId.")]
    prefix = f"arn:aws:ec2:{region}:{ACCOUNT_ID}"
    return [f"{prefix}:{_EC2_KINDS.get(i.split('-')[0], '*')}/{i}" for i in ids] or [None]


def authorize(access_key: str, service: str, operation: str, resources: list[str | None]) -> None:
    """Refuse what the caller's role does not allow, in the words of the service.

    Raises ``AwsError`` with EC2's ``UnauthorizedOperation`` (its encoded message left out) or
    the other services' ``AccessDenied`` / ``AccessDeniedException``.
    """
    session = assumed_role(access_key)
    if session is None or (service == "sts" and operation == "GetCallerIdentity"):
        return
    action = f"{service}:{operation}"
    try:
        for resource in resources:
            decision = _decide(session, action, resource)
            if decision is not Decision.ALLOWED:
                raise _refusal(session, service, action, resource or "*", decision)
    except UnsupportedCondition as error:
        message = (
            f"The sandbox does not evaluate conditions, and one decides about {action} in "
            f"{error}: take the Condition out, or start the sandbox with permissions off"
        )
        raise AwsError("UnsupportedOperation", message) from error


def _decide(session: AssumedRole, action: str, resource: str | None) -> Decision:
    role = role_by_arn(session.role_arn)
    if role is None:
        return Decision.SILENT
    layers = [role_statements(role)]
    if session.policy:
        layers.append(statements(session.policy, "the session policy"))
    decisions = [decide(layer, action, resource) for layer in layers]
    for unfavourable in (Decision.DENIED, Decision.SILENT):
        if unfavourable in decisions:
            return unfavourable
    return Decision.ALLOWED


def role_statements(role: Role) -> tuple[Statement, ...]:
    """Answer the statements of a role's inline and attached policies.

    Raises ``UnsupportedCondition`` for a role with a permissions boundary.
    """
    if role.permissions_boundary_arn:
        unsupported = f"the permissions boundary of role {role.name}"
        raise UnsupportedCondition(unsupported)
    found: list[Statement] = []
    for name, document in role.policies.items():
        found += statements(document, f"inline policy {name} of role {role.name}")
    for policy in role.managed_policies.values():
        document = next(v.document for v in policy.versions if v.is_default)
        found += statements(document, f"policy {policy.name} of role {role.name}")
    return tuple(found)


def _refusal(
    session: AssumedRole, service: str, action: str, resource: str, decision: Decision
) -> AwsError:
    why = (
        "with an explicit deny in an identity-based policy"
        if decision is Decision.DENIED
        else f"because no identity-based policy allows the {action} action"
    )
    message = (
        f"User: {session.arn} is not authorized to perform: {action} on resource: {resource} {why}"
    )
    if service == "ec2":
        lead = "You are not authorized to perform this operation."
        return AwsError("UnauthorizedOperation", f"{lead} {message}", 403)
    code = "AccessDenied" if service in ("cloudwatch", "iam", "sts") else "AccessDeniedException"
    return AwsError(code, message, 403)
