"""Tokens of AWS roles, and the way to the sandbox's STS, which is asked about them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest

from bridge.model.moment import Micros, micros
from bridge.sandbox.aws import AwsEmulator
from bridge.store import system_clock
from iam.refusals import NotAuthenticatedError, Reason
from iam.role_tokens import RoleTokenRules, RoleTokens
from tests.authentication.conftest import ACCOUNT
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


async def refused(roles: RoleTokens, token: str) -> tuple[Reason, str]:
    with pytest.raises(NotAuthenticatedError) as found:
        await roles.principal(token, may_ask=True)
    assert "Signature=" not in str(found.value)
    return found.value.reason, str(found.value)
