"""What an assumed role may do: its policies, before the request reaches the service.

EC2, Auto Scaling, EKS and CloudWatch are checked by action and by the ARNs of the resources
that a request names (`rights`). Other services are checked by action alone. The sandbox's own
caller may do everything: it stands for the account's administrator.
"""

from __future__ import annotations

from collections.abc import Sequence

from moto.iam.models import Role
from moto.sts.models import AssumedRole

from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.identity import assumed_role, role_by_arn
from bridge.sandbox.aws.policies import (
    Decision,
    Statement,
    UnsupportedCondition,
    decide,
    statements,
)
from bridge.sandbox.aws.rights import Right

_QUERY = frozenset({"autoscaling", "cloudwatch", "iam", "sts"})
"""Services of the query protocol, whose common error is called ``AccessDenied``."""


def authorize(access_key: str, service: str, rights: Sequence[Right]) -> None:
    """Refuse what the caller's role does not allow, in the words of the service.

    Raises ``AwsError`` with EC2's ``UnauthorizedOperation`` (its encoded message left out) or
    the other services' ``AccessDenied`` / ``AccessDeniedException``.
    """
    session = assumed_role(access_key)
    if session is None:
        return
    try:
        for action, resource in rights:
            decision = _decide(session, action, resource)
            if decision is not Decision.ALLOWED:
                raise _refusal(session, service, action, resource or "*", decision)
    except UnsupportedCondition as error:
        words = " and ".join(dict.fromkeys(right.action for right in rights))
        message = (
            f"The sandbox does not evaluate conditions, and one decides about {words} in "
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
    code = "AccessDenied" if service in _QUERY else "AccessDeniedException"
    return AwsError(code, message, 403)
