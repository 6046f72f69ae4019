"""An explicit Deny wins, then any Allow; conditions mean what IAM documents."""

from __future__ import annotations

import time
from typing import Any

import pytest

from iam.policy import MANAGED, Outcome, Request, evaluate, read_policy
from iam.policy.document import Condition, Effect
from iam.policy.evaluation import holds
from tests.authorization.conftest import allow, deny, document

RUN = "arn:aws:fis:us-east-1:123456789012:experiment/EXP1"
STOP = "fis:StopExperiment"
Context = dict[str, tuple[str, ...]]


def decide(*statements: Any, action: str = STOP, resource: str = RUN, **context: Any) -> Any:
    policy = read_policy(document(*statements), name="p", any_service=True).policy
    return evaluate([policy], Request(action, resource, context=context.get("context", {})))


def outcome(*statements: Any, **request: Any) -> str:
    return str(decide(*statements, **request).outcome)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("fis:*")], "allowed"),
        ([allow("FIS:stopexperiment")], "allowed"),
        ([allow("*")], "allowed"),
        ([allow("fis:Start*")], "implicitDeny"),
        ([allow("fis:*"), deny(STOP)], "explicitDeny"),
        ([deny(STOP), allow("fis:*")], "explicitDeny"),
        ([allow("fis:*", resource="arn:aws:fis:*:*:experiment/*")], "allowed"),
        ([allow("fis:*", resource="arn:aws:fis:*:*:experiment-template/*")], "implicitDeny"),
        (
            [allow("fis:*", resource="ARN:aws:fis:*:*:experiment/*".replace("ARN", "arn"))],
            "allowed",
        ),
        ([allow("fis:*", resource="arn:aws:fis:*:*:EXPERIMENT/*")], "implicitDeny"),
        ([allow("fis:*"), deny("fis:*", resource="arn:aws:fis:*:*:experiment/EXP2")], "allowed"),
        ([{"Effect": "Allow", "NotAction": "fis:Start*", "Resource": "*"}], "allowed"),
        ([{"Effect": "Allow", "NotAction": "fis:stop*", "Resource": "*"}], "implicitDeny"),
        ([{"Effect": "Deny", "NotAction": "fis:Get*", "Resource": "*"}], "explicitDeny"),
        ([{"Effect": "Allow", "Action": "*", "NotResource": RUN}], "implicitDeny"),
        ([{"Effect": "Allow", "Action": "*", "NotResource": RUN + "x"}], "allowed"),
        ([], "implicitDeny"),
    ],
)
def test_an_explicit_deny_wins_then_any_allow(statements: list[Any], expected: str) -> None:
    if not statements:
        assert evaluate([], Request(STOP, RUN)).outcome is Outcome.IMPLICIT_DENY
    else:
        assert outcome(*statements) == expected


def test_any_name_of_a_resource_counts() -> None:
    request = Request("fis:GetAction", "arn:a:b:c:d:one", also=("arn:a:b:c:d:two",))
    for pattern, expected in (("one", "allowed"), ("two", "allowed"), ("six", "implicitDeny")):
        statement = allow("*", resource=f"arn:a:b:c:d:{pattern}")
        policy = read_policy(document(statement), name="p").policy
        assert evaluate([policy], request).outcome == expected
    denied = document(allow("*"), deny("*", resource="arn:a:b:c:d:two"))
    assert evaluate([read_policy(denied, name="p").policy], request).outcome == "explicitDeny"
    none = document({"Effect": "Allow", "Action": "*", "NotResource": "arn:a:b:c:d:two"})
    assert not evaluate([read_policy(none, name="p").policy], request).allowed


def test_a_decision_says_who_decided_and_who_nearly_did() -> None:
    other = "arn:aws:fis:*:*:experiment/EXP2"
    decision = decide(
        allow(STOP, resource=other, Sid="OnlyTwo"),
        allow(STOP, Condition={"StringEquals": {"aws:ResourceTag/env": ["test", "dev"]}}),
        allow("fis:StartExperiment"),
        context={"aws:resourcetag/env": ("prod",)},
    )
    assert decision.by is None
    assert [(str(one.deciding), one.reason) for one in decision.near] == [
        ("p/OnlyTwo", f'its Resource is "{other}", not "{RUN}"'),
        (
            "p/Statement[1]",
            'its condition StringEquals wants aws:ResourceTag/env "test" or "dev", it is "prod"',
        ),
    ]
    denied = decide(allow("*", Sid="All"), deny(STOP, Sid="Never"))
    assert str(denied.by) == "p/Never"
    assert str(decide(allow("*", Sid="All")).by) == "p/All"


