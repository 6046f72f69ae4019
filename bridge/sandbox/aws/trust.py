"""Who may assume a role: the role's trust policy, read as STS reads it.

The sandbox's caller (any key that is not an assumed role's) may act as the service principal
``fis.amazonaws.com``: the bridge stands where AWS FIS stands. It counts as itself too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.sandbox.aws.cloud import ACCOUNT_ID
from bridge.sandbox.aws.policies import UnsupportedPolicyError, read
from iam.policy import Effect, Policy, Request, Statement, evaluate

FIS_PRINCIPAL = "fis.amazonaws.com"
_ACTION = "sts:AssumeRole"
_SETTING = "sts:SetSourceIdentity"
_SOURCE = "the role's trust policy"
_KNOWN = (
    "aws:principalarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "sts:externalid",
    "sts:sourceidentity",
    "sts:rolesessionname",
)


def admits(
    document: str,
    *,
    caller_arn: str,
    acts_as_fis: bool,
    session: str,
    region: str,
    external_id: str | None = None,
    source_identity: str | None = None,
    role_arn: str | None = None,
) -> bool:
    """Whether the trust policy lets the caller open a session of that name.

    The conditions that AWS recommends for FIS roles are evaluated: ``aws:SourceAccount`` is
    the account, ``aws:SourceArn`` the experiment's, whose id is the session's name; and
    ``sts:ExternalId`` and ``sts:SourceIdentity``; who says one must be allowed to. ``role_arn`` is
    the role of a caller that is a session: a policy that names the role means it. Raises
    ``UnsupportedPolicyError`` on others.
    """
    context = {
        "aws:principalarn": [role_arn or caller_arn],
        "aws:sourceaccount": [ACCOUNT_ID],
        "aws:sourcearn": [f"arn:aws:fis:{region}:{ACCOUNT_ID}:experiment/{session}"],
        "sts:rolesessionname": [session],
        **({"sts:sourceidentity": [source_identity]} if source_identity is not None else {}),
        **({"sts:externalid": [external_id]} if external_id is not None else {}),
    }
    names = frozenset(filter(None, (caller_arn, role_arn)))
    speaking = [
        statement
        for statement in _statements(json.loads(document), names, acts_as_fis=acts_as_fis)
        if _speaks(statement)
    ]
    for statement in speaking:
        for condition in statement.conditions:
            if condition.key.lower() not in _KNOWN:
                raise UnsupportedPolicyError(f"{_SOURCE}: {condition.written} on {condition.key}")
    wanted = [_ACTION] if source_identity is None else [_ACTION, _SETTING]
    policies = [Policy(_SOURCE, tuple(speaking))]
    return all(evaluate(policies, Request(one, "*", context=context)).allowed for one in wanted)


def _speaks(statement: Statement) -> bool:
    """Whether a statement is about assuming roles, whatever its conditions."""
    bare = replace(statement, effect=Effect.ALLOW, conditions=())
    policies = [Policy(_SOURCE, (bare,))]
    return any(evaluate(policies, Request(one, "*")).allowed for one in (_ACTION, _SETTING))


def _statements(
    document: Mapping[str, Any], names: frozenset[str], *, acts_as_fis: bool
) -> list[Statement]:
    """Return the statements that name the caller, as ones about any resource."""
    listed = document.get("Statement", [])
    every = listed if isinstance(listed, list) else [listed]
    mine = [
        {**{key: value for key, value in one.items() if key != "Principal"}, "Resource": "*"}
        for one in every
        if _names(one.get("Principal", {}), names, acts_as_fis)
    ]
    return list(read({"Statement": mine}, _SOURCE).statements) if mine else []


def _names(principal: Any, names: frozenset[str], acts_as_fis: bool) -> bool:
    if isinstance(principal, str):
        principal = {"AWS": principal}
    if acts_as_fis and {FIS_PRINCIPAL, "*"} & set(_listed(principal.get("Service"))):
        return True
    everybody = {"*", ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root", *names}
    return bool(everybody & set(_listed(principal.get("AWS"))))


def _listed(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value
