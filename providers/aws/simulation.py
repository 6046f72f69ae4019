"""May the role do what no dry run asks? IAM simulates its policies, where the role may ask that.

A simulation is less than a dry run: it knows the role's own policies, its boundary and those of
the organization, and none of resources (IAM User Guide, "Testing IAM policies with the IAM policy
simulator").
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from providers.aws.session import AwsSession
from providers.checks import Check, Verdict, note
from providers.contract import ITSELF, Denial, Permission, ProviderError, RightAsked, indirect

_ALLOWED: Final = "allowed"
_RIGHT: Final = "iam:SimulatePrincipalPolicy"

SIMULATING: Final[tuple[Permission, ...]] = indirect(
    _RIGHT,
    because="only with it rights that have no dry run are found missing before the run",
    on=(ITSELF,),
)


async def simulate(session: AwsSession, rights: Sequence[RightAsked]) -> list[Denial]:
    """Ask of each right whether the session's role has it, and note the answers.

    What IAM denies without a doubt is returned too. Never raises ProviderError.
    """
    together: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in rights:
        together[one.resources, one.conditions].append(one.name)
    answers = await asyncio.gather(
        *(_ask(session, names, *upon) for upon, names in sorted(together.items()))
    )
    checks = [check for answer in answers for check in answer]
    note(*checks)
    lacking = [check for check in checks if check.verdict is Verdict.MISSING]
    return [Denial(one.reason, one.mend) for one in lacking]


async def _ask(
    session: AwsSession,
    names: list[str],
    resources: tuple[str, ...],
    conditions: tuple[tuple[str, str, str], ...],
) -> list[Check]:
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
        why = f"no dry run asks for it, and IAM could not be asked: {error}"
        return [Check(one, Verdict.UNCHECKED, "aws", account, reason=why) for one in asked]
    return [_judged(one, account, str(role)) for one in answer.get("EvaluationResults", ())]


def _judged(result: dict[str, Any], account: str, role: str) -> Check:
    name, decision = str(result.get("EvalActionName")), str(result.get("EvalDecision"))
    if decision == _ALLOWED:
        return Check(name, Verdict.OK, "aws", account)
    if missing := sorted(_missing(result)):
        why = f"By {_RIGHT} it hangs on {', '.join(missing)}, which only the call itself has."
        return Check(name, Verdict.UNCHECKED, "aws", account, reason=why)
    resource = result.get("EvalResourceName") or "*"
    why = (
        f"Not authorized to perform the required action: by {_RIGHT} the role {role} may not "
        f"{name} on {resource} ({decision}). Allow {name} in its policy."
    )
    statement = {"Effect": "Allow", "Action": name, "Resource": resource}
    mend = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
    return Check(name, Verdict.MISSING, "aws", account, reason=why, mend=mend)


def _missing(result: dict[str, Any]) -> Iterable[str]:
    """Return the context keys that IAM lacked; of resources that were named it says them there."""
    found = {*result.get("MissingContextValues", ())}
    for one in result.get("ResourceSpecificResults", ()):
        found |= {*one.get("MissingContextValues", ())}
    return found
