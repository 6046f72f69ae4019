"""Tokens of service accounts: a cluster says whose they are, over real HTTP and TLS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bridge.sandbox.kubernetes.authorization import RbacAuthorizer
from bridge.sandbox.kubernetes.identity import API_AUDIENCE, Attributes, Decision, Identity
from bridge.sandbox.kubernetes.server import KubernetesEmulator
from bridge.settings import Settings
from iam.principal import Principal
from iam.refusals import CannotTellError, NotAuthenticatedError
from iam.token_review import IN_CLUSTER, TokenReview
from tests.authentication.conftest import Bridge

OURS = "faultbridge"
ACCOUNT = "system:serviceaccount:chaos:runner"
GROUPS = ("system:serviceaccounts", "system:serviceaccounts:chaos")


@dataclass
class Cluster:
    """An emulated cluster, with the tokens that it knows."""

    emulator: KubernetesEmulator
    tokens: dict[str, Identity]
    asked: list[str]

    def kubeconfig(self, path: Path, user: str = "bridge") -> str:
        """Write a kubeconfig; return the name of its context."""
        document = self.emulator.kubeconfig(user)
        path.write_text(yaml.safe_dump(document))
        context: str = document["current-context"]
        return context


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with _emulated() as found:
        yield found


@asynccontextmanager
async def _emulated() -> AsyncIterator[Cluster]:
    tokens = {
        "bridge": Identity("system:serviceaccount:faultbridge:bridge"),
        "runner": Identity(ACCOUNT, groups=GROUPS, audiences=(OURS, "another")),
        "for-the-cluster": Identity(ACCOUNT, groups=GROUPS),
        "for-another": Identity(ACCOUNT, groups=GROUPS, audiences=("another",)),
        "human": Identity("alice", groups=("developers",), audiences=(OURS,)),
        "human-of-two-words": Identity("chaos:runner", audiences=(OURS,)),
        "odd": Identity("system:serviceaccount:chaos:run:ner", audiences=(OURS,)),
        "odder": Identity("system:serviceaccount::", audiences=(OURS,)),
    }
    asked: list[str] = []
    rbac: list[RbacAuthorizer] = []

    async def authenticate(token: str) -> Identity | None:
        asked.append(token)
        return tokens.get(token)

    def authorize(identity: Identity, attributes: Attributes) -> Decision:
        return rbac[0](identity, attributes)

    emulator = KubernetesEmulator(authenticate=authenticate, authorize=authorize)
    rbac.append(RbacAuthorizer(emulator.store))
    for manifest in _grants():
        emulator.install(manifest)
    async with emulator:
        yield Cluster(emulator, tokens, asked)


def _grants() -> list[dict[str, Any]]:
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"]}
    subject = {"kind": "ServiceAccount", "name": "bridge", "namespace": "faultbridge"}
    return [
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "reviews-tokens"},
            "rules": [{**rule, "verbs": ["create"]}],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "bridge-reviews-tokens"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reviews-tokens"},
            "subjects": [subject],
        },
    ]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfig"


@pytest.fixture
async def review(cluster: Cluster, kubeconfig: Path) -> AsyncIterator[TokenReview]:
    found = TokenReview(cluster.kubeconfig(kubeconfig), OURS, kubeconfig=kubeconfig)
    yield found
    await found.close()


async def test_a_service_account_is_who_its_cluster_says(
    review: TokenReview, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    principal = await review.principal("runner", may_ask=True)
    assert principal == Principal(
        kind="service-account", name=ACCOUNT, groups=GROUPS, issuer=review._cluster
    )
    assert '"runner"' not in caplog.text
    before = len(cluster.asked)
    await asyncio.gather(*(review.principal("runner", may_ask=False) for _ in range(5)))
    assert len(cluster.asked) == before


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("nobody", "does not vouch for the token"),
        ("for-the-cluster", f"kubectl create token NAME --audience {OURS}"),
        ("for-another", "does not vouch for the token"),
        ("human", "not of a service account"),
        ("human-of-two-words", "not of a service account"),
        ("odd", "not of a service account"),
        ("odder", "not of a service account"),
    ],
)
async def test_other_tokens_are_refused(review: TokenReview, token: str, words: str) -> None:
    with pytest.raises(NotAuthenticatedError) as refused:
        await review.principal(token, may_ask=True)
    assert words in str(refused.value)
    assert str(review._cluster) not in str(refused.value)


async def test_a_cluster_that_knows_no_audiences_vouches_for_nothing(
    review: TokenReview, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[dict[str, Any]] = [
        {"status": {"authenticated": True, "user": {"username": ACCOUNT}}},
        {"status": {"authenticated": True, "user": {"username": ACCOUNT}, "audiences": ["x"]}},
        {"status": {"authenticated": "yes", "user": {"username": ACCOUNT}, "audiences": [OURS]}},
        {"status": []},
        {},
    ]
    for answer in answers:
        with pytest.raises(NotAuthenticatedError):
            review._judge(answer)


async def test_a_bridge_that_may_not_ask_says_try_again_and_logs_the_mend(
    cluster: Cluster, kubeconfig: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for token in ("human", "stranger"):  # 403 and 401
        context = cluster.kubeconfig(kubeconfig, token)
        review = TokenReview(context, OURS, kubeconfig=kubeconfig)
        with pytest.raises(CannotTellError, match="cannot be asked; try again later"):
            await review.principal("runner", may_ask=True)
        await review.close()
    assert "system:auth-delegator" in caplog.text
    assert "runner" not in caplog.text


async def test_a_renewed_kubeconfig_is_read_again(cluster: Cluster, kubeconfig: Path) -> None:
    cluster.tokens["old"] = cluster.tokens["bridge"]
    context = cluster.kubeconfig(kubeconfig, "old")
    review = TokenReview(context, OURS, kubeconfig=kubeconfig)
    await review.principal("runner", may_ask=True)
    del cluster.tokens["old"]
    cluster.kubeconfig(kubeconfig, "bridge")
    cluster.tokens["second"] = cluster.tokens["runner"]
    assert (await review.principal("second", may_ask=True)).name == ACCOUNT
    await review.close()


async def test_a_context_that_leads_elsewhere_is_followed(
    cluster: Cluster, kubeconfig: Path
) -> None:
    """The token of the new place is shown to nobody else."""
    async with _emulated() as other:
        context = cluster.kubeconfig(kubeconfig)
        review = TokenReview(context, OURS, kubeconfig=kubeconfig)
        await review.principal("runner", may_ask=True)
        del cluster.tokens["bridge"]
        other.tokens["new"] = other.tokens["bridge"]
        other.tokens["second"] = other.tokens["runner"]
        assert other.kubeconfig(kubeconfig, "new") == context
        assert (await review.principal("second", may_ask=True)).name == ACCOUNT
        assert "new" not in cluster.asked
        await review.close()


async def test_a_cluster_that_is_away_or_was_never_there(kubeconfig: Path) -> None:
    for context in ("nowhere", IN_CLUSTER):
        review = TokenReview(context, OURS, kubeconfig=kubeconfig)
        with pytest.raises(CannotTellError):
            await review.principal("runner", may_ask=True)
        await review.close()


async def test_the_emulator_looks_at_audiences_as_the_api_server_does(cluster: Cluster) -> None:
    async with httpx.AsyncClient(verify=False) as client:  # noqa: S501 - a throw-away CA on loopback
        client.headers["authorization"] = "Bearer bridge"
        for spec, audiences in (
            ({"token": "runner"}, None),
            ({"token": "runner", "audiences": ["x", OURS]}, [OURS]),
            ({"token": "for-the-cluster"}, [API_AUDIENCE]),
            ({"token": "for-the-cluster", "audiences": [OURS]}, None),
        ):
            answer = await client.post(
                f"{cluster.emulator.url}/apis/authentication.k8s.io/v1/tokenreviews",
                json={
                    "apiVersion": "authentication.k8s.io/v1",
                    "kind": "TokenReview",
                    "spec": spec,
                },
            )
            found = answer.json()["status"]
            assert (found["authenticated"], found.get("audiences")) == (
                audiences is not None,
                audiences,
            )


@pytest.fixture
def settings(tmp_path: Path, cluster: Cluster, kubeconfig: Path) -> Settings:
    return Settings(
        installation="test",
        data=tmp_path / "data",
        token_review=cluster.kubeconfig(kubeconfig),
        kubeconfig=kubeconfig,
    )


async def test_a_service_account_s_token_opens_the_door(
    bridge: Bridge, http: httpx.AsyncClient
) -> None:
    for path, refused in (("/v1/experiments", 401), ("/experiments", 403)):
        right = {"authorization": "Bearer runner"}
        assert (await http.get(path, headers=right)).status_code == 200
        wrong = {"authorization": "Bearer for-the-cluster"}
        assert (await http.get(path, headers=wrong)).status_code == refused


@pytest.mark.real_cluster
async def test_a_real_cluster_vouches_for_its_service_accounts(real_kubeconfig: Path) -> None:
    review = TokenReview("admin", OURS, kubeconfig=real_kubeconfig)
    await review._connected()
    assert review._connection is not None
    connection = review._connection

    async def post(path: str, body: object) -> dict[str, Any]:
        return (
            await connection.server.request(
                "POST", path, authorization=connection.authorization, body=body
            )
        ).body

    await post(
        "/api/v1/namespaces/default/serviceaccounts",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "token-review"}},
    )

    async def token(*audiences: str) -> str:
        made = await post(
            "/api/v1/namespaces/default/serviceaccounts/token-review/token",
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"audiences": list(audiences)},
            },
        )
        return str(made["status"]["token"])

    principal = await review.principal(await token(OURS), may_ask=True)
    assert principal.name == "system:serviceaccount:default:token-review"
    assert "system:serviceaccounts:default" in principal.groups
    for wrong in (await token("another"), await token(), "devtoken", "nobody"):
        with pytest.raises(NotAuthenticatedError):
            await review.principal(wrong, may_ask=True)
    await review.close()
