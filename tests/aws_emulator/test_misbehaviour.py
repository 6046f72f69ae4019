"""What the emulator can be told to do wrong, from within the process and from without."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bridge.sandbox.aws import AwsEmulator, Call

Launch = Callable[..., list[str]]


def http(emulator: AwsEmulator, method: str, page: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{emulator.url}/_faultbridge/{page}",
        data=data,
        method=method,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with closing(error):
            return error.code, json.loads(error.read())


def state(ec2: Any, instance: str) -> str:
    (reservation,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    return str(reservation["Instances"][0]["State"]["Name"])


def test_a_failure_hits_so_many_calls_of_one_operation_and_has_no_effect(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    ids = launch()
    emulator.fail(
        service="ec2",
        operation="StopInstances",
        error="RequestLimitExceeded",
        message="Request limit exceeded.",
        status=503,
        times=2,
    )
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            ec2.stop_instances(InstanceIds=ids)
        assert caught.value.response["Error"]["Code"] == "RequestLimitExceeded"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert state(ec2, ids[0]) == "running"
    assert ec2.stop_instances(InstanceIds=ids)["StoppingInstances"]


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("cloudwatch", "describe_alarms"),
        ("sts", "get_caller_identity"),
        ("eks", "list_clusters"),
        ("iam", "list_roles"),
    ],
)
def test_each_service_fails_in_its_own_format(
    emulator: AwsEmulator, connect: Callable[..., Any], service: str, call: str
) -> None:
    emulator.fail(service=service, error="ThrottlingException", status=429)
    with pytest.raises(ClientError) as caught:
        getattr(connect(service), call)()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_lost_reply_has_its_effect(emulator: AwsEmulator, ec2: Any, launch: Launch) -> None:
    ids = launch()
    emulator.lose_reply(service="ec2", operation="StopInstances")
    with pytest.raises(ConnectionClosedError):
        ec2.stop_instances(InstanceIds=ids)
    assert state(ec2, ids[0]) == "stopping"


def test_a_hanging_call_is_let_go_without_effect(
    emulator: AwsEmulator, ec2: Any, launch: Launch
) -> None:
    ids = launch()
    emulator.hang(service="ec2", operation="StopInstances")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ec2.stop_instances, InstanceIds=ids)
        while http(emulator, "GET", "faults")[1]:
            time.sleep(0.005)
        assert state(ec2, ids[0]) == "running"
        assert not hanging.done()
        emulator.behave()
        with pytest.raises(ConnectionClosedError):
            hanging.result(timeout=5)
    assert state(ec2, ids[0]) == "running"


def test_a_delay_comes_before_the_handling(emulator: AwsEmulator, ec2: Any) -> None:
    emulator.delay(service="ec2", seconds=0.2)
    began = time.monotonic()
    ec2.describe_instances()
    assert time.monotonic() - began >= 0.2
    (call,) = emulator.calls
    assert call.total >= 0.2
    assert call.handling < call.total


def test_calls_are_logged_with_who_what_and_how_long(emulator: AwsEmulator, ec2: Any) -> None:
    before = time.time()
    ec2.describe_instances()
    (call,) = emulator.calls
    assert (call.service, call.operation, call.status) == ("ec2", "DescribeInstances", 200)
    assert call.caller == emulator.caller_arn
    assert before <= call.at <= time.time()
    assert 0 < call.handling <= call.total < 5


def test_the_log_is_read_and_emptied_from_another_process(emulator: AwsEmulator, ec2: Any) -> None:
    ec2.describe_instances()
    status, listed = http(emulator, "GET", "calls")
    assert status == 200
    assert [Call(**{**each, "rights": tuple(each["rights"])}) for each in listed] == emulator.calls
    assert http(emulator, "DELETE", "calls")[0] == 200
    assert emulator.calls == []


def test_misbehaviour_is_asked_for_and_taken_back_from_another_process(
    emulator: AwsEmulator, ec2: Any
) -> None:
    wish = {"kind": "fail", "service": "ec2", "error": "Unavailable", "status": 503, "times": 5}
    assert http(emulator, "POST", "faults", wish)[0] == 201
    with pytest.raises(ClientError, match="Unavailable"):
        ec2.describe_instances()
    assert http(emulator, "GET", "faults")[1][0]["times"] == 4
    assert http(emulator, "DELETE", "faults")[0] == 200
    ec2.describe_instances()


@pytest.mark.parametrize(
    ("wish", "words"),
    [({"kind": "explode"}, "kind"), ({"kind": "fail", "times": 0}, "times"), ({"nd": 1}, "nd")],
)
def test_a_wish_that_is_none_is_refused_by_its_field(
    emulator: AwsEmulator, wish: dict[str, Any], words: str
) -> None:
    status, answer = http(emulator, "POST", "faults", wish)
    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize(
    ("service", "call"),
    [("ec2", "describe_store_image_tasks"), ("iam", "get_organizations_access_report")],
)
def test_what_moto_lacks_is_said_and_not_retried(
    emulator: AwsEmulator, connect: Callable[..., Any], service: str, call: str
) -> None:
    arguments = {"JobId": "0" * 36} if service == "iam" else {}
    with pytest.raises(ClientError) as caught:
        getattr(connect(service), call)(**arguments)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert f"does not emulate {service}:" in caught.value.response["Error"]["Message"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_page_that_is_not_there_is_said_so(emulator: AwsEmulator) -> None:
    assert http(emulator, "GET", "nothing")[0] == 404
