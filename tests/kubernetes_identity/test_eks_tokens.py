"""EKS tokens: minted by botocore's presigner, judged by URL alone and against moto's STS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from bridge.sandbox.kubernetes.authentication import (
    EksTokenVerifier,
    TokenAuthenticator,
    moto_secret,
)
from bridge.sandbox.kubernetes.aws_auth import CONFIG_MAP
from bridge.sandbox.kubernetes.estate import manifests
from bridge.sandbox.kubernetes.identity import Identity
from bridge.sandbox.kubernetes.objects import ObjectStore
from iam.eks_token import TokenRefusedError, parse_token

if TYPE_CHECKING:
    from .conftest import Minter

CLUSTER = "shop"
AMAZON_STS = "https://sts.us-east-1.amazonaws.com"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize(
    "endpoint",
    [AMAZON_STS, "https://sts.amazonaws.com", "https://sts.cn-north-1.amazonaws.com.cn"],
)
def test_amazon_hosts_are_accepted(minter: Minter, endpoint: str) -> None:
    request = parse_token(minter.token(endpoint=endpoint), now=now())
    assert request.access_key_id == "AKIAEXAMPLE"


def test_the_sandbox_s_own_endpoint_is_accepted_when_named(minter: Minter) -> None:
    text = minter.token(endpoint="http://127.0.0.1:5000")
    assert parse_token(text, now=now(), local_sts="127.0.0.1:5000").host == "127.0.0.1:5000"
    with pytest.raises(TokenRefusedError, match="unexpected scheme"):
        parse_token(text, now=now())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("whatever", "prefix"),
        ("k8s-aws-v1.", "base64url"),
        ("k8s-aws-v1.abc=", "base64url"),
        ("k8s-aws-v1.gICA", "does not hold a URL"),
        ("k8s-aws-v1." + "A" * 20000, "too large"),
    ],
)
def test_texts_that_are_no_tokens(text: str, reason: str) -> None:
    with pytest.raises(TokenRefusedError, match=reason):
        parse_token(text, now=now())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"endpoint": "https://sts.evil.example"}, "unexpected hostname"),
        ({"endpoint": f"{AMAZON_STS}.evil.example"}, "unexpected hostname"),
        ({"endpoint": "http://sts.amazonaws.com"}, "unexpected scheme"),
        ({"expires": 901}, "X-Amz-Expires"),
    ],
)
def test_signed_requests_that_are_no_tokens(
    minter: Minter, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TokenRefusedError, match=reason):
        parse_token(minter.token(**options), now=now())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: url.replace("/?", "/x?"), "unexpected path"),
        (lambda url: url + "&RoleArn=x", "non-whitelisted query parameter 'RoleArn'"),
        (lambda url: url + "&Action=GetCallerIdentity", "more than once"),
        (lambda url: url.replace("GetCallerIdentity", "AssumeRole"), "action"),
        (lambda url: url.replace("x-k8s-aws-id", "x-other"), "is not signed"),
        (lambda url: url.replace("Expires=60", "Expires=-1"), "X-Amz-Expires"),
        (lambda url: url.replace("X-Amz-Date=2", "X-Amz-Date=x"), "X-Amz-Date"),
        (lambda url: url.replace("sts%2Faws4", "s3%2Faws4"), "not a credential for STS"),
    ],
)
def test_changed_urls(minter: Minter, change: Callable[[str], str], reason: str) -> None:
    url = minter.url()
    assert change(url) != url
    with pytest.raises(TokenRefusedError, match=reason):
        parse_token(minter.wrap(change(url)), now=now())


def test_a_token_lives_for_15_minutes(minter: Minter) -> None:
    text = minter.token(expires=60)
    parse_token(text, now=now() + timedelta(minutes=14))
    with pytest.raises(TokenRefusedError, match="older than 15 minutes"):
        parse_token(text, now=now() + timedelta(minutes=15, seconds=1))


def test_signature_binds_secret_and_cluster(minter: Minter) -> None:
    request = parse_token(minter.token(), now=now())
    assert request.is_signed_with("secret", CLUSTER)
    assert not request.is_signed_with("secret", "other")
    assert not request.is_signed_with("guess", CLUSTER)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


class Cluster:
    """A store with the walk-through's estate, and an authenticator whose STS calls count."""

    def __init__(self, minter: Minter, http: httpx.AsyncClient) -> None:
        self.mint = minter
        self.time = now()
        self.calls = 0
        http.event_hooks["request"].append(self._count)
        self.store = ObjectStore()
        for manifest in manifests("experiment-role"):
            if manifest["kind"] == "ConfigMap":
                self.store.create(CONFIG_MAP, manifest)
        self.authenticate = TokenAuthenticator(
            self.store,
            static_tokens={"admin-token": Identity("admin", groups=("system:masters",))},
            eks=EksTokenVerifier(
                cluster_name=CLUSTER,
                sts_endpoint=minter.sts,
                http=http,
                now=lambda: self.time,
                secret_of=moto_secret,
            ),
        )

    async def _count(self, _request: httpx.Request) -> None:
        self.calls += 1


@pytest.fixture
def cluster(sts_minter: Minter, http: httpx.AsyncClient) -> Cluster:
    return Cluster(sts_minter, http)


