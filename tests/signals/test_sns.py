"""An SNS message counts when an allowed topic has signed it, not long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.dialects.signals import Certificate, UnknownShapeError, notified, read_sns, verify
from bridge.dialects.signals.sns import UnverifiedError, check_origin
from bridge.model.moment import MINUTE, Micros
from bridge.model.signal import SignalState
from tests.signals.senders import ALARM, TOPIC, Sns, event, message

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = Micros(int(NOON.timestamp()) * 1_000_000)
SNS = Sns(NOON)
CERTIFICATE = Certificate.parse(SNS.pem)


def check(
    document: dict[str, Any], *, now: Micros = NOW, topics: tuple[str, ...] = (TOPIC,)
) -> Any:
    posted = read_sns(document)
    check_origin(posted, topics, now)
    verify(posted, CERTIFICATE, now)
    return posted


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("inner", [message(), event()])
def test_a_signed_notification_around_an_alarm(version: str, inner: Any) -> None:
    posted = check(SNS.notification(inner, SignatureVersion=version))
    (signal,) = notified(posted, inner)
    assert (signal.value, signal.state) == (ALARM, SignalState.TRIGGERED)
    assert signal.event == (inner.get("id") or posted.id)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_signed_confirmation(version: str, kind: str) -> None:
    assert check(SNS.confirmation(kind, SignatureVersion=version)).type == kind


def test_a_notification_without_a_subject() -> None:
    document = SNS.notification(message())
    del document["Subject"]
    with pytest.raises(UnverifiedError, match="signature"):
        check(document)
    unnamed = SNS._signed({"Type": "Notification", "Message": "{}"}, {})
    assert check(unnamed).type == "Notification"


@pytest.mark.parametrize(
    "member", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
)
def test_a_message_that_was_changed_on_its_way(member: str) -> None:
    document = SNS.notification(message())
    document[member] = {
        "Timestamp": "2026-03-01T12:00:01.000Z",
        "TopicArn": TOPIC + "2",
        "Type": "UnsubscribeConfirmation",
    }.get(member, document[member] + " ")
    with pytest.raises(UnverifiedError, match="signature"):
        check(document, topics=(TOPIC, TOPIC + "2"))


def test_a_signature_of_another_key_or_kind() -> None:
    with pytest.raises(UnverifiedError, match="signature"):
        check(Sns(NOON).notification(message()))
    with pytest.raises(UnverifiedError, match="signature"):
        check({**SNS.notification(message()), "SignatureVersion": "1"})
    for signature in ("no base64!", "\u00e9", ""):
        with pytest.raises(UnverifiedError, match="signature"):
            check({**SNS.notification(message()), "Signature": signature})
    with pytest.raises(ValidationError, match="SignatureVersion"):
        check(SNS.notification(message(), SignatureVersion="1") | {"SignatureVersion": "3"})


def test_a_topic_that_is_not_allowed() -> None:
    with pytest.raises(UnverifiedError, match="FAULTBRIDGE_SIGNAL_TOPICS"):
        check(SNS.notification(message(), TopicArn=TOPIC + "2"))
    with pytest.raises(UnverifiedError, match="FAULTBRIDGE_SIGNAL_TOPICS"):
        check(SNS.notification(message()), topics=())


@pytest.mark.parametrize("minutes", [61, -61])
def test_a_message_of_another_hour(minutes: int) -> None:
    document = SNS.notification(message())
    with pytest.raises(UnverifiedError, match="more than an hour"):
        check(document, now=Micros(NOW + minutes * MINUTE))
    check(document, now=Micros(NOW + (minutes - minutes // 30) * MINUTE))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com.example.org/x.pem",
        "https://example.org/sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com@example.org/x.pem",
        "https://user@sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com:8443/x.pem",
        "https://sns.us-east-1.amazonaws.com/x.pem?y=z",
        "https://sns.us-east-1.amazonaws.com/x.pem#y",
        "https://sns.us-east-1.amazonaws.com/../x.pem",
        "https://sns.us-east-1.amazonaws.com/x.txt",
        "https://sns.us-east-1.amazonaws.com\\@example.org/x.pem",
        "https://sqs.us-east-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com:99999999/x.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_asked_for(url: str) -> None:
    with pytest.raises(UnverifiedError, match="SigningCertURL"):
        check(SNS.notification(message(), SigningCertURL=url))


def test_certificates_of_china_lie_there() -> None:
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"
    check(SNS.notification(message(), SigningCertURL=url))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://example.org/?Action=ConfirmSubscription&TopicArn=" + TOPIC,
        "https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic&TopicArn=" + TOPIC,
        f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}2",
        f"http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}",
    ],
)
def test_only_the_topic_itself_is_confirmed_and_only_at_sns(url: str | None) -> None:
    changes = {} if url is None else {"SubscribeURL": url}
    document = SNS.confirmation(**changes)
    if url is None:
        del document["SubscribeURL"]
    with pytest.raises(UnverifiedError, match="SubscribeURL"):
        check(document)


def test_a_certificate_of_another_time_or_kind() -> None:
    posted = read_sns(SNS.notification(message()))
    with pytest.raises(UnverifiedError, match="not valid now"):
        verify(posted, Certificate.parse(SNS.pem), Micros(NOW + 60 * 24 * 60 * MINUTE))
    late = Sns(NOON + timedelta(days=2))
    with pytest.raises(UnverifiedError, match="not valid now"):
        verify(posted, Certificate.parse(late.pem), NOW)
    with pytest.raises(UnverifiedError, match="no certificate"):
        Certificate.parse(b"<html>")


def test_a_message_of_something_else() -> None:
    posted = check(SNS.notification("hello"))
    with pytest.raises(UnknownShapeError):
        notified(posted, "hello")
