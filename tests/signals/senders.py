"""What each monitoring system posts, with names that the tests choose; and a topic that signs."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:carts-slow"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
RULE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/carts"
    "/providers/Microsoft.Insights/metricAlerts/carts-slow"
)
POLICY = "projects/carts-prod/alertPolicies/12942885046098191375"
DOWN = 'ALERTS{alertname="CartsDown",severity="critical"}'


def event(state: str = "ALARM", *, alarm: str = ALARM, **changes: Any) -> dict[str, Any]:
    """Return an alarm's state change as EventBridge sends it."""
    return {
        "version": "0",
        "id": "2d5f3a3e-1111-4222-8333-444455556666",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2026-03-01T10:00:00Z",
        "region": "us-east-1",
        "resources": [alarm],
        "detail": {
            "alarmName": alarm.rpartition(":")[2],
            "state": {
                "value": state,
                "reason": "p99 is 900 ms",
                "timestamp": "2026-03-01T10:00:00.250+0000",
            },
            "previousState": {"value": "OK"},
        },
        **changes,
    }


def message(state: str = "ALARM", *, alarm: str = ALARM) -> dict[str, Any]:
    """Return what an alarm sends to a topic."""
    return {
        "AlarmName": alarm.rpartition(":")[2],
        "AlarmDescription": None,
        "AWSAccountId": "123456789012",
        "NewStateValue": state,
        "NewStateReason": "p99 is 900 ms",
        "StateChangeTime": "2026-03-01T10:00:00.250+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": alarm,
        "OldStateValue": "OK",
        "Trigger": {"MetricName": "Latency", "Dimensions": []},
    }


def alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    """Return one alert of Alertmanager."""
    return {
        "status": status,
        "labels": {"alertname": "CartsDown", "severity": "critical", **labels},
        "annotations": {"summary": "carts do not answer"},
        "startsAt": "2026-03-01T10:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": "1a30ba71cca2921f",
    }


def webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    """Return Alertmanager's post of some alerts."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="CartsDown"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "faultbridge",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts or (alert(),)),
    }


def azure(condition: str = "Fired", *, number: int = 1, rule: str | None = None) -> dict[str, Any]:
    """Return an alert in the common schema; with ``rule`` it carries the rule's id."""
    subscription = RULE.split("/")[2]
    ids = {"alertRuleID": rule} if rule else {}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"/subscriptions/{subscription}/providers/"
                f"Microsoft.AlertsManagement/alerts/{number}",
                "alertRule": "carts-slow",
                "severity": "Sev1",
                "signalType": "Metric",
                "monitorCondition": condition,
                "monitoringService": "Platform",
                "alertTargetIDs": [f"/subscriptions/{subscription}/resourcegroups/carts"],
                "firedDateTime": "2026-03-01T10:00:00.3713213Z",
                "resolvedDateTime": "2026-03-01T10:05:00.2246313Z",
                "description": "the carts are slow",
                "essentialsVersion": "1.0",
                "alertContextVersion": "1.0",
                **ids,
            },
            "alertContext": {"properties": None, "condition": {"allOf": []}},
        },
    }


def google(state: str = "open", *, incident: str = "0.abc", policy: str = POLICY) -> dict[str, Any]:
    """Return an incident as Google Cloud Monitoring sends it."""
    return {
        "version": "1.2",
        "incident": {
            "incident_id": incident,
            "scoping_project_id": "carts-prod",
            "scoping_project_number": 292209335709,
            "url": "https://console.cloud.google.com/monitoring/alerting/alerts/0.abc",
            "started_at": 1772359200,
            "ended_at": None if state == "open" else 1772359500,
            "state": state,
            "summary": "latency is above 500 ms",
            "condition": {
                "name": f"{policy}/conditions/7238353791745156150",
                "displayName": "slow",
                "conditionThreshold": {"thresholdValue": 0.5},
            },
            "condition_name": "slow",
            "policy_name": "carts are slow",
            "resource": {"type": "gce_instance", "labels": {}},
        },
    }


class Sns:
    """A topic with a key and certificate of its own."""

    CERTIFICATE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"
    MEMBERS = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token")

    def __init__(self, now: datetime, *, valid: timedelta = timedelta(days=30)) -> None:
        self.now = now
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + valid)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def notification(self, inner: Any, **changes: Any) -> dict[str, Any]:
        """Return a signed notification around a document."""
        text = inner if isinstance(inner, str) else json.dumps(inner)
        return self._signed({"Type": "Notification", "Subject": "ALARM", "Message": text}, changes)

    def confirmation(self, kind: str = "SubscriptionConfirmation", **changes: Any) -> Any:
        """Return a signed confirmation of a subscription, or of its end."""
        topic = changes.get("TopicArn", TOPIC)
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": "t" * 64})
        base = {
            "Type": kind,
            "Token": "t" * 64,
            "Message": "You have chosen to subscribe.",
            "SubscribeURL": f"https://sns.us-east-1.amazonaws.com/?{query}",
        }
        return self._signed(base, changes)

    def _signed(self, base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        document = {
            "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
            "TopicArn": TOPIC,
            "Timestamp": self.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": "2",
            "SigningCertURL": self.CERTIFICATE,
            **base,
            **changes,
        }
        # The order of the names is SNS's own: alphabetical.
        signed = sorted({*self.MEMBERS, "TopicArn", "Type"} & document.keys())
        text = "".join(f"{name}\n{document[name]}\n" for name in signed)
        kind = hashes.SHA1 if document["SignatureVersion"] == "1" else hashes.SHA256
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), kind())
        return {**document, "Signature": base64.b64encode(signature).decode()}
