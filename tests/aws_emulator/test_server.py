"""Starting and stopping, and what clients need to know."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from bridge.sandbox.aws import AwsEmulator


@contextmanager
def ec2_of(emulator: AwsEmulator) -> Iterator[Any]:
    own = emulator.environment()
    client = boto3.client(
        "ec2",
        endpoint_url=own["AWS_ENDPOINT_URL"],
        region_name=own["AWS_REGION"],
        aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    with closing(client):
        yield client


def launch(ec2: Any) -> str:
    answer = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    return str(answer["Instances"][0]["InstanceId"])


def test_stopping_leaves_no_thread_although_a_client_stays_connected() -> None:
    before = set(threading.enumerate())
    emulator = AwsEmulator().start()
    with ec2_of(emulator) as ec2:
        ec2.describe_instances()
        emulator.stop()
        assert set(threading.enumerate()) == before
    emulator.stop()


def test_stopping_lets_a_hanging_call_go() -> None:
    with AwsEmulator() as emulator, ec2_of(emulator) as ec2, ThreadPoolExecutor(1) as pool:
        emulator.hang(operation="DescribeInstances")
        hanging = pool.submit(ec2.describe_instances)
        while emulator._running.misbehaviours.waiting():
            time.sleep(0.005)
        emulator.stop()
        with pytest.raises(ConnectionClosedError):
            hanging.result(timeout=5)


def test_each_start_begins_with_an_empty_account_on_the_given_port() -> None:
    emulator = AwsEmulator()
    with emulator, ec2_of(emulator) as ec2:
        launch(ec2)
        port = int(emulator.url.rsplit(":", 1)[1])
    again = AwsEmulator(port=port)
    with again, ec2_of(again) as ec2:
        assert again.url.endswith(f":{port}")
        assert ec2.describe_instances()["Reservations"] == []
        assert again.calls[0].operation == "DescribeInstances"


def test_a_second_emulator_in_the_process_is_refused() -> None:
    with AwsEmulator(), pytest.raises(RuntimeError, match="already runs"):
        AwsEmulator().start()
    with AwsEmulator() as emulator:
        assert emulator.url


def test_a_taken_port_is_an_error_and_leaves_nothing_behind() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
        pytest.raises(OSError, match="in use"),
    ):
        AwsEmulator(port=taken.getsockname()[1]).start()
    with AwsEmulator() as emulator:
        assert emulator.url


def test_what_needs_a_started_emulator_says_so() -> None:
    emulator = AwsEmulator()
    emulator.stop()
    with pytest.raises(RuntimeError, match="not started"):
        _ = emulator.url
    with pytest.raises(RuntimeError, match="not started"):
        _ = emulator.calls


def test_on_the_machines_clock_an_instance_comes_up_by_itself() -> None:
    with AwsEmulator(transition_seconds=0.05) as emulator, ec2_of(emulator) as ec2:
        instance = launch(ec2)
        deadline = time.monotonic() + 5
        states = []
        while "running" not in states and time.monotonic() < deadline:
            (reservation,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
            states.append(reservation["Instances"][0]["State"]["Name"])
        assert states[-1] == "running"


def test_permissions_can_be_left_out() -> None:
    with AwsEmulator(permissions=False) as emulator, ec2_of(emulator) as ec2:
        own = emulator.environment()
        keys: dict[str, Any] = {
            "endpoint_url": emulator.url,
            "region_name": emulator.region,
            "aws_access_key_id": own["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": own["AWS_SECRET_ACCESS_KEY"],
        }
        trust = (
            '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", '
            '"Principal": {"Service": "fis.amazonaws.com"}}}'
        )
        with (
            closing(boto3.client("iam", **keys)) as iam,
            closing(boto3.client("sts", **keys)) as sts,
        ):
            arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
            given = sts.assume_role(RoleArn=arn, RoleSessionName="EXP1")["Credentials"]
        instance = launch(ec2)
        emulator.complete_transitions()
        session = boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "us-east-1"
        )
        with closing(session.client("ec2", endpoint_url=emulator.url)) as limited:
            assert limited.stop_instances(InstanceIds=[instance])["StoppingInstances"]


@pytest.mark.skipif(
    not (Path(sys.executable).with_name("aws").exists() or shutil.which("aws")),
    reason="the AWS CLI is not installed",
)
def test_the_aws_cli_works_with_the_environment_alone() -> None:
    beside = Path(sys.executable).with_name("aws")
    command = [str(beside)] if beside.exists() else ["aws"]
    with AwsEmulator() as emulator:
        answer = subprocess.run(
            [*command, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **emulator.environment()},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert answer.stdout.strip() == AwsEmulator.caller_arn
