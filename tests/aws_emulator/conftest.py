"""One emulator per test file, on a clock that stands still; each test makes what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bridge.sandbox.aws import AwsEmulator, VirtualClock

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def running(clock: VirtualClock) -> Iterator[AwsEmulator]:
    with AwsEmulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: AwsEmulator) -> Iterator[AwsEmulator]:
    running.forget_calls()
    yield running
    running.behave()
    running.complete_transitions()


@pytest.fixture(scope="module")
def connect(running: AwsEmulator) -> Iterator[Connect]:
    """Open a client, with other credentials than the sandbox's own if they are given."""
    with ExitStack() as stack:

        def opened(service: str, credentials: dict[str, str] | None = None) -> Any:
            own = running.environment()
            signed = credentials or {
                "AccessKeyId": own["AWS_ACCESS_KEY_ID"],
                "SecretAccessKey": own["AWS_SECRET_ACCESS_KEY"],
            }
            client = boto3.client(
                service,  # type: ignore[call-overload]  # any service's name
                endpoint_url=running.url,
                region_name=running.region,
                aws_access_key_id=signed["AccessKeyId"],
                aws_secret_access_key=signed["SecretAccessKey"],
                aws_session_token=signed.get("SessionToken"),
                config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
            )
            return stack.enter_context(closing(client))

        yield opened


@pytest.fixture(scope="module")
def ec2(connect: Connect) -> Any:
    return connect("ec2")


@pytest.fixture
def launch(ec2: Any, emulator: AwsEmulator) -> Callable[..., list[str]]:
    """Launch instances that already run, in one zone."""

    def launched(count: int = 1, zone: str = "us-east-1a", **more: Any) -> list[str]:
        answer = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=count,
            MaxCount=count,
            Placement={"AvailabilityZone": zone},
            **more,
        )
        emulator.complete_transitions()
        return [instance["InstanceId"] for instance in answer["Instances"]]

    return launched
