"""Documents are read strictly: each slip is named with its place and the mend."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.problem import InvalidDocumentError
from iam.policy import MANAGED, read_policy
from iam.policy.reading import LARGEST

OK = {"Effect": "Allow", "Action": "fis:StartExperiment", "Resource": "*"}


def policy(*statements: Any, **members: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **members}


def statement(**members: Any) -> dict[str, Any]:
    merged = {**OK, **members}
    return {name: value for name, value in merged.items() if value is not ...}


def condition(block: Any, **members: Any) -> dict[str, Any]:
    return policy(statement(Condition=block, **members))


def problems(document: Any) -> list[str]:
    with pytest.raises(InvalidDocumentError) as refused:
        read_policy(document, name="test")
    return list(map(str, refused.value.problems))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, "is no policy; write"),
        ([], "is no policy; write"),
        ({}, 'Version: must be "2012-10-17"'),
        (policy(OK, Version="2008-10-17"), "older language knows no variables"),
        (policy(OK, statement=[]), 'statement: is not known; did you mean "Statement"?'),
        (policy(), "Statement: is required"),
        (policy("x"), "Statement[0]: is no statement"),
        (policy(statement(Effect="allow")), 'Statement[0].Effect: must be "Allow" or "Deny"'),
        (policy(statement(Effect=...)), "Statement[0].Effect: must be"),
        (policy(statement(Principal="*")), "Statement[0].Principal: does not belong"),
        (policy(statement(NotPrincipal="*")), "Statement[0].NotPrincipal: does not belong"),
        (policy(statement(Resources="*")), 'Resources: is not known; did you mean "Resource"?'),
        (policy(statement(Action=...)), "must have either Action or NotAction"),
        (policy(statement(NotAction="*")), "must have either Action or NotAction"),
        (policy(statement(Resource=...)), "must have either Resource or NotResource"),
        (policy(statement(Resource=[])), "Statement[0].Resource: must be a text or a list"),
        (policy(statement(Resource=["*", 1])), "Statement[0].Resource[1]: must be a text"),
        (policy(statement(Action="StartExperiment")), "is no action; write one as service:Name"),
        (
            policy(statement(Action="fis:StartExperment")),
            'is no action that there is; did you mean "fis:StartExperiment"?',
        ),
        (policy(statement(Action=["fis:*", "fis:Brake*"])), "Statement[0].Action[1]:"),
        (policy(statement(Action="*:Brake")), "is no action that there is"),
        (policy(statement(Resource="experiment/*")), "is no ARN"),
        (policy(statement(Resource="arn:aws:fis:us-east-1:1")), "is no ARN"),
        (policy(statement(Resource="x" * 2049)), "must be a text of 1 to 2048 characters"),
        (
            policy(statement(Resource="arn:aws:fis:*:*:experiment/${aws:username}")),
            'the policy variable "${aws:username}" is not supported',
        ),
        (policy(statement(Sid="a b")), "Statement[0].Sid: must be letters and digits"),
        (policy(statement(Sid="a"), statement(Sid="a")), 'Statement[1].Sid: "a" is there twice'),
        (condition([]), "Statement[0].Condition: must be an object"),
        (condition({"StringEquals": []}), "Condition.StringEquals: must be an object of keys"),
        (
            condition({"StringEqual": {"aws:SourceIp": "x"}}),
            '"StringEqual" is no operator; did you mean "StringEquals"?',
        ),
        (condition({"BinaryEquals": {"aws:SourceIp": "x"}}), "BinaryEquals is not supported"),
        (
            condition({"ForAnyValues:StringEquals": {"aws:TagKeys": "x"}}),
            'is no prefix of an operator; did you mean "ForAnyValue"?',
        ),
        (condition({"NullIfExists": {"aws:TagKeys": "true"}}), "Null takes neither"),
        (condition({"ForAnyValue:Null": {"aws:TagKeys": "true"}}), "Null takes neither"),
        (
            condition({"StringEquals": {"aws:SourceIP4": "x"}}),
            'is no condition key that there is; did you mean "aws:SourceIp"?',
        ),
        (condition({"StringEquals": {"aws:RequestTag/": "x"}}), "is no condition key"),
        (condition({"StringEquals": {"aws:TagKeys": "x"}}), "aws:TagKeys has several values"),
        (
            condition({"StringEquals": {"fis:Operations": "x"}}),
            (
                "fis:Operations never comes with the statement's actions, only with "
                '"fis:InjectApiInternalError"'
            ),
        ),
        (
            condition({"StringEquals": {"iam:PassedToService": "x"}}),
            'only with "iam:PassRole"',
        ),
        (condition({"StringEquals": {"aws:RequestTag/a": []}}), "must have a value"),
        (condition({"StringEquals": {"aws:RequestTag/a": [None]}}), "must be a text"),
        (condition({"StringEquals": {"aws:RequestTag/a": "${x}"}}), "policy variable"),
        (condition({"DateLessThan": {"aws:CurrentTime": "soon"}}), '"soon" is not a time'),
        (condition({"NumericEquals": {"aws:EpochTime": "NaN"}}), "is not a number"),
        (condition({"IpAddress": {"aws:SourceIp": "10.0.0.1/8"}}), "is no network"),
        (condition({"ArnLike": {"aws:PrincipalArn": "alice"}}), "is no ARN"),
        (condition({"Bool": {"aws:SourceIp": "yes"}}), 'is neither "true" nor "false"'),
        (condition({"Null": {"aws:TagKeys": "maybe"}}), 'is neither "true" nor "false"'),
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(document: Any, expected: str) -> None:
    found = problems(document)
    assert any(expected in one for one in found), found


def test_every_slip_is_named_at_once() -> None:
    document = policy(statement(Effect="x", Action="fis:Foo", Resource="y"), Vision=1)
    assert len(problems(document)) == 4


def test_a_document_has_the_size_of_a_managed_policy_at_most() -> None:
    long = ["arn:aws:fis:*:*:experiment/" + "x" * 973 for _ in range(6)]
    read_policy(policy(statement(Resource=long)), name="fits")
    assert problems(policy(statement(Resource=[*long, *long])))[0].endswith(
        f"the most is {LARGEST}"
    )


def test_an_action_of_another_service_is_a_warning() -> None:
    read = read_policy(policy(statement(Action=["fis:ListActions", "ec2:Stop*"])), name="x")
    assert [str(one) for one in read.warnings] == [
        (
            'Statement[0].Action[1]: "ec2:Stop*" is an action of another service, which is never '
            "asked here"
        )
    ]


def test_other_services_policies_can_be_read_for_others() -> None:
    block = {"StringEquals": {"ec2:ResourceTag/a": "b"}}
    document = policy(statement(Action="ec2:Stop*", Condition=block))
    assert read_policy(document, name="x", any_service=True).warnings == ()


@pytest.mark.parametrize(
    "block",
    [
        {"StringEquals": {"AWS:requesttag/Team": "x"}},
        {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a*", "b"]}},
        {"DateGreaterThan": {"aws:CurrentTime": "2026-12-01T02:30:00Z"}},
        {"NumericLessThan": {"aws:EpochTime": 1800000000}},
        {"Null": {"aws:RequestTag/a": True}},
        {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
    ],
)
def test_usual_conditions_are_read(block: Any) -> None:
    assert read_policy(condition(block), name="x").policy.statements[0].conditions


def test_a_key_needs_to_come_with_one_of_the_actions_only() -> None:
    block = {"StringEquals": {"aws:ResourceTag/team": "carts"}}
    for actions in ("fis:*", ["fis:ListActions", "fis:StopExperiment"], "*"):
        assert read_policy(condition(block, Action=actions), name="x").warnings == ()
    assert problems(condition(block, Action=["fis:ListActions", "fis:GetSafetyLever"]))


def test_the_service_keys_of_injected_errors_are_read_where_the_service_has_them() -> None:
    block = {"ForAnyValue:StringEquals": {"fis:Operations": ["DescribeInstances"]}}
    document = policy(statement(Action="fis:InjectApi*", Condition=block))
    assert read_policy(document, name="x").warnings == ()


def test_one_statement_needs_no_list() -> None:
    document = {"Version": "2012-10-17", "Statement": OK}
    assert len(read_policy(document, name="x").policy.statements) == 1


def test_the_built_in_policies_are_read_like_any() -> None:
    assert set(MANAGED) == {
        "FaultbridgeAdministrator",
        "FaultbridgeAuthor",
        "FaultbridgeOperator",
        "FaultbridgeViewer",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Condition", "Sid", "Bool"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(document=JSON | st.fixed_dictionaries({"Version": st.just("2012-10-17"), "Statement": JSON}))
def test_whatever_it_is_given_it_refuses_or_reads(document: Any) -> None:
    with suppress(InvalidDocumentError):
        assert read_policy(document, name="x").policy.statements
