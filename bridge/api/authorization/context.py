"""The condition keys that come with every request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bridge.model.moment import Micros, timestamp
from iam.principal import Principal

if TYPE_CHECKING:
    from bridge.model.scope import Scope

_AWS: Final = frozenset({"aws-key", "aws-role"})


def common_context(
    principal: Principal, scope: Scope, now: Micros, address: str
) -> dict[str, Sequence[str]]:
    """Return the condition keys that come with every request."""
    found = {
        "aws:currenttime": timestamp(now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(now // 1_000_000),
        "aws:requestedregion": scope.region,
        "aws:sourceip": address,
        "aws:principalaccount": principal.account,
        "faultbridge:principal": principal.name,
        "faultbridge:principalkind": principal.kind,
    }
    if principal.kind in _AWS:
        # Of a session the role's, as IAM documents aws:PrincipalArn.
        found["aws:principalarn"] = principal.role_arn or principal.name
    context: dict[str, Sequence[str]] = {key: (value,) for key, value in found.items() if value}
    if principal.groups:
        context["faultbridge:groups"] = principal.groups
    return context
