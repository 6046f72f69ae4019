"""May the role do it? EC2 answers before anything happens, by ``DryRun``."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from providers.aws.session import AwsSession
from providers.checks import Check, Verdict, note
from providers.contract import Denial
from providers.refusals import DeniedError, RefusedError

_LONGEST_REASON: Final = 512
_ALLOWED: Final = "DryRunOperation"


async def dry_run(session: AwsSession, *calls: tuple[str, dict[str, Any]]) -> list[Denial]:
    """Ask EC2 whether the session may make each call (operation and parameters).

    EC2 answers a dry run with an error either way: DryRunOperation means "allowed". It judges
    rights before states, so StartInstances can be asked about a running instance. A refusal
    that is not about rights is left for ``prepare`` to explain. Raises TransientError.
    """
    answers = await asyncio.gather(*(_ask(session, name, given) for name, given in calls))
    return [denial for denial in answers if denial is not None]


async def _ask(session: AwsSession, operation: str, parameters: dict[str, Any]) -> Denial | None:
    def told(verdict: Verdict, reason: str = "", mend: str = "") -> None:
        account = session.caller.scope.account
        note(Check(f"ec2:{operation}", verdict, "aws", account, reason=reason, mend=mend))

    try:
        await session.call("ec2", operation, **parameters, DryRun=True)
    except DeniedError as refusal:
        reason = str(refusal)[:_LONGEST_REASON]
        statement = {"Effect": "Allow", "Action": f"ec2:{operation}", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        mend = json.dumps(policy, indent=2)
        told(Verdict.MISSING, reason, mend)
        return Denial(reason, mend)
    except RefusedError as refusal:
        if refusal.code == _ALLOWED:
            told(Verdict.OK)
        else:
            told(Verdict.UNCHECKED, str(refusal))
        return None
    told(Verdict.UNCHECKED, "EC2 did not say what a dry run says")
    return None
