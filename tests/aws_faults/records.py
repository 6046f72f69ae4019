"""What the engine would hand to the provider, and its answers in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.sandbox.aws import AwsEmulator
from providers.contract import Fault

SCOPE = Scope(cloud="aws", account=AwsEmulator.account_id, region="us-east-1")
ROLE = f"arn:aws:iam::{AwsEmulator.account_id}:role/chaos"
EXPERIMENT = "EXPabcdefghijkmnop"


def instance_arn(plain: str) -> str:
    return f"arn:aws:ec2:us-east-1:{AwsEmulator.account_id}:instance/{plain}"


def volume_arn(plain: str) -> str:
    return f"arn:aws:ec2:us-east-1:{AwsEmulator.account_id}:volume/{plain}"


def records_of(fault: Fault, arns: Sequence[str], action: str = "act") -> list[Record]:
    """Make the records that the engine would."""
    return [
        Record(
            id=f"{EXPERIMENT}/{action}/{number}",
            action=action,
            holders=(action,),
            fault=fault.id,
            resource=arn,
            effect=fault.effect,
        )
        for number, arn in enumerate(arns)
    ]


def kinds(outcomes: Any, records: Sequence[Record]) -> list[str]:
    """Return the outcomes or effects in the records' order, as words."""
    answers = [outcomes[record.id] for record in records]
    return [str(getattr(a, "kind", None) or a.effect) for a in answers]
