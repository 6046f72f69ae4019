"""Who signs a call, how long credentials last, and what is said when they do not serve."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.sandbox.aws import AwsEmulator
from bridge.settings import Settings
from providers.aws.credentials import Role
from providers.aws.provider import AwsProvider
from providers.contract import (
    AccessDeniedError,
    Caller,
    FenceLostError,
    Guard,
    ProviderError,
    TransientError,
)
from providers.refusals import DeniedError
from tests.aws_faults.conftest import Launch, OpenSession
from tests.aws_faults.records import EXPERIMENT, ROLE, SCOPE


async def test_calls_are_made_as_the_role_under_the_experiments_name(
    open_session: OpenSession, aws: AwsEmulator
) -> None:
    session = await open_session()
    aws.forget_calls()
    await session.call("ec2", "DescribeVolumes")
    await session.call("ec2", "DescribeVolumes")
    assert [(call.operation, call.caller) for call in aws.calls] == [
        ("AssumeRole", AwsEmulator.caller_arn),
        *[("DescribeVolumes", f"arn:aws:sts::123456789012:assumed-role/chaos/{EXPERIMENT}")] * 2,
    ]


async def test_the_reader_is_the_bridge_itself(open_session: OpenSession, aws: AwsEmulator) -> None:
    reader = await open_session(None, None, "reader")
    aws.forget_calls()
    await reader.call("ec2", "DescribeVolumes")
    assert [call.caller for call in aws.calls] == [AwsEmulator.caller_arn]


async def test_callers_share_clients_but_never_credentials(
    open_session: OpenSession, aws: AwsEmulator
) -> None:
    names = [f"EXP{n}" for n in range(6)]
    sessions = [await open_session(None, ROLE, name) for name in names]
    aws.forget_calls()
    await asyncio.gather(*(s.call("ec2", "DescribeVolumes") for s in sessions for _ in range(3)))
    signed = [call.caller for call in aws.calls if call.operation == "DescribeVolumes"]
    expected = [f"arn:aws:sts::123456789012:assumed-role/chaos/{name}" for name in names] * 3
    assert sorted(signed) == sorted(expected)
    assert len([call for call in aws.calls if call.operation == "AssumeRole"]) == 6


async def test_credentials_can_be_had_to_sign_with(open_session: OpenSession) -> None:
    session = await open_session()
    first, second = await session.credentials(), await session.credentials()
    assert first == second
    assert (first.access_key or "").startswith("ASIA")


async def test_a_role_that_does_not_trust_the_bridge_is_named(open_session: OpenSession) -> None:
    stranger = "arn:aws:iam::123456789012:role/stranger"
    session = await open_session(None, stranger)
    with pytest.raises(AccessDeniedError) as raised:
        await session.call("ec2", "DescribeVolumes")
    assert f"may not assume the role {stranger}" in str(raised.value)
    assert "trust policy" in str(raised.value)
    assert raised.value.__cause__ is None


async def test_without_credentials_the_mend_is_named(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    session = await open_session()
    with pytest.raises(AccessDeniedError, match="AWS_PROFILE"):
        await session.call("ec2", "DescribeVolumes")


async def test_a_session_that_was_ended_is_opened_again(
    open_session: OpenSession, aws: AwsEmulator
) -> None:
    session = await open_session()
    aws.fail(service="ec2", error="RequestExpired")
    with pytest.raises(TransientError, match="was over before ec2:DescribeVolumes"):
        await session.call("ec2", "DescribeVolumes")
    aws.forget_calls()
    await session.call("ec2", "DescribeVolumes")
    assert [call.operation for call in aws.calls] == ["AssumeRole", "DescribeVolumes"]


@pytest.mark.parametrize("code", ["AuthFailure", "SignatureDoesNotMatch", "InvalidClientTokenId"])
async def test_bad_credentials_are_told_without_their_text(
    open_session: OpenSession, aws: AwsEmulator, code: str
) -> None:
    session = await open_session()
    aws.fail(service="ec2", error=code, message="the canonical string was SECRET", status=403)
    with pytest.raises(AccessDeniedError) as raised:
        await session.call("ec2", "DescribeVolumes")
    assert "does not accept the credentials" in str(raised.value)
    assert "SECRET" not in str(raised.value)


async def test_the_encoded_part_of_a_denial_is_dropped(
    open_session: OpenSession, aws: AwsEmulator
) -> None:
    session = await open_session()
    message = "You are not authorized to perform this operation. Encoded authorization failure "
    aws.fail(
        service="ec2",
        error="UnauthorizedOperation",
        message=f"{message}message: i-0badc0de",
        status=403,
    )
    with pytest.raises(DeniedError) as raised:
        await session.call("ec2", "DescribeVolumes")
    assert "i-0badc0de" not in str(raised.value)
    assert raised.value.named == frozenset()
    assert "may not ec2:DescribeVolumes. Allow" in str(raised.value)


async def test_an_endpoint_that_is_not_there_is_transient(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1")
    session = await open_session()
    with pytest.raises(TransientError, match="AWS did not answer ec2:DescribeVolumes"):
        await session.call("ec2", "DescribeVolumes")


async def test_a_malformed_call_is_refused_before_it_is_sent(open_session: OpenSession) -> None:
    session = await open_session()
    with pytest.raises(ProviderError, match="ec2:DescribeVolumes was not sent"):
        await session.call("ec2", "DescribeVolumes", VolumeIds="vol-1")


async def test_one_hanging_account_leaves_the_others_their_threads(aws: AwsEmulator) -> None:
    provider = AwsProvider(Settings(cloud_threads=1))
    other = SCOPE.model_copy(update={"account": "210987654321"})
    hanging = await provider.session(Caller(SCOPE, None, "reader", "lab"), None)
    free = await provider.session(Caller(other, None, "reader", "lab"), None)
    aws.hang(service="ec2", operation="DescribeInstances")
    stuck = asyncio.create_task(hanging.call("ec2", "DescribeInstances"))
    await asyncio.wait_for(free.call("ec2", "DescribeVolumes"), 10)
    assert not stuck.done()
    aws.behave()
    await stuck
    await provider.close()


async def test_a_frozen_worker_that_wakes_sends_nothing(
    open_session: OpenSession, launch: Launch, calls: Callable[..., list[str]]
) -> None:
    guard = Guard(Guard.clock() + 3600)
    session = await open_session(guard)
    ids = launch()
    await session.call("ec2", "DescribeInstances", InstanceIds=ids)
    guard.deadline = Guard.clock() - 1
    calls()
    with pytest.raises(FenceLostError):
        await session.call("ec2", "StopInstances", InstanceIds=ids)
    assert calls() == []


async def test_a_known_process_has_a_client_in_milliseconds(open_session: OpenSession) -> None:
    await (await open_session()).call("ec2", "DescribeVolumes")
    taken = []
    for n in range(10):
        session = await open_session(None, ROLE, f"EXP{n}")
        began = time.perf_counter()
        await session.credentials()
        taken.append(time.perf_counter() - began)
    # A bound for a busy machine; the target of 15 ms is the benchmark's to hold.
    assert min(taken) < 0.05


def keys(name: str, lasting: timedelta) -> dict[str, Any]:
    end = datetime.now(UTC) + lasting
    given = {"AccessKeyId": name, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": end}
    return {"Credentials": given}


def test_a_role_is_assumed_again_before_it_ends() -> None:
    answers = [keys("first", timedelta(minutes=9)), keys("second", timedelta(hours=1))]
    role = Role(lambda: answers.pop(0))
    assert [role.current().access_key for _ in range(3)] == ["first", "second", "second"]


def test_credentials_that_still_serve_outlive_a_failed_renewal() -> None:
    answers = iter([keys("first", timedelta(minutes=9)), keys("short", timedelta(seconds=30))])

    def assume() -> dict[str, Any]:
        try:
            return next(answers)
        except StopIteration:
            raise TransientError("no answer") from None

    role = Role(assume)
    assert role.current().access_key == "first"
    assert role.current().access_key == "short"
    with pytest.raises(TransientError):
        role.current()
    answers = iter([keys("long", timedelta(minutes=9))])
    assert [role.current().access_key for _ in range(2)] == ["long", "long"]
