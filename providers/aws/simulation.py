"""May the role do what no dry run asks? IAM simulates its policies, where the role may ask that.

A simulation is less than a dry run: it knows the role's own policies, its boundary and those of
the organization, and none of resources (IAM User Guide, "Testing IAM policies with the IAM policy
simulator").
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from providers.aws.session import AwsSession
from providers.checks import Check, Verdict, note
from providers.contract import ProviderError, RightAsked

_ALLOWED: Final = "allowed"
_RIGHT: Final = "iam:SimulatePrincipalPolicy"


async def simulate(session: AwsSession, rights: Sequence[RightAsked]) -> None:
    """Note of each right whether the session's role has it. Never raises ProviderError."""
    together: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in rights:
        together[one.resources, one.conditions].append(one.name)
    await asyncio.gather(*(_ask(session, names, *upon) for upon, names in sorted(together.items())))


async def _ask(
    session: AwsSession,
    names: list[str],
    resources: tuple[str, ...],
    conditions: tuple[tuple[str, str, str], ...],
) -> None:
    account, role = session.caller.scope.account, session.caller.identity
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for _, key, value in conditions
    ]
    narrowed: dict[str, Any] = {"ResourceArns": list(resources)} if resources else {}
    if context:
        narrowed["ContextEntries"] = context
    asked = sorted(set(names))
    try:
        answer = await session.call(
            "iam", "SimulatePrincipalPolicy", PolicySourceArn=role, ActionNames=asked, **narrowed
        )
    except ProviderError as error:
        why = f"EC2's dry runs do not ask for it, and IAM could not be asked: {error}"
        note(*(Check(one, Verdict.UNCHECKED, "aws", account, reason=why) for one in asked))
        return
    for one in answer.get("EvaluationResults", ()):
        note(_judged(one, account, str(role)))


def _judged(result: dict[str, Any], account: str, role: str) -> Check:
    name, decision = str(result.get("EvalActionName")), str(result.get("EvalDecision"))
    if decision == _ALLOWED:
        return Check(name, Verdict.OK, "aws", account)
    if missing := result.get("MissingContextValues"):
        keys = ", ".join(map(str, missing))
        why = f"By {_RIGHT} it hangs on {keys}, which only the call itself has."
        return Check(name, Verdict.UNCHECKED, "aws", account, reason=why)
    resource = result.get("EvalResourceName") or "*"
    why = (
        f"By {_RIGHT} the role {role} may not {name} on {resource} ({decision}). "
        f"Allow {name} in its policy."
    )
    return Check(name, Verdict.MISSING, "aws", account, reason=why)
