"""What an SNS topic posts: notifications and confirmations, each signed.

Facts: signed are some members in the order of their names, each as its name and value on lines of
their own; version 1 signs their SHA-1 hash, version 2 their SHA-256 hash, both with RSA, PKCS #1
v1.5. The certificate lies on ``sns.REGION.amazonaws.com`` (in China ``.amazonaws.com.cn``).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import ConfigDict, Field

from bridge.dialects.signals.cloudwatch import is_message, read_message
from bridge.dialects.signals.fields import Instant, Name, SenderDocument
from bridge.dialects.signals.shapes import read_signals
from bridge.model.moment import Micros, micros, timestamp
from bridge.model.signal import Signal
from bridge.model.wording import quote

OLDEST: Final = timedelta(hours=1)
"""A message that was signed longer ago is refused, as one from the future is: our choice. SNS
itself gives up after an hour at most, so what comes later was recorded and is played again."""

_HOST: Final = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?")
_CERTIFICATE: Final = re.compile(r"/[A-Za-z0-9._-]{1,200}\.pem")
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)


class UnverifiedError(Exception):
    """A message is not what an allowed topic sent; the text says why, and the mend."""


class SnsMessage(SenderDocument):
    """A message as it was posted; nothing in it is true before `verify` has passed."""

    model_config = ConfigDict(alias_generator=None)

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] = Field(
        alias="Type"
    )
    id: Name = Field(alias="MessageId")
    topic: Name = Field(alias="TopicArn")
    message: str = Field(alias="Message", max_length=300_000)
    timestamp: Instant = Field(alias="Timestamp")
    signature_version: Literal["1", "2"] = Field(alias="SignatureVersion")
    signature: str = Field(alias="Signature", max_length=4096)
    certificate_url: str = Field(alias="SigningCertURL", max_length=2048)
    subscribe_url: str | None = Field(default=None, alias="SubscribeURL", max_length=4096)
    document: dict[str, Any] = Field(default_factory=dict, repr=False)

    def signed(self) -> bytes:
        """Return the bytes that were signed."""
        names = _NOTIFICATION if self.type == "Notification" else _CONFIRMATION
        parts = [(name, self.document.get(name)) for name in names]
        return "".join(f"{name}\n{value}\n" for name, value in parts if value is not None).encode()


@dataclass(frozen=True)
class Certificate:
    """The key that a topic's messages are signed with, and while it is valid."""

    key: rsa.RSAPublicKey
    begins: Micros
    ends: Micros

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """Read a certificate in PEM. Raises UnverifiedError."""
        try:
            found = x509.load_pem_x509_certificate(pem)
            key = found.public_key()
        except ValueError:
            raise UnverifiedError("what SigningCertURL answers is no certificate") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise UnverifiedError("the signing certificate's key is not an RSA key")
        epoch = timestamp(Micros(0))
        return cls(
            key,
            micros(found.not_valid_before_utc - epoch),
            micros(found.not_valid_after_utc - epoch),
        )


def is_sns(document: Any) -> bool:
    """Say whether a document is meant as an SNS message."""
    return isinstance(document, dict) and "TopicArn" in document and "Type" in document


def read_sns(document: dict[str, Any]) -> SnsMessage:
    """Read a message. Raises pydantic's ValidationError."""
    return SnsMessage.model_validate({**document, "document": document})


def check_origin(message: SnsMessage, topics: tuple[str, ...], now: Micros) -> None:
    """Refuse what cannot be verified, before anything is fetched. Raises UnverifiedError.

    Everything that is asked over the network for a message lies on a host of SNS.
    """
    if message.topic not in topics:
        raise UnverifiedError(
            f"the topic {quote(message.topic)} is not allowed to send signals; "
            "add its ARN to FAULTBRIDGE_SIGNAL_TOPICS"
        )
    age = now - micros(message.timestamp - timestamp(Micros(0)))
    if abs(age) > micros(OLDEST):
        raise UnverifiedError(
            "the message was sent more than an hour before or after the bridge's time; "
            "check the clock, else it is an old message played again"
        )
    if not _on_sns(message.certificate_url, _CERTIFICATE):
        raise UnverifiedError(
            "SigningCertURL is not the https URL of a .pem file on sns.REGION.amazonaws.com"
        )
    if message.type == "SubscriptionConfirmation":
        url = message.subscribe_url or ""
        asked = parse_qs(urlsplit(url).query)
        confirms = asked.get("Action") == ["ConfirmSubscription"]
        if not (_on_sns(url) and confirms and asked.get("TopicArn") == [message.topic]):
            raise UnverifiedError(
                "SubscribeURL is not the https URL that confirms this topic on "
                "sns.REGION.amazonaws.com"
            )


def verify(message: SnsMessage, certificate: Certificate, now: Micros) -> None:
    """Raise UnverifiedError unless the message was signed with the certificate's key."""
    if not certificate.begins <= now <= certificate.ends:
        raise UnverifiedError("the signing certificate is not valid now; check the clock")
    try:
        certificate.key.verify(
            base64.b64decode(message.signature, validate=True),
            message.signed(),
            padding.PKCS1v15(),
            _HASHES[message.signature_version](),
        )
    except (InvalidSignature, ValueError):  # or no base64
        raise UnverifiedError(
            "the signature does not fit the message; was it changed on its way?"
        ) from None


def notified(message: SnsMessage, document: Any) -> list[Signal]:
    """Return the signals of a verified notification whose message was read as ``document``.

    Raises UnknownShapeError or ValidationError.
    """
    if isinstance(document, dict) and is_message(document):
        return read_message(document, event=message.id)
    return read_signals(document)


def _on_sns(url: str, path: re.Pattern[str] | None = None) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and url.isascii()
        and url.isprintable()
        and _HOST.fullmatch(parts.netloc) is not None
        and port is None
        and not parts.fragment
        and (path is None or (path.fullmatch(parts.path) is not None and not parts.query))
    )
