"""Trust policies of roles: whom they admit today, and how one more is let in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.model.problem import InvalidDocumentError
from iam.granted import ABSENT, as_document
from iam.policy import Effect, Policy, Request, Statement, evaluate, read_policy
from providers.aws.arns import account_of
from providers.aws.session import AwsSession
from providers.contract import ProviderError

ASSUMING: Final = "sts:AssumeRole"
EXTERNAL_ID: Final = "sts:ExternalId"


async def trust_of(session: AwsSession, role: str) -> dict[str, Any] | None:
    """Return the trust policy of a role, by its name; None where there is no such role.

    Raises ProviderError.
    """
    try:
        answer = await session.call("iam", "GetRole", RoleName=role)
    except ProviderError as error:
        if error.code != ABSENT:
            raise
        return None
    return as_document(answer["Role"]["AssumeRolePolicyDocument"])


async def put_trust(
    session: AwsSession, role: str, document: Mapping[str, Any], *, new: bool
) -> None:
    """Put a trust policy in place, with the role if it is ``new``. Raises ProviderError."""
    text = json.dumps(document)
    if new:
        await session.call("iam", "CreateRole", RoleName=role, AssumeRolePolicyDocument=text)
    else:
        await session.call("iam", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=text)


def not_admitted(
    document: Mapping[str, Any], principal: str, actions: Sequence[str], external_id: str = ""
) -> str:
    """Return why a trust policy does not let a principal assume the role; empty where it does."""
    mine = [one for one in _listed(document.get("Statement")) if _names(one, principal)]
    if not mine:
        return f"its trust policy does not name {principal}"
    context = {"aws:principalarn": [principal]}
    if external_id:
        context[EXTERNAL_ID.lower()] = [external_id]
    try:
        policy = Policy("its trust policy", tuple(_statements(mine)))
    except InvalidDocumentError as error:
        return f"its trust policy cannot be read: {next(iter(error.problems))}"
    for action in actions:
        decision = evaluate([policy], Request(action, "*", context=context))
        if not decision.allowed:
            near = f" ({decision.near[0].reason})" if decision.near else ""
            return f"its trust policy does not allow {action} to {principal}{near}"
    return ""


def admitted_besides(document: Mapping[str, Any], principal: str) -> list[str]:
    """Return in words who else may assume the role."""
    found = []
    for number, one in enumerate(_listed(document.get("Statement"))):
        if one.get("Effect") != "Allow":
            continue
        label = one.get("Sid") or f"Statement[{number}]"
        found += [
            f"trust policy, {label}: {kind} {name} may assume it too"
            for kind, name in _principals(one)
            if (kind, name) != ("AWS", principal)
        ]
    return found


def merged(document: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trust policy with the statements that are wanted; all others stay as they are.

    Statements of the same Sid are replaced.
    """
    if document is None:
        return dict(wanted)
    statements = list(_listed(wanted.get("Statement")))
    sids = {one.get("Sid") for one in statements}
    kept = [one for one in _listed(document.get("Statement")) if one.get("Sid") not in sids]
    return {**document, "Statement": [*kept, *statements]}


def _statements(given: Sequence[Mapping[str, Any]]) -> Sequence[Statement]:
    bare = [
        {**{key: value for key, value in one.items() if key != "Principal"}, "Resource": "*"}
        for one in given
    ]
    document = {"Version": "2012-10-17", "Statement": bare}
    return read_policy(document, name="trust", any_service=True).policy.statements


def _names(statement: Mapping[str, Any], principal: str) -> bool:
    """Whether a statement is about a principal; a Deny with NotPrincipal is about everybody."""
    if "NotPrincipal" in statement:
        return statement.get("Effect") == Effect.DENY.value
    account = account_of(principal) or ""
    partition = principal.partition(":")[2].partition(":")[0]
    mine = {"*", principal, account, f"arn:{partition}:iam::{account}:root"}
    return any(kind == "AWS" and name in mine for kind, name in _principals(statement))


def _principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = statement.get("Principal") or {}
    for kind, names in ({"AWS": said} if isinstance(said, str) else said).items():
        for name in _listed(names):
            yield str(kind), str(name)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
