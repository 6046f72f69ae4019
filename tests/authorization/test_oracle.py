"""Decisions are those of a simple oracle, and of the standard library."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iam.policy import Request, evaluate, read_policy
from tests.authorization.conftest import allow, document
from tests.authorization.test_evaluation import RUN, STOP, Context, decide

ACTIONS = st.sampled_from(["fis:StartExperiment", "fis:StopExperiment", "fis:GetExperiment"])
ACTION_PATTERNS = st.sampled_from(
    ["*", "fis:*", "FIS:St*", "fis:StartExperiment", "fis:?etExperiment", "ec2:*", "fis:*Exp*"]
)
ARNS = st.sampled_from([RUN, RUN[:-1] + "2", RUN.replace("123456789012", "210987654321"), "*"])
ARN_PATTERNS = st.sampled_from(
    ["*", RUN, "arn:aws:fis:*:*:experiment/*", "arn:aws:fis:*:210987654321:*", "arn:*/EXP?"]
)
VALUES = st.sampled_from(["a", "A", "ab", "b"])
CONTEXTS = st.dictionaries(
    st.sampled_from(["aws:RequestTag/x", "aws:RequestTag/y"]), VALUES, max_size=2
)
OPERATORS = st.sampled_from(
    [
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringEqualsIfExists",
        "StringNotEqualsIfExists",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringEquals",
    ]
)
BLOCKS = st.dictionaries(
    OPERATORS,
    st.dictionaries(
        st.sampled_from(["aws:RequestTag/x", "aws:RequestTag/y"]),
        st.lists(st.sampled_from(["a", "A*", "?b", "b"]), min_size=1, max_size=2),
        min_size=1,
        max_size=2,
    ),
    max_size=2,
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(
            st.lists(ACTION_PATTERNS, min_size=1, max_size=2)
        ),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(
            st.lists(ARN_PATTERNS, min_size=1, max_size=2)
        ),
        "Condition": draw(BLOCKS),
    }


def like(pattern: str, text: str, flags: int = 0) -> bool:
    """Match by the standard library's regular expressions, as no code of ours does."""
    parts = [{"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL | flags) is not None


def applies(statement: dict[str, Any], action: str, arn: str, context: dict[str, str]) -> bool:
    """Say by the words of the IAM User Guide whether a statement applies."""
    is_meant: dict[str, Callable[[list[str]], bool]] = {
        "Action": lambda v: any(like(p, action, re.IGNORECASE) for p in v),
        "NotAction": lambda v: not any(like(p, action, re.IGNORECASE) for p in v),
        "Resource": lambda v: any(like(p, arn) for p in v),
        "NotResource": lambda v: not any(like(p, arn) for p in v),
    }
    if not all(check(statement[name]) for name, check in is_meant.items() if name in statement):
        return False
    for operator, keys in statement["Condition"].items():
        for key, values in keys.items():
            given = context.get(key)
            name = operator.partition(":")[2] or operator
            if given is None:
                missing = "Not" in name or "IfExists" in name or operator.startswith("ForAll")
                if not missing:
                    return False
                continue
            compare: Callable[[str, str], bool] = {
                "StringEquals": lambda p, g: p == g,
                "StringLike": like,
                "StringEqualsIgnoreCase": lambda p, g: p.lower() == g.lower(),
            }[name.replace("IfExists", "").replace("Not", "")]
            if any(compare(value, given) for value in values) is ("Not" in name):
                return False
    return True


@given(
    policies=st.lists(st.lists(statements(), min_size=1, max_size=3), max_size=3),
    action=ACTIONS,
    arn=ARNS,
    context=CONTEXTS,
)
def test_decisions_are_those_of_a_simple_oracle(
    policies: list[list[dict[str, Any]]], action: str, arn: str, context: dict[str, str]
) -> None:
    read = [
        read_policy(document(*one), name=f"p{index}", any_service=True).policy
        for index, one in enumerate(policies)
    ]
    given = {key.lower(): (value,) for key, value in context.items()}
    effects = {
        one["Effect"] for many in policies for one in many if applies(one, action, arn, context)
    }
    expected = "explicitDeny" if "Deny" in effects else "allowed" if effects else "implicitDeny"
    assert evaluate(read, Request(action, arn, context=given)).outcome == expected


@given(
    address=st.ip_addresses(v=4),
    network=st.ip_addresses(v=4),
    bits=st.integers(0, 32),
    at=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_networks_and_times_are_those_of_the_standard_library(
    address: Any, network: Any, bits: int, at: datetime
) -> None:
    cidr = ip_network(f"{network}/{bits}", strict=False)
    within = allow(STOP, Condition={"IpAddress": {"aws:SourceIp": str(cidr)}})
    context: Context = {
        "aws:sourceip": (str(address),),
        "aws:currenttime": ("2026-11-26T00:00:00Z",),
    }
    assert decide(within, context=context).allowed is (ip_address(str(address)) in cidr)
    before = allow(STOP, Condition={"DateLessThan": {"aws:CurrentTime": f"{at.isoformat()}Z"}})
    expected = datetime(2026, 11, 26, tzinfo=UTC) < at.replace(tzinfo=UTC)
    assert decide(before, context=context).allowed is expected
