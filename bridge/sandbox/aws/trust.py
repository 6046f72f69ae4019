"""Who may assume a role: the role's trust policy, read as STS reads it.

The sandbox's caller (any key that is not an assumed role's) may act as the service principal
``fis.amazonaws.com``: the bridge stands where AWS FIS stands. It counts as itself too.
"""

from __future__ import annotations

import json

from bridge.sandbox.aws.cloud import ACCOUNT_ID
from bridge.sandbox.aws.policies import Statement, UnsupportedCondition, matches, statements

FIS_PRINCIPAL = "fis.amazonaws.com"
_ACTION = "sts:AssumeRole"
_EXACT = ("StringEquals", "ArnEquals")
_WILD = ("StringLike", "ArnLike")


def admits(document: str, *, caller_arn: str, acts_as_fis: bool, session: str, region: str) -> bool:
    """Whether the trust policy lets the caller open a session of that name.

    The conditions that AWS recommends for FIS roles are evaluated: ``aws:SourceAccount`` is
    the account, ``aws:SourceArn`` the experiment's, whose id is the session's name. Raises
    ``UnsupportedCondition`` on others.
    """
    context = {
        "aws:sourceaccount": ACCOUNT_ID,
        "aws:sourcearn": f"arn:aws:fis:{region}:{ACCOUNT_ID}:experiment/{session}",
    }
    allowed = False
    for statement in statements(document, "the role's trust policy"):
        if not statement.speaks_of(_ACTION) or not _names(statement, caller_arn, acts_as_fis):
            continue
        if not _holds(statement, context):
            continue
        if statement.effect == "Deny":
            return False
        allowed = True
    return allowed


def _names(statement: Statement, caller_arn: str, acts_as_fis: bool) -> bool:
    if acts_as_fis and {FIS_PRINCIPAL, "*"} & set(statement.services):
        return True
    everybody = {"*", ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root", caller_arn}
    return bool(everybody & set(statement.principals))


def _holds(statement: Statement, context: dict[str, str]) -> bool:
    if not statement.condition:
        return True
    for operator, tests in json.loads(statement.condition).items():
        for key, values in tests.items():
            if operator not in (*_EXACT, *_WILD) or key.lower() not in context:
                unsupported = f"{statement.source}: {operator} on {key}"
                raise UnsupportedCondition(unsupported)
            actual = context[key.lower()]
            wanted = [values] if isinstance(values, str) else values
            if operator in _WILD and not any(matches(value, actual) for value in wanted):
                return False
            if operator in _EXACT and actual not in wanted:
                return False
    return True
