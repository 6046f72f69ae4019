"""The operators of conditions: when one value of a policy fits one value of a request.

IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Any, Final

from iam.policy.wildcards import matches, matches_arn

_DIGITS: Final = 40
"""Characters of a number; what is longer is none."""


@dataclass(frozen=True, slots=True)
class Operator:
    """How an operator compares."""

    compare: Callable[[Any, Any], bool]
    """Takes the policy's value and the request's, both read. The first is given first."""
    read: Callable[[str], Any]
    """Reads the policy's value; raises ValueError with a mend for what is none."""
    read_request: Callable[[str], Any]
    """Reads the request's value; ValueError means that it does not fit."""
    negated: bool = False
    """Whether the statement wants that none of its values fits."""

    def fits(self, value: str, given: str) -> bool:
        """Whether one value of a policy fits one of a request, negation left aside."""
        try:
            return self.compare(self.read(value), self.read_request(given))
        except ValueError:
            return False


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= _DIGITS else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError("is not a number; write one such as 10 or 2.5")
    return number


def _moment(text: str) -> datetime:
    """Read W3C's profile of ISO 8601, or seconds since 1970."""
    try:
        if text.isdecimal() and len(text) <= len("99999999999"):
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError("is not a time; write one such as 2026-12-01T02:30:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _truth(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise ValueError('is neither "true" nor "false"')
    return lowered == "true"


def _network(text: str) -> Any:
    try:
        return ip_network(text, strict=True)
    except ValueError:
        raise ValueError(
            "is no network; write one such as 203.0.113.0/24 or 2001:db8::/32, "
            "with zeros behind the prefix"
        ) from None


def _arn(text: str) -> str:
    if text.count(":") < 5:  # noqa: PLR2004 - arn:partition:service:region:account:resource
        raise ValueError("is no ARN; write arn:partition:service:region:account:resource")
    return text


def _within(network: Any, address: Any) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in network


def _pair(
    name: str,
    negation: str,
    compare: Callable[[Any, Any], bool],
    read: Callable[[str], Any] = str,
    read_request: Callable[[str], Any] | None = None,
) -> dict[str, Operator]:
    asked = read_request or read
    return {
        name: Operator(compare, read, asked),
        negation: Operator(compare, read, asked, negated=True),
    }


def _ordered(kind: str, read: Callable[[str], Any]) -> dict[str, Operator]:
    comparisons: Mapping[str, Callable[[Any, Any], bool]] = {
        "LessThan": operator.gt,  # the policy's value comes first: it is what the other is under
        "LessThanEquals": operator.ge,
        "GreaterThan": operator.lt,
        "GreaterThanEquals": operator.le,
    }
    found = _pair(f"{kind}Equals", f"{kind}NotEquals", operator.eq, read)
    for name, compare in comparisons.items():
        found[f"{kind}{name}"] = Operator(compare, read, read)
    return found


NULL: Final = "Null"
"""Asks whether a key is there at all; it has no values to compare."""

OPERATORS: Final[Mapping[str, Operator]] = {
    **_pair("StringEquals", "StringNotEquals", operator.eq),
    **_pair("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", operator.eq, str.lower),
    **_pair("StringLike", "StringNotLike", matches),
    # "ArnEquals and ArnLike behave identically" (IAM User Guide).
    **_pair("ArnEquals", "ArnNotEquals", matches_arn, _arn, str),
    **_pair("ArnLike", "ArnNotLike", matches_arn, _arn, str),
    **_ordered("Numeric", _number),
    **_ordered("Date", _moment),
    "Bool": Operator(operator.eq, _truth, _truth),
    **_pair("IpAddress", "NotIpAddress", _within, _network, ip_address),
    NULL: Operator(operator.eq, _truth, _truth),
}
"""Every operator without prefix and suffix. ``BinaryEquals`` has no key here to speak of."""
