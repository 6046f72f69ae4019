"""Clusters to test: the emulator, and a real API server where there is one."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from bridge.sandbox.kubernetes.authentication import TokenAuthenticator
from bridge.sandbox.kubernetes.authorization import RbacAuthorizer
from bridge.sandbox.kubernetes.estate import manifests
from bridge.sandbox.kubernetes.identity import Attributes, Decision, Identity
from bridge.sandbox.kubernetes.server import KubernetesEmulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kubernetes_emulator.differences import Difference

# The static tokens of the real cluster; the emulator gets the same.
TOKENS = {
    "admintoken": Identity("admin", groups=("system:masters",)),
    "devtoken": Identity("dev", groups=("developers",)),
}


@dataclass(frozen=True)
class Cluster:
    """A running API server and how to reach it."""

    kubeconfig: Path
    is_real: bool

    def client(self, token: str = "admintoken") -> httpx.Client:  # noqa: S107 - made up
        """Open an HTTP client for one of the tokens."""
        cluster = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]
        context = ssl.create_default_context(cadata=_ca(cluster, self.kubeconfig.parent))
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=cluster["server"], verify=context, headers=headers, timeout=30, trust_env=False
        )

    def by_age(self, difference: Difference) -> Any:
        """Return what this cluster does where the two differ."""
        return difference.in_1_20 if self.is_real else difference.emulated


def _ca(cluster: dict[str, str], folder: Path) -> str:
    if "certificate-authority" in cluster:
        return (folder / cluster["certificate-authority"]).read_text()
    return base64.b64decode(cluster["certificate-authority-data"]).decode()


def emulator() -> KubernetesEmulator:
    """Build an emulator with the static tokens, RBAC and the roles of a fresh cluster."""

    # The emulator makes the store that its own parts read: they are reached through functions.
    async def authenticate(token: str) -> Identity | None:
        return await tokens(token)

    def authorize(identity: Identity, asked: Attributes) -> Decision:
        return rbac(identity, asked)

    def rules(identity: Identity, namespace: str) -> list[dict[str, Any]]:
        return rbac.rules(identity, namespace)

    made = KubernetesEmulator(authenticate=authenticate, authorize=authorize, rules=rules)
    tokens = TokenAuthenticator(made.store, static_tokens=TOKENS)
    rbac = RbacAuthorizer(made.store)
    made.install(*manifests("rbac"))
    return made


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An emulator that listens, in a thread of its own."""
    kubeconfig = tmp_path_factory.mktemp("emulator") / "kubeconfig"
    with running(emulator()) as server:
        kubeconfig.write_text(yaml.safe_dump(server.kubeconfig("admintoken")))
        yield Cluster(kubeconfig, is_real=False)


@pytest.fixture(scope="session")
def real(real_kubeconfig: Path) -> Cluster:
    """A real API server."""
    return Cluster(real_kubeconfig, is_real=True)


@pytest.fixture(
    scope="session", params=["emulated", pytest.param("real", marks=pytest.mark.real_cluster)]
)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each of the clusters in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Cluster)
    return found


@pytest.fixture
def api(cluster: Cluster) -> Iterator[httpx.Client]:
    """The cluster's API as its administrator."""
    with cluster.client() as client:
        yield client


@pytest.fixture
def namespace(api: httpx.Client) -> str:
    """A namespace of this test alone."""
    made = api.post(
        "/api/v1/namespaces",
        json={"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "test-"}},
    )
    assert made.status_code == 201, made.text
    return str(made.json()["metadata"]["name"])
