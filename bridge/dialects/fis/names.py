"""Amazon Resource Names of FIS's own objects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bridge.model.scope import Scope

TEMPLATE: Final = "experiment-template"
EXPERIMENT: Final = "experiment"
ACTION: Final = "action"
LEVER: Final = "safety-lever"

_ARN: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):fis:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<kind>experiment-template|experiment|action)/(?P<id>[^\s\x00]+)"
)
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_PARTITIONS: Final = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))


@dataclass(frozen=True)
class Name:
    """What an ARN of ours names."""

    kind: str
    id: str


def arn(scope: Scope, kind: str, object_id: str) -> str:
    """Return the ARN of an object of the scope, in the partition of its Region."""
    partition = next((name for start, name in _PARTITIONS if scope.region.startswith(start)), "aws")
    return f"arn:{partition}:fis:{scope.region}:{scope.account}:{kind}/{object_id}"


def parse_arn(scope: Scope, text: str) -> Name | None:
    """Return what an ARN names within the scope; None where it names nothing of it."""
    match = _ARN.fullmatch(text)
    if match is None or text != arn(scope, match["kind"], match["id"]):
        return None
    return Name(match["kind"], match["id"])


def is_role_arn(text: str) -> bool:
    """Return whether a text has the form of an IAM role's ARN."""
    return _ROLE.fullmatch(text) is not None
