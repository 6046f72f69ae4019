"""IAM policy documents, read and decided by the same evaluator that decides about our callers.

The evaluator takes a condition key that it is not given as absent. An emulator must not: a key
that it cannot tell (`context` says which it can) is refused by name where it would decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bridge.model.problem import InvalidDocumentError
from iam.policy import Decision, Effect, Outcome, Policy, Request, Statement, evaluate, read_policy

ACCOUNT_WIDE = (
    "aws:currenttime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:tagkeys",
    "ec2:createaction",
    "ec2:region",
)
"""Condition keys that are told of every request where it has them, in lower case."""
TAGS = ("aws:resourcetag/", "aws:requesttag/", "ec2:resourcetag/", "autoscaling:resourcetag/")
"""Condition keys that end in a tag's key."""


class UnsupportedPolicyError(Exception):
    """A policy that would decide holds what is not evaluated here; the text says what and where."""


@lru_cache(maxsize=256)
def policy(document: str, source: str) -> Policy:
    """Read a policy document; ``source`` names it in errors. Raises ``UnsupportedPolicyError``."""
    return read(json.loads(document), source)


def read(document: Any, source: str) -> Policy:
    """Read the JSON value of a policy. Raises ``UnsupportedPolicyError``."""
    # IAM takes a document without a version; what differs in the older language is variables.
    body = {"Version": "2012-10-17", **document}
    try:
        return read_policy(body, name=source, any_service=True).policy
    except InvalidDocumentError as error:
        problem = next(iter(error.problems))
        raise UnsupportedPolicyError(f"{source}, {problem}") from error


def decide(
    policies: Iterable[Policy],
    action: str,
    resource: str | None,
    context: Mapping[str, Sequence[str]] | None = None,
) -> Decision:
    """Decide about ``action`` on ``resource``; None is a resource that is not checked.

    Raises ``UnsupportedPolicyError`` where a statement that decides has a condition on what is
    not known.
    """
    asked = [_anywhere(one) for one in policies] if resource is None else list(policies)
    request = Request(action, resource or "*", context=context or {})
    found = evaluate(asked, request)
    if found.outcome is Outcome.EXPLICIT_DENY:
        return found
    for one in asked:
        for statement in one.statements:
            if unknown := unknown_keys(statement):
                unconditional = replace(statement, effect=Effect.ALLOW, conditions=())
                if evaluate([Policy(one.name, (unconditional,))], request).allowed:
                    raise UnsupportedPolicyError(f"{one.name}: {unknown[0]}")
    return found


def unknown_keys(statement: Statement) -> list[str]:
    """Return the condition keys of a statement that the emulator cannot tell."""
    return [
        one.key
        for one in statement.conditions
        if one.key.lower() not in ACCOUNT_WIDE and not one.key.lower().startswith(TAGS)
    ]


@lru_cache(maxsize=256)
def _anywhere(one: Policy) -> Policy:
    return Policy(
        one.name,
        tuple(replace(each, resources=("*",), not_resources=()) for each in one.statements),
    )
