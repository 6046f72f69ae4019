"""What an IAM role is granted today: read through the SDK, compared, and put in order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from bridge.model.problem import InvalidDocumentError
from iam.policy import Effect, Policy, Request, Statement, evaluate, read_policy
from iam.policy.wildcards import matches, matches_ignoring_case
from providers.aws.session import AwsSession
from providers.contract import ProviderError

Condition = tuple[str, str, str]
"""Operator, key and value."""
ABSENT: Final = "NoSuchEntity"
"""IAM's code for what does not exist."""


@dataclass(frozen=True)
class Right:
    """One IAM action on resources, as something needs it."""

    action: str
    resources: tuple[str, ...] = ()
    """ARNs and patterns; none where IAM takes only ``*``."""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Granted:
    """A role's policies, and what could not be read of them."""

    policies: tuple[Policy, ...] = ()
    unread: tuple[str, ...] = ()


async def granted_to(session: AwsSession, role: str) -> Granted:
    """Read the inline and attached policies of a role, by its name.

    Raises ProviderError where the role does not exist, or not even that may be asked.
    """
    unread: list[str] = []
    found: list[Policy] = []
    described = (await session.call("iam", "GetRole", RoleName=role))["Role"]
    if boundary := described.get("PermissionsBoundary"):
        arn = boundary.get("PermissionsBoundaryArn", "")
        unread.append(f"the permissions boundary {arn} is not taken into account")
    try:
        for name in await _pages(session, "ListRolePolicies", "PolicyNames", RoleName=role):
            answer = await session.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
            _read(f"inline policy {name}", answer["PolicyDocument"], found, unread)
    except ProviderError as error:
        unread.append(f"inline policies: {error}")
    try:
        attached = await _pages(
            session, "ListAttachedRolePolicies", "AttachedPolicies", RoleName=role
        )
        for one in attached:
            arn = one["PolicyArn"]
            policy = (await session.call("iam", "GetPolicy", PolicyArn=arn))["Policy"]
            answer = await session.call(
                "iam", "GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"]
            )
            _read(f"policy {arn}", answer["PolicyVersion"]["Document"], found, unread)
    except ProviderError as error:
        unread.append(f"attached policies: {error}")
    return Granted(tuple(found), tuple(unread))


async def inline_policy(session: AwsSession, role: str, name: str) -> dict[str, Any] | None:
    """Return an inline policy as it is, None where there is none. Raises ProviderError."""
    try:
        answer = await session.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
    except ProviderError as error:
        if error.code != ABSENT:
            raise
        return None
    return as_document(answer["PolicyDocument"])


async def put_inline_policy(
    session: AwsSession, role: str, name: str, document: Mapping[str, Any]
) -> None:
    """Put an inline policy in place of the one of that name. Raises ProviderError."""
    text = json.dumps(document)
    await session.call("iam", "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=text)


def missing(policies: Sequence[Policy], needed: Sequence[Right]) -> list[tuple[Right, str]]:
    """Return the rights that are not granted in full, each with one ARN and why not.

    A pattern is asked as it is written: only a pattern that is as wide, or wider, allows it.
    """
    found = []
    for right in needed:
        context = {key.lower(): [value] for _, key, value in right.conditions}
        for resource in right.resources or ("*",):
            decision = evaluate(policies, Request(right.action, resource, context=context))
            if not decision.allowed:
                near = f" ({decision.near[0].reason})" if decision.near else ""
                found.append((right, f"on {resource}, {decision.because}{near}"))
                break
    return found


def too_much(policies: Sequence[Policy], needed: Sequence[Right]) -> list[str]:
    """Return what is allowed beyond the rights, in words, statement by statement."""
    found: list[str] = []
    for policy in policies:
        for statement in policy.statements:
            if statement.effect is Effect.ALLOW:
                where = f"{policy.name}, {statement.label}"
                found += [f"{where}: {words}" for words in _excess(statement, needed)]
    return found


def _excess(statement: Statement, needed: Sequence[Right]) -> Iterator[str]:
    if statement.not_actions or statement.not_resources:
        yield "allows all but some (NotAction or NotResource)"
        return
    for action in statement.actions:
        wanted = [one for one in needed if matches_ignoring_case(action, one.action)]
        if not wanted:
            yield f"{action} is not needed"
        elif "*" in action or "?" in action:
            names = ", ".join(sorted({one.action for one in wanted}))
            yield f"{action} is wider than {names}"
        else:
            yield from _wider(action, statement, wanted)


def _wider(action: str, statement: Statement, wanted: Sequence[Right]) -> Iterator[str]:
    given = {(one.operator, one.key.lower()) for one in statement.conditions}
    for resource in statement.resources:
        covering = [
            one
            for one in wanted
            if any(matches(pattern, resource) for pattern in one.resources or ("*",))
        ]
        if not covering:
            yield f"{action} on {resource} is wider than what is needed"
        elif not any(
            all((operator, key.lower()) in given for operator, key, _ in one.conditions)
            for one in covering
        ):
            keys = ", ".join(sorted({key for one in covering for _, key, _ in one.conditions}))
            yield f"{action} on {resource} could be narrowed by a condition on {keys}"


async def _pages(session: AwsSession, operation: str, member: str, **given: Any) -> list[Any]:
    found: list[Any] = []
    marker: dict[str, Any] = {}
    while True:
        answer = await session.call("iam", operation, **given, **marker)
        found += answer[member]
        if not answer.get("IsTruncated"):
            return found
        marker = {"Marker": answer["Marker"]}


def as_document(value: Any) -> dict[str, Any]:
    """Return a policy document, as an answer of IAM holds it."""
    # URL-encoded as IAM sends it, unless the SDK has decoded it.
    read: dict[str, Any] = json.loads(unquote(value)) if isinstance(value, str) else value
    return read


def _read(name: str, value: Any, found: list[Policy], unread: list[str]) -> None:
    document = {"Version": "2012-10-17", **as_document(value)}
    try:
        found.append(read_policy(document, name=name, any_service=True).policy)
    except InvalidDocumentError as error:
        unread.append(f"{name}: {next(iter(error.problems))}")
