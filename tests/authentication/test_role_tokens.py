"""Tokens of AWS roles, made by the AWS CLI and by botocore, asked about at the sandbox's STS."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import httpx
import pytest

from bridge.model.moment import Micros, micros
from bridge.sandbox.aws import AwsEmulator
from bridge.settings import Settings
from bridge.store import system_clock
from iam.principal import Principal
from iam.refusals import CannotTellError, NotAuthenticatedError, Reason, TooManyError
from iam.role_tokens import RoleTokenRules, RoleTokens
from iam.unlogged import Unlogged
from tests.authentication.conftest import ACCOUNT, Bridge
from tests.kubernetes_identity.conftest import Minter

INSTALLATION = "test"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/chaos/my-team"


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    with AwsEmulator() as emulator:
        trust = {
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
            ]
        }
        with closing(_client(emulator, "iam")) as iam:
            iam.create_role(
                RoleName="my-team", Path="/chaos/", AssumeRolePolicyDocument=json.dumps(trust)
            )
        yield emulator


def _client(aws: AwsEmulator, service: str) -> Any:
    own = aws.environment()
    return boto3.client(
        service,  # type: ignore[call-overload] # any service's name
        endpoint_url=aws.url,
        region_name="us-east-1",
        aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def role(aws: AwsEmulator) -> dict[str, str]:
    """Credentials of a session of the role."""
    with closing(_client(aws, "sts")) as sts:
        found: dict[str, str] = sts.assume_role(RoleArn=ROLE, RoleSessionName="alice@laptop")[
            "Credentials"
        ]
    return found


@pytest.fixture
def session(role: dict[str, str]) -> boto3.Session:
    return Minter.session(role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])


def mint(session: boto3.Session, **options: Any) -> str:
    return Minter().token(session, **{"cluster": INSTALLATION, **options})


class Sts(httpx.AsyncBaseTransport):
    """The way to STS: real HTTP to the emulator, unless it is told otherwise."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Callable[[], httpx.Response] | None = None
        self._real = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.answer is not None:
            return self.answer()
        return await self._real.handle_async_request(request)

    async def aclose(self) -> None:
        await self._real.aclose()


class Clock:
    """The bridge's time, which may be moved on."""

    ahead = timedelta()

    def __call__(self) -> Micros:
        return Micros(system_clock() + micros(self.ahead))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sts() -> Sts:
    return Sts()


@pytest.fixture
async def roles(aws: AwsEmulator, sts: Sts, clock: Clock) -> AsyncIterator[RoleTokens]:
    rules = RoleTokenRules(INSTALLATION, frozenset({ACCOUNT}), aws.url)
    found = RoleTokens(rules, now=clock, transport=sts)
    yield found
    await found.close()


async def _refused(roles: RoleTokens, token: str) -> tuple[Reason, str]:
    with pytest.raises(NotAuthenticatedError) as refused:
        await roles.principal(token, may_ask=True)
    assert "Signature=" not in str(refused.value)
    return refused.value.reason, str(refused.value)


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
    _, words = await _refused(roles, mint(session, cluster="payments"))
    assert words.startswith("STS does not accept the token")
    assert f"--cluster-name {INSTALLATION}" in words


async def test_a_wrong_secret_is_found_out_by_sts(
    roles: RoleTokens, role: dict[str, str], session: boto3.Session
) -> None:
    forged = Minter.session(role["AccessKeyId"], "x" * 40, role["SessionToken"])
    assert "STS does not accept" in (await _refused(roles, mint(forged)))[1]
    unknown = Minter.session("ASIAUNKNOWNUNKNOWN00", "x" * 40, "t")
    assert "STS does not accept" in (await _refused(roles, mint(unknown)))[1]


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
    await _refused(roles, Minter.wrap(endpoint + url.removeprefix(start)))
    assert sts.asked == []


async def test_only_the_host_of_the_token_is_asked_where_no_endpoint_is_set(
    sts: Sts, clock: Clock, session: boto3.Session
) -> None:
    sts.answer = lambda: httpx.Response(302, headers={"location": "http://169.254.169.254/"})
    roles = RoleTokens(RoleTokenRules(INSTALLATION, frozenset({ACCOUNT})), now=clock, transport=sts)
    assert "STS does not accept" in (await _refused(roles, mint(session)))[1]
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
    assert await _refused(roles, token) == (
        Reason.EXPIRED,
        "The security token included in the request is expired",
    )
    clock.ahead = timedelta(minutes=-6)
    assert "signed in the future" in (await _refused(roles, token))[1]
    assert "X-Amz-Expires must be" in (await _refused(roles, mint(session, expires=901)))[1]
    assert sts.asked == []


