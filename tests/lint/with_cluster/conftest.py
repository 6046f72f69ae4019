"""Clusters to lint against: the emulator with Chaos Mesh's webhooks, and a real API server.

Both are filled over HTTP: two nodes in two zones, pods that run on them, and one that waits.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from bridge.sandbox.kubernetes.authentication import TokenAuthenticator
from bridge.sandbox.kubernetes.authorization import RbacAuthorizer
from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from bridge.sandbox.kubernetes.chaos_mesh_webhooks import ChaosMeshWebhooks
from bridge.sandbox.kubernetes.estate import manifests
from bridge.sandbox.kubernetes.identity import (
    AdmissionDeniedError,
    Attributes,
    Decision,
    Identity,
)
from bridge.sandbox.kubernetes.server import KubernetesEmulator, running
from tests.lint.conftest import SLOW, Command

if TYPE_CHECKING:
    from tests.kubernetes_emulator.differences import Difference

TOKENS = {
    "admintoken": Identity("admin", groups=("system:masters",)),
    "devtoken": Identity("dev", groups=("developers",)),
}
NAMESPACE = "lint-shop"
REFUSED = "tests/refused"
CHAOS = SLOW.replace("sock-shop", NAMESPACE).replace("{name: carts}", "{app: carts}")
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_CHAOS = "/apis/chaos-mesh.org/v1alpha1"
_MERGE = {"content-type": "application/merge-patch+json"}


Lint = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Cluster:
    """A cluster to ask, its contexts ``admin`` and ``dev``."""

    kubeconfig: Path
    is_real: bool

    def by_age(self, difference: Difference) -> Any:
        """Return what this cluster does where the two differ."""
        return difference.in_1_20 if self.is_real else difference.emulated


def emulator() -> KubernetesEmulator:
    """Build an emulator with static tokens, RBAC and the webhooks."""

    # The emulator makes the store that its own parts read: they are reached through functions.
    async def authenticate(token: str) -> Identity | None:
        return await tokens(token)

    def authorize(identity: Identity, asked: Attributes) -> Decision:
        return rbac(identity, asked)

    upstream = ChaosMeshWebhooks(authorize)

    def admit(
        identity: Identity, verb: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> list[str] | None:
        """Refuse what an annotation asks to be refused, as a newer webhook might, in its words."""
        warnings = upstream(identity, verb, old, new)
        words = ((new or {}).get("metadata", {}).get("annotations") or {}).get(REFUSED)
        if words:
            message = f'admission webhook "vnetworkchaos.kb.io" denied the request: {words}'
            raise AdmissionDeniedError(message, reason="Forbidden")
        return warnings

    made = KubernetesEmulator(authenticate=authenticate, authorize=authorize, admit=admit)
    tokens = TokenAuthenticator(made.store, static_tokens=TOKENS)
    rbac = RbacAuthorizer(made.store)
    made.install(*manifests("rbac"))
    return made


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    path = tmp_path_factory.mktemp("emulator") / "kubeconfig"
    with running(emulator()) as server:
        config = server.kubeconfig("admintoken")
        config["contexts"] = [
            {"name": name, "context": {"cluster": "emulator", "user": name}}
            for name in ("admin", "dev")
        ]
        config["users"] = [
            {"name": name, "user": {"token": f"{name}token"}} for name in ("admin", "dev")
        ]
        config["current-context"] = "admin"
        path.write_text(yaml.safe_dump(config))
        fill(path)
        yield Cluster(path, is_real=False)


@pytest.fixture(scope="session")
def real(real_kubeconfig: Path) -> Cluster:
    fill(real_kubeconfig)
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
    with client(cluster.kubeconfig) as made:
        yield made


def client(kubeconfig: Path, token: str = "admintoken") -> httpx.Client:  # noqa: S107 - made up
    """Open an HTTP client."""
    found = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    if "certificate-authority" in found:
        authority = (kubeconfig.parent / found["certificate-authority"]).read_text()
    else:
        authority = base64.b64decode(found["certificate-authority-data"]).decode()
    return httpx.Client(
        base_url=found["server"],
        verify=ssl.create_default_context(cadata=authority),
        headers={"authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    )


def fill(kubeconfig: Path) -> None:
    """Make definitions, nodes and pods, and give ``dev`` the right to make chaos in one place."""
    with client(kubeconfig) as api:
        for definition in definitions():
            make(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        make(api, "/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for name, zone in (("node-a", "eu-1a"), ("node-b", "eu-1b")):
            labels = {"topology.kubernetes.io/zone": zone, "disk": zone[-1]}
            make(
                api, "/api/v1/nodes", {"kind": "Node", "metadata": {"name": name, "labels": labels}}
            )
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        for name, node, phase in (
            ("carts-1", "node-a", "Running"),
            ("carts-2", "node-b", "Running"),
            ("carts-3", "node-b", "Running"),
            ("queue-1", "node-a", "Running"),
            ("queue-2", "node-b", "Pending"),
        ):
            make(api, pods, pod(name, node))
            status = {"status": {"phase": phase}}
            patched = api.patch(f"{pods}/{name}/status", json=status, headers=_MERGE)
            assert patched.status_code == 200, patched.text
        grant(api, "pods", "", ["list"])
        grant(api, "chaos", "chaos-mesh.org", ["create"])
        until(lambda: "networkchaos" in api.get(_CHAOS).text)
        until(lambda: api.get(f"{_CHAOS}/networkchaos").status_code == 200)
        until(lambda: "NetworkChaos" in api.get("/openapi/v2").text or _serves_v3(api))


def _serves_v3(api: httpx.Client) -> bool:
    return "NetworkChaos" in api.get("/openapi/v3/apis/chaos-mesh.org/v1alpha1").text


def pod(name: str, node: str) -> dict[str, Any]:
    """Return a pod whose label ``app`` is its name without number."""
    labels = {"app": name.rpartition("-")[0]}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "shop:1"}]},
    }


def grant(api: httpx.Client, name: str, group: str, verbs: list[str]) -> None:
    """Let ``dev`` do this in the namespace of the pods."""
    resources = ["pods"] if name == "pods" else ["*"]
    rules = [{"apiGroups": [group], "resources": resources, "verbs": verbs}]
    base = f"{_RBAC}/namespaces/{NAMESPACE}"
    make(api, f"{base}/roles", {"kind": "Role", "metadata": {"name": name}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    binding = {
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": reference,
        "subjects": [{"kind": "User", "name": "dev", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    make(api, f"{base}/rolebindings", binding)


def make(api: httpx.Client, path: str, manifest: dict[str, Any]) -> None:
    """Create an object; one that is there stays."""
    group = path.split("/")
    version = "/".join(group[2:4]) if group[1] == "apis" else "v1"
    made = api.post(path, json={"apiVersion": version, **manifest})
    assert made.status_code in (201, 409), made.text


def until(true: Callable[[], bool]) -> None:
    """Wait for what a real server does a moment later than it answers; at most a minute."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


@pytest.fixture
def lint(command: Command, cluster: Cluster) -> Lint:
    """Lint a file against the cluster; return the JSON document."""

    def linted(name: str, *further: str, context: str = "admin") -> dict[str, Any]:
        arguments = ("--cluster", context, "--kubeconfig", str(cluster.kubeconfig), *further)
        _, output, errors = command("lint", name, "--format", "json", *arguments)
        assert output, errors
        found: dict[str, Any] = json.loads(output)
        return found

    return linted


def told(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["rule"], one["path"], one["message"]) for one in document["findings"]]
