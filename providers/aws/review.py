"""May the role do it? EC2 answers before anything happens, by ``DryRun``."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from providers.aws.session import AwsSession
from providers.contract import Denial
from providers.refusals import DeniedError, RefusedError

_LONGEST_REASON: Final = 512


async def dry_run(session: AwsSession, *calls: tuple[str, dict[str, Any]]) -> list[Denial]:
    """Ask EC2 whether the session may make each call (operation and parameters).

    EC2 answers a dry run with an error either way: DryRunOperation means "allowed". It judges
    rights before states, so StartInstances can be asked about a running instance. A refusal
    that is not about rights is left for ``prepare`` to explain. Raises TransientError.
    """
    answers = await asyncio.gather(*(_ask(session, name, given) for name, given in calls))
    return [denial for denial in answers if denial is not None]


async def _ask(session: AwsSession, operation: str, parameters: dict[str, Any]) -> Denial | None:
    try:
        await session.call("ec2", operation, **parameters, DryRun=True)
    except DeniedError as refusal:
        reason = str(refusal)[:_LONGEST_REASON]
        statement = {"Effect": "Allow", "Action": f"ec2:{operation}", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return Denial(reason, json.dumps(policy, indent=2))
    except RefusedError:
        return None
    return None