@pytest.mark.parametrize("local", [True, False])
async def test_the_walk_through_role_is_recognised(cluster: Cluster, *, local: bool) -> None:
    mint = cluster.mint
    endpoint = mint.sts if local else AMAZON_STS
    identity = await cluster.authenticate(mint.token(mint.assume(), endpoint=endpoint))
    assert identity is not None
    assert identity.username == "chaosmesh-manager"
    assert identity.groups == ("chaosmesh:manager", "system:authenticated")
    assert identity.extra["sessionName"] == ("EXP123",)


async def test_a_token_for_another_cluster_is_refused(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    text = cluster.mint.token(cluster.mint.assume(), cluster="other")
    with caplog.at_level(logging.WARNING):
        assert await cluster.authenticate(text) is None
    assert "x-k8s-aws-id is not 'shop'" in caplog.text
    assert text not in caplog.text
    assert cluster.calls == 0


async def test_an_iam_user_is_mapped_by_map_users(cluster: Cluster) -> None:
    iam = cluster.mint.session().client("iam", endpoint_url=cluster.mint.sts)
    user = iam.create_user(UserName="ann")["User"]
    keys = iam.create_access_key(UserName="ann")["AccessKey"]
    text = cluster.mint.token(cluster.mint.session(keys["AccessKeyId"], keys["SecretAccessKey"]))
    assert await cluster.authenticate(text) is None
    config = cluster.store.get(CONFIG_MAP)
    assert config is not None
    config["data"]["mapUsers"] = f"- {{userarn: {user['Arn']}, username: ann, groups: [team]}}"
    cluster.store.update(CONFIG_MAP, config)
    identity = await cluster.authenticate(text)
    assert identity is not None
    assert (identity.username, identity.groups) == ("ann", ("team", "system:authenticated"))


async def test_an_unmapped_role_is_refused(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert (
            await cluster.authenticate(cluster.mint.token(cluster.mint.assume("stranger"))) is None
        )
    assert "aws-auth has no entry for arn:aws:iam::123456789012:role/stranger" in caplog.text


async def test_a_key_that_nobody_was_given_is_refused(cluster: Cluster) -> None:
    assert await cluster.authenticate(cluster.mint.token()) is None


async def test_aws_auth_is_read_at_each_request(cluster: Cluster) -> None:
    text = cluster.mint.token(cluster.mint.assume())
    assert await cluster.authenticate(text) is not None
    cluster.store.delete(("", "configmaps", "kube-system", "aws-auth"))
    assert await cluster.authenticate(text) is None


async def test_sts_is_asked_once_a_minute(cluster: Cluster) -> None:
    text = cluster.mint.token(cluster.mint.assume())
    await asyncio.gather(*(cluster.authenticate(text) for _ in range(100)))
    for _ in range(100):
        assert await cluster.authenticate(text) is not None
    assert cluster.calls == 1
    cluster.time += timedelta(seconds=61)
    assert await cluster.authenticate(text) is not None
    assert cluster.calls == 2
    cluster.time += timedelta(minutes=15)
    assert await cluster.authenticate(text) is None


async def test_a_waiter_that_gives_up_does_not_harm_the_others(cluster: Cluster) -> None:
    text = cluster.mint.token(cluster.mint.assume())
    first = asyncio.create_task(cluster.authenticate(text))
    second = asyncio.create_task(cluster.authenticate(text))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
    assert cluster.calls == 1


async def test_an_unreachable_sts_refuses(minter: Minter, http: httpx.AsyncClient) -> None:
    verifier = EksTokenVerifier(
        cluster_name=CLUSTER, sts_endpoint="http://127.0.0.1:1", http=http, now=now
    )
    with pytest.raises(TokenRefusedError, match="STS cannot be asked: ConnectError"):
        await verifier.verify(minter.token())


async def test_an_sts_that_refuses_is_believed(minter: Minter) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(403, text="<Error/>"))
    async with httpx.AsyncClient(transport=transport) as client:
        verifier = EksTokenVerifier(
            cluster_name=CLUSTER, sts_endpoint="http://127.0.0.1:1", http=client, now=now
        )
        with pytest.raises(TokenRefusedError, match="STS answered 403"):
            await verifier.verify(minter.token())


async def test_the_replayed_request_is_the_signed_one(minter: Minter) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text="<Arn>arn:a</Arn><UserId>u</UserId><Account>1</Account>")

    url = minter.url()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        verifier = EksTokenVerifier(
            cluster_name=CLUSTER, sts_endpoint="http://127.0.0.1:1", http=client, now=now
        )
        await verifier.verify(minter.wrap(url))
    assert dict(httpx.QueryParams(seen[0].url.query)) == dict(
        httpx.QueryParams(urlsplit(url).query)
    )
    assert seen[0].headers["x-k8s-aws-id"] == CLUSTER
    assert seen[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")


async def test_static_tokens(cluster: Cluster) -> None:
    admin = await cluster.authenticate("admin-token")
    assert admin == Identity("admin", groups=("system:masters", "system:authenticated"))
    assert await cluster.authenticate("admin-token ") is None
    assert await cluster.authenticate("") is None
