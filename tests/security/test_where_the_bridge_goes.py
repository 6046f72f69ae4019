"""Whatever URL a caller, a cloud or a cluster names: the bridge goes where it may, or nowhere.

What each client may be led by is tested where it is: STS hosts of tokens in
`tests/authentication/test_role_tokens`, issuers' keys in `test_issuer_keys`, links of Azure in
`tests/azure_faults/test_sessions`, redirects of clusters in `tests/kubernetes_faults`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.api.fetching import LARGEST_ANSWER, FetchError, HttpsFetch
from bridge.authentication_settings import AuthenticationSettings
from bridge.dialects.signals.sns import UnverifiedError, check_origin, read_sns
from bridge.model.moment import Micros, timestamp
from providers.contract import ProviderError
from providers.kubernetes.eks import ClusterArn, EksClusters

ROOT = Path(__file__).parents[2]
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
METADATA = (
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/x.pem",
    "http://[fd00:ec2::254]/x.pem",
    "http://metadata.google.internal/computeMetadata/v1/x.pem",
    "http://127.0.0.1:8474/x.pem",
    "https://localhost/x.pem",
    "https://kubernetes.default.svc/x.pem",
)
LOOKALIKES = (
    "https://sns.us-east-1.amazonaws.com@169.254.169.254/x.pem",
    "https://169.254.169.254/sns.us-east-1.amazonaws.com/x.pem",
    "https://169.254.169.254#sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
    "https://evil.example\\.sns.us-east-1.amazonaws.com/x.pem",
    "https://evil-sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com:8080/x.pem",
    "http://sns.us-east-1.amazonaws.com/x.pem",
    "HTTPS://SNS.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem/%2e%2e/y?Action=Publish",
    "https://sns.us-east-1.amazonaws.com/x.pem?Action=Publish",
    "https://bucket.s3.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem\r\nHost: evil.example",
    "gopher://sns.us-east-1.amazonaws.com/x.pem",
    "//sns.us-east-1.amazonaws.com/x.pem",
    "",
)
NOW = Micros(1_790_000_000_000_000)


def message(**members: str) -> Any:
    document = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "id",
        "TopicArn": TOPIC,
        "Message": "confirm",
        "Timestamp": timestamp(NOW).isoformat(),
        "SignatureVersion": "2",
        "Signature": "x",
        "Token": "t",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/x.pem",
        "SubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"
        f"&TopicArn={TOPIC}&Token=t",
    }
    return read_sns({**document, **members})


@pytest.mark.parametrize("url", [*METADATA, *LOOKALIKES])
@pytest.mark.parametrize("member", ["SigningCertURL", "SubscribeURL"])
def test_a_message_of_a_topic_leads_to_sns_only(member: str, url: str) -> None:
    check_origin(message(), (TOPIC,), NOW)  # as it should be
    if member == "SubscribeURL":
        url = f"{url}{'&' if '?' in url else '?'}Action=ConfirmSubscription&TopicArn={TOPIC}"
    with pytest.raises(UnverifiedError, match=member):
        check_origin(message(**{member: url}), (TOPIC,), NOW)


async def test_a_fetch_follows_no_redirect_and_reads_no_more_than_a_certificate() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path == "/large":
            return httpx.Response(200, content=b"x" * (LARGEST_ANSWER + 1))
        return httpx.Response(302, headers={"location": METADATA[0]}, text="secret")

    fetch = HttpsFetch(httpx.MockTransport(answer))
    with pytest.raises(FetchError, match="it answered 302") as caught:
        await fetch("https://sns.us-east-1.amazonaws.com/x.pem")
    assert "secret" not in str(caught.value)
    with pytest.raises(FetchError, match="more than 65536 bytes"):
        await fetch("https://sns.us-east-1.amazonaws.com/large")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "endpoint", ["http://169.254.169.254/", "http://shop.eks.amazonaws.com", "file:///etc/passwd"]
)
async def test_no_token_goes_to_a_cluster_in_the_clear(endpoint: str) -> None:
    class Aws:
        async def session(self, *_: object) -> Any:
            return self

        async def call(self, *_: object, **__: object) -> Any:
            data = b64encode(b"a certificate").decode()
            return {"cluster": {"endpoint": endpoint, "certificateAuthority": {"data": data}}}

    aws: Any = Aws()
    cluster = ClusterArn.parse("arn:aws:eks:us-east-1:123456789012:cluster/shop")
    assert cluster is not None
    with pytest.raises(ProviderError, match="no https URL"):
        await EksClusters(aws, "test").address(cluster)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://metadata.google.internal",
        "http://sts.example.com",
        "https://user:word@sts.example.com",
        "ftp://127.0.0.1",
    ],
)
def test_the_settings_themselves_name_no_place_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="write an https URL, or an http one on loopback"):
        AuthenticationSettings(sts_endpoint=url)


GOES: dict[str, str] = {
    "bridge/api/fetching.py": "what a message of SNS names, which is checked to be SNS's",
    "bridge/client/client.py": "the bridge that the caller of a command names",
    "iam/jwks.py": "issuers of the settings, and the keys that they name, by https",
    "iam/role_tokens.py": "the STS of a Region",
    "iam/unlogged.py": "what carries the requests of role_tokens",
}
"""Modules that open connections of their own, and what they go to; all else is a cloud's SDK."""


def test_nothing_else_opens_connections_of_its_own() -> None:
    assert set(_clients()) == set(GOES)


def _clients() -> Iterator[str]:
    opens = re.compile(
        r"\b(AsyncClient|httpx\.Client|AsyncHTTPTransport|ClientSession|urlopen|HTTPSConnection)\("
    )
    for room in ("bridge", "iam", "rbac", "providers"):
        for path in (ROOT / room).rglob("*.py"):
            # The sandbox goes to its own emulators, a command to the bridge that its user names.
            if not {"sandbox", "cli"} & set(path.parts) and opens.search(path.read_text()):
                yield path.relative_to(ROOT).as_posix()
