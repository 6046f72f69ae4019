"""What an assumed role may do: its policies, before the request reaches the service.

EC2, Auto Scaling, EKS and CloudWatch are checked by action, by the ARNs of the resources that a
request names (`rights`) and by conditions (`context`). Other services are checked by action
alone. The sandbox's own caller may do everything: it stands for the account's administrator.
"""

from __future__ import annotations

from collections.abc import Sequence

from moto.iam.models import Role
from moto.sts.models import AssumedRole

from bridge.sandbox.aws.context import Context
from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.identity import assumed_role, role_by_arn
from bridge.sandbox.aws.policies import UnsupportedPolicyError, decide, policy
from bridge.sandbox.aws.rights import Right
from iam.policy import Decision, Outcome, Policy

_QUERY = frozenset({"autoscaling", "cloudwatch", "iam", "sts"})
"""Services of the query protocol, whose common error is called ``AccessDenied``."""


def authorize(access_key: str, service: str, asked: Sequence[tuple[Right, Context]]) -> None:
    """Refuse what the caller's role does not allow, in the words of the service.

    Raises ``AwsError`` with EC2's ``UnauthorizedOperation`` (its encoded message left out) or
    the other services' ``AccessDenied`` / ``AccessDeniedException``.
    """
    session = assumed_role(access_key)
    if session is None:
        return
    try:
        for (action, resource), context in asked:
            decision = _decide(session, action, resource, context)
            if not decision.allowed:
                raise _refusal(session, service, action, resource or "*", decision)
    except UnsupportedPolicyError as error:
        words = " and ".join(dict.fromkeys(right.action for right, _ in asked))
        message = (
            f"The sandbox does not evaluate what decides about {words} in {error}: take it out, "
            "or start the sandbox with permissions off"
        )
        raise AwsError("UnsupportedOperation", message) from error


def _decide(session: AssumedRole, action: str, resource: str | None, context: Context) -> Decision:
    role = role_by_arn(session.role_arn)
    if role is None:
        return Decision(Outcome.IMPLICIT_DENY)
    told = {
        **context,
        "aws:principalaccount": [session.role_arn.split(":")[4]],
        "aws:principalarn": [session.role_arn],
    }
    layers = [role_policies(role)]
    if session.policy:
        layers.append((policy(session.policy, "the session policy"),))
    decisions = [decide(layer, action, resource, told) for layer in layers]
    for unfavourable in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        for decision in decisions:
            if decision.outcome is unfavourable:
                return decision
    return decisions[0]


def role_policies(role: Role) -> tuple[Policy, ...]:
    """Answer a role's inline and attached policies.

    Raises ``UnsupportedPolicyError`` for a role with a permissions boundary.
    """
    if role.permissions_boundary_arn:
        unsupported = f"the permissions boundary of role {role.name}"
        raise UnsupportedPolicyError(unsupported)
    found = [
        policy(document, f"inline policy {name} of role {role.name}")
        for name, document in role.policies.items()
    ]
    for attached in role.managed_policies.values():
        document = next(v.document for v in attached.versions if v.is_default)
        found.append(policy(document, f"policy {attached.name} of role {role.name}"))
    return tuple(found)


def _refusal(
    session: AssumedRole, service: str, action: str, resource: str, decision: Decision
) -> AwsError:
    why = (
        "with an explicit deny in an identity-based policy"
        if decision.outcome is Outcome.EXPLICIT_DENY
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
