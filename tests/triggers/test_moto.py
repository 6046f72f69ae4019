"""Shapes that moto makes, not we: topics and rules into queues, a state machine that waits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from bridge.triggers import aws
from bridge.triggers.aws import callbacks
from tests.docs.pages import blocks
from tests.triggers.conftest import PATIENCE, Bridge, Context, SetRules

ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:carts-latency-high"
Service = Callable[[str], Any]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Clients of moto, in this process; handlers get theirs from there too."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with (
        mock_aws(
            config={
                "core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}},
                "stepfunctions": {"execute_state_machine": True},
            }
        ),
        ExitStack() as clients,
    ):
        made: dict[str, Any] = {}

        def of(name: str) -> Any:
            if name not in made:
                made[name] = clients.enter_context(closing(boto3.client(name)))  # type: ignore[call-overload] # any service's name
            return made[name]

        monkeypatch.setattr(callbacks, "_client", of)
        yield of


def _queue(service: Service, name: str = "experiments") -> tuple[str, str]:
    sqs = service("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, arn["QueueArn"]


def _received(service: Service, url: str, arn: str, patience: float = PATIENCE) -> dict[str, Any]:
    """Return what comes into a queue as an event source mapping hands it over."""
    sqs = service("sqs")
    until = time.monotonic() + patience
    found: list[Any] = []
    while not found and time.monotonic() < until:
        found = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=1
        ).get("Messages", [])
    return {
        "Records": [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one["Attributes"],
                "messageAttributes": {},
                "md5OfBody": one["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "us-east-1",
            }
            for one in found
        ]
    }


def test_an_alarm_through_a_topic_and_a_queue(
    bridge: Bridge, rules: SetRules, service: Service
) -> None:
    template = bridge.template()
    rules(
        {
            "name": "alarm",
            "when": "body.Message.NewStateValue == 'ALARM'",
            "start": {"templateId": template},
        }
    )
    url, arn = _queue(service)
    sns = service("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    alarm = json.dumps({"AlarmArn": ALARM, "NewStateValue": "ALARM"})
    sns.publish(TopicArn=topic, Message=alarm)
    batch = _received(service, url, arn)
    for _ in range(2):
        assert aws.any_event(batch, Context()) == {"batchItemFailures": []}
    # The topic delivers twice: the queue has two messages, of one notification.
    service("sqs").send_message(QueueUrl=url, MessageBody=batch["Records"][0]["body"])
    again = _received(service, url, arn)
    assert again["Records"][0]["messageId"] != batch["Records"][0]["messageId"]
    aws.any_event(again, Context())
    (run,) = bridge.runs_of(template)
    bridge.client.stop(run.id)


def test_an_event_of_a_rule_through_a_queue(
    bridge: Bridge, rules: SetRules, service: Service
) -> None:
    template = bridge.template()
    rules(
        {
            "name": "alarm",
            "when": "body.source == 'shop' && body.detail.released == 'checkout'",
            "start": {"templateId": template},
        }
    )
    url, arn = _queue(service)
    eventbridge = service("events")
    eventbridge.put_rule(Name="released", EventPattern=json.dumps({"source": ["shop"]}))
    eventbridge.put_targets(Rule="released", Targets=[{"Id": "queue", "Arn": arn}])
    entry = {
        "Source": "shop",
        "DetailType": "Released",
        "Detail": json.dumps({"released": "checkout"}),
    }
    eventbridge.put_events(Entries=[entry])
    batch = _received(service, url, arn)
    aws.sqs(batch, Context())
    # As the same event comes straight from EventBridge.
    rules(
        {"name": "alarm", "when": "source == 'shop'", "start": {"templateId": template}},
    )
    event = json.loads(batch["Records"][0]["body"])
    assert event["detail-type"] == "Released"
    aws.eventbridge(event, Context())
    (run,) = bridge.runs_of(template)
    bridge.client.stop(run.id)


def _machine(queue: str) -> dict[str, Any]:
    """The state machine of the documentation; a queue stands for the function."""
    (machine,) = [json.loads(one.text) for one in blocks("json") if '"StartAt"' in one.text]
    task = machine["States"]["Experiment"]
    assert task["Resource"] == "arn:aws:states:::lambda:invoke.waitForTaskToken"
    task["Resource"] = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    payload = task["Parameters"]["Payload"]
    task["Parameters"] = {"QueueUrl": queue, "MessageBody": payload}
    (retry,) = task["Retry"]
    retry["IntervalSeconds"] = 1
    found: dict[str, Any] = machine
    return found


def _execution(service: Service, machine: dict[str, Any], given: dict[str, Any]) -> str:
    states = service("stepfunctions")
    role = "arn:aws:iam::123456789012:role/states"
    made = states.create_state_machine(
        name="experiments", definition=json.dumps(machine), roleArn=role
    )
    started = states.start_execution(
        stateMachineArn=made["stateMachineArn"], name="first", input=json.dumps(given)
    )
    return str(started["executionArn"])


def _came_to(service: Service, execution: str) -> dict[str, Any] | None:
    """Return an execution that has ended."""
    found: dict[str, Any] = service("stepfunctions").describe_execution(executionArn=execution)
    return None if found["status"] == "RUNNING" else found


def test_a_state_machine_waits_for_a_run_over_several_attempts(
    bridge: Bridge, rules: SetRules, service: Service
) -> None:
    template = bridge.template(seconds=2)
    rules({"name": "task", "start": {"templateId": {"from": "input.template"}}})
    url, arn = _queue(service)
    execution = _execution(service, _machine(url), {"template": template})
    payloads: list[dict[str, Any]] = []
    until = time.monotonic() + PATIENCE
    while (ended := _came_to(service, execution)) is None:
        assert time.monotonic() < until
        for record in _received(service, url, arn, patience=0.1)["Records"]:
            payloads.append(json.loads(record["body"]))
            # The first invocation's time is up at once.
            aws.step_functions(payloads[-1], Context(seconds=0 if len(payloads) == 1 else 30))
    assert ended["status"] == "SUCCEEDED"
    (run,) = bridge.runs_of(template)
    assert json.loads(ended["output"])["experimentId"] == run.id
    assert len(payloads) > 1
    assert len({one["id"] for one in payloads}) == 1
    # Lambda invokes the function again, though the task is over: nothing happens.
    aws.step_functions(payloads[-1], Context())
    assert len(bridge.runs_of(template)) == 1


def test_codedeploy_takes_what_it_is_told(
    rules: SetRules, bridge: Bridge, service: Service
) -> None:
    # moto has no hooks: botocore holds the call against the service's model.
    rules({"name": "never", "when": "nothing", "start": {"templateId": "EXT1"}})
    with Stubber(service("codedeploy")) as stub:
        asked = {
            "deploymentId": "d-BPX2FCPVT",
            "lifecycleEventHookExecutionId": "execution",
            "status": "Succeeded",
        }
        stub.add_response(
            "put_lifecycle_event_hook_execution_status",
            {"lifecycleEventHookExecutionId": "execution"},
            asked,
        )
        event = {"DeploymentId": "d-BPX2FCPVT", "LifecycleEventHookExecutionId": "execution"}
        aws.codedeploy(event, Context())
        stub.assert_no_pending_responses()