async def test_other_accounts_roles_and_users_are_not_known(
    aws: AwsEmulator, sts: Sts, clock: Clock, session: boto3.Session, roles: RoleTokens
) -> None:
    foreign = RoleTokens(
        RoleTokenRules(INSTALLATION, frozenset({"999999999999"}), aws.url),
        now=clock,
        transport=sts,
    )
    assert f"in account {ACCOUNT}" in (await _refused(foreign, mint(session)))[1]
    own = aws.environment()
    user = Minter.session(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"])
    assert "not of an assumed role" in (await _refused(roles, mint(user)))[1]
    await foreign.close()


async def test_an_answer_holds_for_a_minute_and_is_asked_for_once(
    roles: RoleTokens, session: boto3.Session, sts: Sts
) -> None:
    now = 0.0
    roles._remembered._clock = lambda: now
    token = mint(session)
    found = await asyncio.gather(*(roles.principal(token, may_ask=True) for _ in range(20)))
    assert len({one.name for one in found}) == 1
    assert len(sts.asked) == 1
    now = 59.9
    await roles.principal(token, may_ask=False)
    now = 60.1
    with pytest.raises(TooManyError):
        await roles.principal(token, may_ask=False)
    await roles.principal(token, may_ask=True)
    assert len(sts.asked) == 2
    # A token that is about to end is remembered no longer than that.
    assert token not in repr(vars(roles._remembered))


async def test_an_answer_holds_no_longer_than_the_token(
    roles: RoleTokens, session: boto3.Session, clock: Clock
) -> None:
    now = 0.0
    roles._remembered._clock = lambda: now
    token = mint(session)
    clock.ahead = timedelta(minutes=14, seconds=50)
    await roles.principal(token, may_ask=True)
    now = 11.0
    with pytest.raises(TooManyError):
        await roles.principal(token, may_ask=False)


async def test_a_refusal_is_not_remembered(
    roles: RoleTokens, session: boto3.Session, sts: Sts
) -> None:
    token = mint(session)
    sts.answer = lambda: httpx.Response(403)
    await _refused(roles, token)
    sts.answer = None
    await roles.principal(token, may_ask=True)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text="x" * 70_000),
    ],
)
async def test_an_sts_that_does_not_answer_is_no_refusal(
    roles: RoleTokens, session: boto3.Session, sts: Sts, answer: httpx.Response
) -> None:
    sts.answer = lambda: answer
    with pytest.raises(CannotTellError, match="try again"):
        await roles.principal(mint(session), may_ask=True)


async def test_an_sts_that_cannot_be_reached(
    roles: RoleTokens, session: boto3.Session, sts: Sts
) -> None:
    def fail() -> httpx.Response:
        raise httpx.ConnectTimeout("secret words")

    sts.answer = fail
    with pytest.raises(CannotTellError) as refused:
        await roles.principal(mint(session), may_ask=True)
    assert str(refused.value) == "STS does not answer (ConnectTimeout); try again later"


async def test_no_log_holds_what_a_token_holds(
    aws: AwsEmulator,
    clock: Clock,
    session: boto3.Session,
    role: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    rules = RoleTokenRules(INSTALLATION, frozenset({ACCOUNT}), aws.url)
    roles = RoleTokens(rules, now=clock)
    url = Minter().url(session, cluster=INSTALLATION)
    caplog.clear()  # botocore tells what it signs
    await roles.principal(Minter.wrap(url), may_ask=True)
    await _refused(roles, Minter.wrap(url + "0"))
    await roles.close()
    signature = url.partition("X-Amz-Signature=")[2]
    assert "HTTP Request: GET" in caplog.text
    for secret in (signature, role["SessionToken"], quote(role["SessionToken"], safe="")):
        assert secret not in caplog.text


def test_sts_is_asked_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "sts.eu-west-1.amazonaws.com")

    def way(host: str, *, proxies: bool = True) -> str:
        transport: Any = Unlogged(proxies=proxies)._transport(host)
        return type(transport._pool).__name__

    assert way("sts.us-east-1.amazonaws.com") == "AsyncHTTPProxy"
    assert way("sts.eu-west-1.amazonaws.com") == "AsyncConnectionPool"
    assert way("127.0.0.1", proxies=False) == "AsyncConnectionPool"


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
