"""Names of AWS resources: full names in records, plain ids in calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from bridge.model.scope import Scope
from providers.contract import ProviderError

_ARN: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*)"
    r":(?P<account>\d{12}|):(?P<resource>.+)",
    re.DOTALL,
)


class Arn(NamedTuple):
    """The parts of an ARN."""

    partition: str
    service: str
    region: str
    account: str
    resource: str
    """All after the account: ``instance/i-…``, ``alarm:name``."""

    @classmethod
    def parse(cls, text: str) -> Arn | None:
        """Return the parts, or None when the text is no ARN."""
        match = _ARN.fullmatch(text)
        return None if match is None else cls(**match.groupdict())

    def within(self, scope: Scope) -> bool:
        """Whether the resource is of this account and Region."""
        return (self.account, self.region) == (scope.account, scope.region)


def account_of(identity: str) -> str | None:
    """Return the account of a role's ARN; None for what is no ARN, or names no account."""
    arn = Arn.parse(identity)
    return (arn.account or None) if arn else None


def partition(region: str) -> str:
    """Return the partition that a Region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def ec2_arn(scope: Scope, kind: str, plain: str) -> str:
    """Return the full name of an EC2 resource; ``kind`` is ``instance`` or ``volume``."""
    return f"arn:{partition(scope.region)}:ec2:{scope.region}:{scope.account}:{kind}/{plain}"


def plain_id(resource: str) -> str:
    """Return what EC2's calls take: ``i-…`` of ``arn:…:instance/i-…``."""
    return resource.rpartition("/")[2]


def require_within(scope: Scope, arns: Iterable[str]) -> None:
    """Raise ProviderError when a resource is of another account or Region."""
    for text in arns:
        arn = Arn.parse(text)
        if arn is None or not arn.within(scope):
            raise ProviderError(
                f"{text} is not in account {scope.account} and Region {scope.region}, where the "
                "template runs; write a template there for it.",
                code="InvalidTarget",
            )
