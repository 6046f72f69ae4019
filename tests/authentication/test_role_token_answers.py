"""What STS answers about a token: remembered for a moment, missing, and never in a log."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import boto3
import httpx
import pytest

from bridge.sandbox.aws import AwsEmulator
from iam.attempt import Attempt
from iam.authentication import Authentication
from iam.principal import Principal
from iam.rates import Rates
from iam.refusals import CannotTellError, TooManyError
from iam.remembered import Remembered
from iam.role_tokens import RoleTokenRules, RoleTokens
from iam.unlogged import Unlogged
from tests.authentication.conftest import ACCOUNT
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

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/my-team/alice"

__all__ = ["aws", "clock", "role", "roles", "session", "sts"]


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
    await refused(roles, token)
    sts.answer = None
    await roles.principal(token, may_ask=True)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text=f"<Arn>{SESSION}</Arn>" + "x" * 70_000),
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


async def test_an_sts_that_does_not_answer_counts_for_the_address(
    roles: RoleTokens, session: boto3.Session, sts: Sts
) -> None:
    """Anybody can make up a Region, and have the bridge look for its STS."""

    def fail() -> httpx.Response:
        raise httpx.ConnectError("no such host")

    async def body() -> bytes:
        return b""

    sts.answer = fail
    url = Minter().url(session, cluster=INSTALLATION).replace("us-east-1.a", "xx-nowhere-1.a", 1)
    bearer = (("authorization", f"Bearer {Minter.wrap(url)}"),)
    attempt = Attempt("GET", "/experiments", "", bearer, body)
    failures = Rates(1, 2, clock=lambda: 0.0)
    door = Authentication(requests=Rates(1, 100), failures=failures, roles=roles)
    for _ in range(2):
        with pytest.raises(CannotTellError):
            await door.principal(attempt, "192.0.2.1")
    with pytest.raises(TooManyError):
        await door.principal(attempt, "192.0.2.1")
    assert len(sts.asked) == 2
    with pytest.raises(CannotTellError):
        await door.principal(attempt, "192.0.2.2")


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
    await refused(roles, Minter.wrap(url + "0"))
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


async def test_only_so_many_tokens_are_looked_into_at_once() -> None:
    answered = asyncio.Event()

    async def ask(token: str) -> tuple[Principal, float]:
        await answered.wait()
        return Principal(kind="aws-role", name=token), 60.0

    asking = Remembered(ask)
    waiting = [asyncio.create_task(asking.principal(str(n), may_ask=True)) for n in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyError):
        await asking.principal("one more", may_ask=True)
    answered.set()
    assert [one.name for one in await asyncio.gather(*waiting)] == [str(n) for n in range(16)]
    assert (await asking.principal("one more", may_ask=True)).name == "one more"