HERE: Context = {
    "aws:currenttime": ("2026-11-26T10:00:00Z",),
    "aws:sourceip": ("10.1.2.3",),
    "aws:principalarn": ("arn:aws:iam::123456789012:role/sre",),
    "aws:epochtime": ("1800000000",),
    "aws:tagkeys": ("team", "env"),
    "aws:requesttag/team": ("Carts",),
    "yes": ("true",),
    "colons": ("arn:aws:sts::1:assumed-role/x:y",),
}


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("StringEquals", "aws:RequestTag/team", "Carts", True),
        ("StringEquals", "AWS:requesttag/TEAM", "Carts", True),
        ("StringEquals", "aws:RequestTag/team", "carts", False),
        ("StringEquals", "aws:RequestTag/team", ["a", "Carts"], True),
        ("StringEquals", "aws:RequestTag/team", "C*", False),
        ("StringNotEquals", "aws:RequestTag/team", ["a", "Carts"], False),
        ("StringNotEquals", "aws:RequestTag/team", ["a", "b"], True),
        ("StringEqualsIgnoreCase", "aws:RequestTag/team", "cARTS", True),
        ("StringNotEqualsIgnoreCase", "aws:RequestTag/team", "cARTS", False),
        ("StringLike", "aws:RequestTag/team", "C?rt*", True),
        ("StringLike", "aws:RequestTag/team", "c*", False),
        ("StringNotLike", "aws:RequestTag/team", ["x*", "C*"], False),
        ("NumericEquals", "aws:EpochTime", "1800000000.0", True),
        ("NumericNotEquals", "aws:EpochTime", "1", True),
        ("NumericLessThan", "aws:EpochTime", "1800000001", True),
        ("NumericLessThan", "aws:EpochTime", "1800000000", False),
        ("NumericLessThanEquals", "aws:EpochTime", "1800000000", True),
        ("NumericGreaterThan", "aws:EpochTime", "1799999999", True),
        ("NumericGreaterThan", "aws:EpochTime", "1800000000", False),
        ("NumericGreaterThanEquals", "aws:EpochTime", "1800000000", True),
        ("NumericEquals", "aws:RequestTag/team", "1", False),
        ("DateLessThan", "aws:CurrentTime", "2026-11-26T10:00:01Z", True),
        ("DateLessThan", "aws:CurrentTime", "2026-11-26T10:00:00Z", False),
        ("DateLessThanEquals", "aws:CurrentTime", "2026-11-26T11:00:00+01:00", True),
        ("DateGreaterThan", "aws:CurrentTime", "2026-11-26T09:59:59Z", True),
        ("DateGreaterThanEquals", "aws:CurrentTime", "2026-11-27", False),
        ("DateEquals", "aws:CurrentTime", "2026-11-26T10:00:00Z", True),
        ("DateNotEquals", "aws:CurrentTime", "2026-11-26T10:00:00Z", False),
        ("DateGreaterThan", "aws:EpochTime", "2026-01-01", True),
        ("Bool", "yes", "true", True),
        ("Bool", "yes", False, False),
        ("IpAddress", "aws:SourceIp", ["192.0.2.0/24", "10.0.0.0/8"], True),
        ("IpAddress", "aws:SourceIp", "10.1.2.4", False),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", False),
        ("NotIpAddress", "aws:SourceIp", "10.2.0.0/16", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", True),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/s?e", True),
        ("ArnLike", "aws:PrincipalArn", "arn:*:role/sre:x:y:z", False),
        ("ArnLike", "colons", "arn:aws:sts::1:assumed-role/*", True),
        ("ArnLike", "colons", "arn:*::1:assumed-role/x:y", False),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", False),
        ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::*:user/*", True),
        ("Null", "aws:RequestTag/team", "true", False),
        ("Null", "aws:RequestTag/team", "false", True),
        ("Null", "aws:RequestTag/none", "true", True),
        # A key that is missing.
        ("StringEquals", "aws:RequestTag/none", "x", False),
        ("StringEqualsIfExists", "aws:RequestTag/none", "x", True),
        ("StringEqualsIfExists", "aws:RequestTag/team", "x", False),
        ("StringNotEquals", "aws:RequestTag/none", "x", True),
        ("NotIpAddress", "aws:none", "10.0.0.0/8", True),
        ("NumericLessThan", "aws:none", "1", False),
        ("ForAllValues:StringEquals", "aws:none", "x", True),
        ("ForAnyValue:StringEquals", "aws:none", "x", False),
        ("ForAnyValue:StringNotEquals", "aws:none", "x", False),
        ("ForAnyValue:StringEqualsIfExists", "aws:none", "x", True),
        # A key with several values.
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "env", "x"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["x", "env"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["x"], False),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["x"], True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["env"], False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["env"], True),
        ("ForAnyValue:StringNotLike", "aws:TagKeys", ["*"], False),
    ],
)
def test_operators_mean_what_iam_documents(
    operator: str, key: str, values: Any, expected: bool
) -> None:
    statement = allow(STOP, Condition={operator: {key: values}})
    assert decide(statement, context=HERE).allowed is expected


def test_an_ipv4_address_is_one_in_ipv6_clothes_too() -> None:
    statement = allow(STOP, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert decide(statement, context={"aws:sourceip": ("::ffff:10.1.2.3",)}).allowed
    assert not decide(statement, context={"aws:sourceip": ("::1",)}).allowed


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = {
        "StringEquals": {"aws:RequestTag/team": "Carts", "aws:RequestTag/env": "test"},
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
    }
    with_env = {**HERE, "aws:requesttag/env": ("test",)}
    assert decide(allow(STOP, Condition=both), context=with_env).allowed
    assert not decide(allow(STOP, Condition=both), context=HERE).allowed
    elsewhere = {**with_env, "aws:sourceip": ("192.0.2.1",)}
    assert not decide(allow(STOP, Condition=both), context=elsewhere).allowed


def test_tags_that_differ_in_capitals_only_cannot_be_used_to_slip_through() -> None:
    two: Context = {"aws:resourcetag/env": ("prod", "test")}
    is_prod = {"StringEquals": {"aws:ResourceTag/env": "prod"}}
    is_test = {"StringEquals": {"aws:ResourceTag/env": "test"}}
    assert outcome(allow("*"), deny(STOP, Condition=is_prod), context=two) == "explicitDeny"
    assert outcome(allow(STOP, Condition=is_test), context=two) == "implicitDeny"


@pytest.mark.parametrize(
    ("action", "who"),
    [
        ("fis:ListExperiments", "AAOV"),
        ("fis:StartExperiment", "AAO"),
        ("fis:StopExperiment", "AAO"),
        ("fis:CreateExperimentTemplate", "AA"),
        ("fis:UpdateExperimentTemplate", "AA"),
        ("iam:PassRole", "AA"),
        ("fis:UpdateSafetyLeverState", "aO"),
        ("faultbridge:ReleaseRecord", "aO"),
        ("faultbridge:CreateSchedule", "AA"),
        ("faultbridge:PutPolicy", "a"),
        ("faultbridge:AttachPolicy", "a"),
        ("faultbridge:SimulatePolicy", "a"),
        ("faultbridge:ListAudit", "a"),
    ],
)
def test_the_built_in_policies_allow_what_they_are_for(action: str, who: str) -> None:
    letters = {
        "FaultbridgeAdministrator": "a" if "a" in who else "A",
        "FaultbridgeAuthor": "A" if who.startswith("AA") else "-",
        "FaultbridgeOperator": "O",
        "FaultbridgeViewer": "V",
    }
    for name, policy in MANAGED.items():
        expected = letters[name] in who
        assert evaluate([policy], Request(action, RUN)).allowed is expected, name


def test_a_condition_is_taken_as_allowing_unless_said() -> None:
    condition = (
        read_policy(
            document(allow("*", Condition={"StringEquals": {"aws:RequestTag/x": "a"}})),
            name="p",
        )
        .policy.statements[0]
        .conditions[0]
    )
    assert not holds(condition, ("a", "b"))
    assert holds(condition, ("a", "b"), Effect.DENY)


@pytest.mark.parametrize(
    ("operator", "met"),
    [("StringEquals", False), ("StringNotEquals", True), ("Bool", False), ("IpAddress", False)],
)
@pytest.mark.parametrize("given", [None, ()])
@pytest.mark.parametrize("effect", list(Effect))
def test_a_key_without_a_value_is_missing(
    operator: str, met: bool, given: tuple[str, ...] | None, effect: Effect
) -> None:
    value = {"Bool": "true", "IpAddress": "192.0.2.0/24"}.get(operator, "a")
    assert holds(Condition(operator, "k", (value,)), given, effect) is met
    assert holds(Condition(operator, "k", (value,), if_exists=True), given, effect)
    assert holds(Condition("Null", "k", ("true",)), given, effect)


def test_a_time_without_an_offset_is_utc_wherever_the_bridge_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        block = {"DateEquals": {"aws:CurrentTime": "2026-11-26T10:00:00"}}
        assert decide(allow(STOP, Condition=block), context=HERE).allowed
    finally:
        monkeypatch.undo()
        time.tzset()
