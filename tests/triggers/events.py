"""Events as AWS writes them down in its documentation, with values of our own.

The pages are named beside each; members that no rule would look at are left out of long ones.
"""

from __future__ import annotations

import json
from typing import Any

ALARM_ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:carts-latency-high"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:experiments"


def alarm_state_change(
    value: str = "ALARM", identity: str = "c4c1c1c9-6542-e61b"
) -> dict[str, Any]:
    """CloudWatch user guide, "Alarm events and EventBridge"."""
    return {
        "version": "0",
        "id": identity,
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2026-11-20T09:00:01Z",
        "region": "us-east-1",
        "resources": [ALARM_ARN],
        "detail": {
            "alarmName": "carts-latency-high",
            "state": {
                "value": value,
                "reason": "Threshold Crossed: 1 datapoint was greater than the threshold",
                "timestamp": "2026-11-20T09:00:01.000+0000",
            },
            "previousState": {"value": "OK", "timestamp": "2026-11-20T08:00:01.000+0000"},
        },
    }


def alarm_action(value: str = "ALARM", at: str = "2026-11-20T09:00:01.000+0000") -> dict[str, Any]:
    """CloudWatch user guide, "Invoke a Lambda function from an alarm"."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": ALARM_ARN,
        "accountId": "123456789012",
        "time": at,
        "region": "us-east-1",
        "alarmData": {
            "alarmName": "carts-latency-high",
            "state": {"value": value, "reason": "test", "timestamp": at},
            "previousState": {"value": "OK"},
        },
    }


def scheduled(identity: str = "53dc4d37-cffa-4f76") -> dict[str, Any]:
    """EventBridge user guide, "Creating a rule that runs on a schedule"."""
    return {
        "version": "0",
        "id": identity,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-20T02:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/nightly"],
        "detail": {},
    }


def scheduler(time: str = "2026-11-20T02:00:00Z") -> dict[str, Any]:
    """EventBridge Scheduler: the input is the user's own; its keywords are replaced."""
    return {
        "schedule": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly",
        "scheduledTime": time,
    }


def notifications(*messages: Any, identity: str = "95df01b4-ee98-5cb9") -> dict[str, Any]:
    """Lambda developer guide, "Using Lambda with Amazon SNS"."""
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{TOPIC}:21be56ed-a058-49f5",
                "EventSource": "aws:sns",
                "Sns": {
                    "SignatureVersion": "1",
                    "Timestamp": "2026-11-20T09:00:02.000Z",
                    "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa==",
                    "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/cert.pem",
                    "MessageId": f"{identity}-{number}",
                    "Message": message if isinstance(message, str) else json.dumps(message),
                    "MessageAttributes": {},
                    "Type": "Notification",
                    "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/",
                    "TopicArn": TOPIC,
                    "Subject": None,
                },
            }
            for number, message in enumerate(messages)
        ]
    }


def alarm_message(value: str = "ALARM") -> dict[str, Any]:
    """CloudWatch user guide: what an alarm publishes to SNS."""
    return {
        "AlarmName": "carts-latency-high",
        "AlarmArn": ALARM_ARN,
        "NewStateValue": value,
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2026-11-20T09:00:01.000+0000",
    }


def messages(*bodies: Any, group: str | None = None) -> dict[str, Any]:
    """Lambda developer guide, "Using Lambda with Amazon SQS": of a standard or a FIFO queue."""
    fifo = {} if group is None else {"MessageGroupId": group, "SequenceNumber": "1884984883"}
    return {
        "Records": [
            {
                "messageId": f"059f36b4-87a3-44ab-{number}",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1545082649183",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1545082649185",
                    **fifo,
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE,
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def request_v2(method: str = "POST", body: str | None = None, **headers: str) -> dict[str, Any]:
    """API Gateway developer guide, payload format 2.0; function URLs use it too."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/experiments",
        "rawQueryString": "dry=1",
        "headers": {"content-type": "application/json", **headers},
        "queryStringParameters": {"dry": "1"},
        "requestContext": {
            "accountId": "123456789012",
            "domainName": "abc.execute-api.us-east-1.amazonaws.com",
            "http": {
                "method": method,
                "path": "/experiments",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def request_v1(method: str = "POST", body: str | None = None, **headers: str) -> dict[str, Any]:
    """API Gateway developer guide, payload format 1.0: REST APIs."""
    return {
        "version": "1.0",
        "resource": "/experiments",
        "path": "/experiments",
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", **headers},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "requestContext": {
            "accountId": "123456789012",
            "httpMethod": method,
            "path": "/test/experiments",
            "requestId": "id-1",
            "stage": "test",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def hook(execution: str = "eyJlbmNyeXB0ZWREYXRhIjoi") -> dict[str, Any]:
    """CodeDeploy user guide, "AppSpec 'hooks' section": all that a hook's function is given."""
    return {"DeploymentId": "d-BPX2FCPVT", "LifecycleEventHookExecutionId": execution}
