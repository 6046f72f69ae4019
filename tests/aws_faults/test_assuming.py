"""How roles are assumed: external ids, source identities, and through other roles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.aws import AwsEmulator
from bridge.settings import Settings
from providers.aws.assuming import source_identity, steps
from providers.aws.provider import AwsProvider
from providers.chains import through
from providers.contract import AccessDeniedError, Caller
from tests.aws_faults.records import EXPERIMENT, ROLE, SCOPE

HUB = "arn:aws:iam::123456789012:role/hub"
FAR = "arn:aws:iam::123456789012:role/far"
ALICE = "arn:aws:iam::123456789012:user/teams/alice"
SESSIONS = "arn:aws:sts::123456789012:assumed-role"

MakeRole = Callable[..., None]


@pytest.fixture
def make_role(aws: AwsEmulator, client: Callable[[str], Any]) -> Iterator[MakeRole]:
    """Make a role that may do everything, with a trust policy."""
    iam = client("iam")

    def made(name: str, principal: dict[str, str], *actions: str, **condition: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["sts:AssumeRole", *actions],
            **({"Condition": condition} if condition else {}),
        }
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [everything]}
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))

    return made


FIS = {"Service": "fis.amazonaws.com"}


async def described(settings: Settings, role: str, behalf: str = "") -> None:
    provider = AwsProvider(settings)
    try:
        session = await provider.session(Caller(SCOPE, role, EXPERIMENT, "lab", behalf), None)
        await session.call("ec2", "DescribeVolumes")
    finally:
        await provider.close()


async def test_the_external_id_that_a_trust_policy_asks_for_is_given(make_role: MakeRole) -> None:
    make_role("far", FIS, StringEquals={"sts:ExternalId": "only-us-7"})
    with pytest.raises(AccessDeniedError, match="FAULTBRIDGE_AWS_EXTERNAL_IDS") as raised:
        await described(Settings(), FAR)
    wrong = Settings(aws_external_ids=(("*/far", "wrong-one"),))
    with pytest.raises(AccessDeniedError) as raised:
        await described(wrong, FAR)
    assert "wrong-one" not in str(raised.value) + repr(wrong)
    await described(Settings(aws_external_ids=(("*/far", "only-us-7"), ("*", "x-y"))), FAR)


async def test_a_role_is_assumed_through_another_one(make_role: MakeRole, aws: AwsEmulator) -> None:
    make_role("hub", FIS)
    make_role("far", {"AWS": HUB})
    with pytest.raises(AccessDeniedError, match="the bridge may not assume"):
        await described(Settings(), FAR)
    aws.forget_calls()
    await described(Settings(aws_chains=(("*", HUB),)), FAR)
    assert [(call.operation, call.caller) for call in aws.calls] == [
        ("AssumeRole", AwsEmulator.caller_arn),
        ("AssumeRole", f"{SESSIONS}/hub/{EXPERIMENT}"),
        ("DescribeVolumes", f"{SESSIONS}/far/{EXPERIMENT}"),
    ]


async def test_who_may_not_assume_whom_is_named_in_a_chain(make_role: MakeRole) -> None:
    make_role("hub", FIS)
    make_role("far", {"AWS": ROLE})
    settings = Settings(aws_chains=(("*/far", HUB),))
    with pytest.raises(AccessDeniedError) as raised:
        await described(settings, FAR)
    assert f"the role {HUB} may not assume the role {FAR}" in str(raised.value)
    settings = Settings(aws_chains=(("*/far", f"{HUB}-none"),))
    with pytest.raises(AccessDeniedError, match=r"the bridge may not assume the role .*hub-none"):
        await described(settings, FAR)


async def test_the_source_identity_is_who_started_the_run_and_off_unless_asked_for(
    make_role: MakeRole,
) -> None:
    said = source_identity(ALICE)
    make_role("far", FIS, "sts:SetSourceIdentity", StringEquals={"sts:SourceIdentity": said})
    await described(Settings(aws_source_identity=True), FAR, ALICE)
    with pytest.raises(AccessDeniedError):
        await described(Settings(aws_source_identity=True), FAR, f"{ALICE}2")
    with pytest.raises(AccessDeniedError):
        await described(Settings(), FAR, ALICE)
    # A role as FIS's walk-through makes it lets nobody say one.
    make_role("hub", FIS)
    await described(Settings(), HUB, ALICE)


def test_it_is_said_once_in_a_chain_and_the_session_bears_the_experiments_name() -> None:
    settings = Settings(
        aws_chains=(("*", HUB),), aws_external_ids=((HUB, "in-hub"),), aws_source_identity=True
    )
    first, last = steps(settings, Caller(SCOPE, FAR, EXPERIMENT, "lab", ALICE))
    assert first.request == {
        "RoleArn": HUB,
        "RoleSessionName": EXPERIMENT,
        "ExternalId": "in-hub",
        "SourceIdentity": source_identity(ALICE),
    }
    assert last.request == {"RoleArn": FAR, "RoleSessionName": EXPERIMENT}
    assert steps(settings, Caller(SCOPE, None, "reader", "lab", ALICE)) == ()


async def test_a_chained_session_is_renewed_before_its_hour_is_over(
    make_role: MakeRole, aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_role("hub", FIS)
    make_role("far", {"AWS": HUB})
    provider = AwsProvider(Settings(aws_chains=(("*/far", HUB),)))
    session = await provider.session(Caller(SCOPE, FAR, EXPERIMENT, "lab"), None)
    await session.call("ec2", "DescribeVolumes")
    aws.forget_calls()
    await session.call("ec2", "DescribeVolumes")
    assert [call.operation for call in aws.calls] == ["DescribeVolumes"]

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=51)

    monkeypatch.setattr("providers.aws.credentials.datetime", Later)
    aws.forget_calls()
    await session.call("ec2", "DescribeVolumes")
    await provider.close()
    assert [call.operation for call in aws.calls] == [
        *("AssumeRole", "AssumeRole", "DescribeVolumes"),
    ]


def test_chains_are_looked_up_again_and_end() -> None:
    assert through((("c", "b"), ("b", "a")), "c") == ("a", "b")
    assert through((("*", "hub"),), "c") == ("hub",)
    assert through((("*", "hub"),), "hub") == ()
    assert through((("a", "b"), ("b", "c"), ("c", "a")), "a") == ("c", "b")
    many = tuple((str(n), str(n + 1)) for n in range(9))
    assert len(through(many, "0")) == 4


@given(st.text(min_size=1, max_size=300))
def test_every_principal_has_a_source_identity_that_sts_takes(name: str) -> None:
    said = source_identity(name)
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", said, re.ASCII)


@given(st.text(min_size=1, max_size=90), st.text(min_size=1, max_size=90))
def test_different_principals_have_different_ones(one: str, other: str) -> None:
    assert (source_identity(one) == source_identity(other)) == (one == other)


def test_a_source_identity_can_be_read() -> None:
    assert source_identity("alice@example.com") == "alice@example.com"
    assert re.fullmatch(r"123456789012-user-teams-alice\.[0-9a-f]{8}", source_identity(ALICE))
