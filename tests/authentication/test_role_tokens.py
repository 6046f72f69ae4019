"""Tokens of AWS roles, made by the AWS CLI and by botocore, asked about at the sandbox's STS."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import boto3
import httpx
import pytest

from bridge.sandbox.aws import AwsEmulator
from bridge.settings import Settings
from iam.principal import Principal
from iam.refusals import Reason
from iam.role_tokens import RoleTokenRules, RoleTokens
from tests.authentication.conftest import ACCOUNT, Bridge
from tests.authentication.roles import (
    INSTALLATION,
    Clock,
    Sts,
    aws,
    clock,
    mint,
    refused,
    role,
    roles,
    session,
    sts,
)
from tests.kubernetes_identity.conftest import Minter

__all__ = ["aws", "clock", "role", "roles", "session", "sts"]


async def test_a_role_s_session_is_who_it_says(
    roles: RoleTokens, session: boto3.Session, sts: Sts
) -> None:
    token = mint(session)
    assert roles.takes(token)
    principal = await roles.principal(token, may_ask=True)
    assert principal == Principal(
        kind="aws-role",
        name=f"arn:aws:sts::{ACCOUNT}:assumed-role/my-team/alice@laptop",
        account=ACCOUNT,
        issuer="sts",
        attributes={
            "role-arn": f"arn:aws:iam::{ACCOUNT}:role/my-team",
            "session": "alice@laptop",
        },
    )
    assert principal.role_arn == f"arn:aws:iam::{ACCOUNT}:role/my-team"
    assert sts.asked[0].headers["x-k8s-aws-id"] == INSTALLATION


async def test_a_token_for_a_cluster_is_of_no_use_here(
    roles: RoleTokens, session: boto3.Session
) -> None:
    _, words = await refused(roles, mint(session, cluster="payments"))
    assert words.startswith("STS does not accept the token")
    assert f"--cluster-name {INSTALLATION}" in words


async def test_a_wrong_secret_is_found_out_by_sts(
    roles: RoleTokens, role: dict[str, str], session: boto3.Session
) -> None:
    forged = Minter.session(role["AccessKeyId"], "x" * 40, role["SessionToken"])
    assert "STS does not accept" in (await refused(roles, mint(forged)))[1]
    unknown = Minter.session("ASIAUNKNOWNUNKNOWN00", "x" * 40, "t")
    assert "STS does not accept" in (await refused(roles, mint(unknown)))[1]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example",
        "https://sts.us-east-1.amazonaws.com.evil.example",
        "https://sts.us-east-1.amazonaws.com:8443",
        "https://sts.us-east-1.amazonaws.com@evil.example",
        "https://evil.example\\@sts.us-east-1.amazonaws.com",
        "https://sts.us-east-1.amazonaws.com/x",
        "https://sts.us-east-1.amazonaws.com%2eevil.example",
        "https://STS.us-east-1.amazonaws.com",
        "https://sts.amazonaws.com",
        "https://ec2.us-east-1.amazonaws.com",
        "https://xsts.us-east-1.amazonaws.com",
        "http://sts.us-east-1.amazonaws.com",
        "http://169.254.169.254",
        "http://127.0.0.1:80",
        "https://[::1]",
        "file:///etc/passwd",
    ],
)
async def test_a_token_chooses_no_address(
    roles: RoleTokens, sts: Sts, session: boto3.Session, endpoint: str
) -> None:
    url = Minter().url(session, cluster=INSTALLATION)
    start = "https://sts.us-east-1.amazonaws.com"
    assert url.startswith(start)
    await refused(roles, Minter.wrap(endpoint + url.removeprefix(start)))
    assert sts.asked == []


async def test_only_the_host_of_the_token_is_asked_where_no_endpoint_is_set(
    sts: Sts, clock: Clock, session: boto3.Session
) -> None:
    sts.answer = lambda: httpx.Response(302, headers={"location": "http://169.254.169.254/"})
    roles = RoleTokens(RoleTokenRules(INSTALLATION, frozenset({ACCOUNT})), now=clock, transport=sts)
    assert "STS does not accept" in (await refused(roles, mint(session)))[1]
    (asked,) = sts.asked
    assert (asked.method, asked.url.scheme) == ("GET", "https")
    assert (asked.url.host, asked.url.path) == ("sts.us-east-1.amazonaws.com", "/")
    assert "authorization" not in asked.headers
    await roles.close()


async def test_a_token_is_good_for_fifteen_minutes_from_its_signature(
    roles: RoleTokens, session: boto3.Session, clock: Clock, sts: Sts
) -> None:
    token = mint(session)
    clock.ahead = timedelta(minutes=16)
    assert await refused(roles, token) == (
        Reason.EXPIRED,
        "The security token included in the request is expired",
    )
    clock.ahead = timedelta(minutes=-6)
    assert "signed in the future" in (await refused(roles, token))[1]
    assert "X-Amz-Expires must be" in (await refused(roles, mint(session, expires=901)))[1]
    assert sts.asked == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("X-Amz-Expires", "9" * 5000),  # more digits than Python reads
        ("X-Amz-Date", "99991231T235959Z"),  # 15 minutes later there is no year
        ("X-Amz-Date", "00010101T000000%2B2359"),
    ],
)
async def test_numbers_and_times_at_the_edge_are_refused_like_others(
    roles: RoleTokens, sts: Sts, session: boto3.Session, member: str, value: str
) -> None:
    url = re.sub(rf"(?<={member}=)[^&]*", value, Minter().url(session, cluster=INSTALLATION))
    await refused(roles, Minter.wrap(url))
    assert sts.asked == []


async def test_other_accounts_roles_and_users_are_not_known(
    aws: AwsEmulator, sts: Sts, clock: Clock, session: boto3.Session, roles: RoleTokens
) -> None:
    foreign = RoleTokens(
        RoleTokenRules(INSTALLATION, frozenset({"999999999999"}), aws.url),
        now=clock,
        transport=sts,
    )
    assert f"in account {ACCOUNT}" in (await refused(foreign, mint(session)))[1]
    own = aws.environment()
    user = Minter.session(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"])
    assert "not of an assumed role" in (await refused(roles, mint(user)))[1]
    await foreign.close()


@pytest.fixture
def settings(tmp_path: Path, aws: AwsEmulator) -> Settings:
    return Settings(
        installation=INSTALLATION,
        data=tmp_path / "data",
        sts_accounts=(ACCOUNT,),
        sts_endpoint=aws.url,
    )


async def test_a_token_of_the_aws_command_line_opens_the_door(
    bridge: Bridge, http: httpx.AsyncClient, role: dict[str, str]
) -> None:
    aws = Path(sys.executable).with_name("aws")
    process = await asyncio.create_subprocess_exec(
        aws, "eks", "get-token", "--cluster-name", INSTALLATION, "--region", "us-east-1",
        env=os.environ
        | {
            "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
            "AWS_SESSION_TOKEN": role["SessionToken"],
        },
        stdout=-1,
    )  # fmt: skip
    output, _ = await process.communicate()
    token = json.loads(output)["status"]["token"]
    for path in ("/v1/experiments", "/experiments"):
        answer = await http.get(path, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
    answer = await http.get("/v1/experiments", headers={"authorization": f"Bearer {token}x"})
    assert answer.status_code == 401
    # Access keys were not switched on.
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e"}
    assert "not switched on" in (await http.get("/experiments", headers=signed)).json()["message"]
