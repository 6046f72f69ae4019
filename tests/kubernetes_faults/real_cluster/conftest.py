"""The provider and a real API server: contexts of a kubeconfig, rights by RBAC."""

from __future__ import annotations

import copy
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.model.scope import Scope
from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from bridge.sandbox.kubernetes.estate import manifests
from bridge.settings import Settings
from providers.contract import Caller, Guard
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from providers.kubernetes.provider import KubernetesProvider
from tests.kubernetes_faults.one_run import INSTALLATION, Run
from tests.kubernetes_faults.real_cluster.real import PLURALS, RealCluster, client
from tests.kubernetes_faults.real_cluster.signing import signed_certificate

ADMIN, OPERATOR, NOBODY = "admin", "ops", "nobody"
"""Contexts: all rights, those of the walk-through, and none."""


def _walk_through() -> Iterator[dict[str, Any]]:
    """The walk-through's role and binding, bound to the group of the operators."""
    for manifest in copy.deepcopy(manifests("experiment-role")):
        if manifest["kind"] == "ClusterRoleBinding":
            manifest["subjects"] = [{"kind": "Group", "name": "operators"}]
        if manifest["kind"] != "ConfigMap":  # aws-auth is read by EKS only
            yield manifest


@pytest.fixture(scope="session")
def installed(real_kubeconfig: Path) -> Iterator[RealCluster]:
    """The cluster with the sandbox's definitions and the walk-through's rights in it."""
    with (
        client(real_kubeconfig, "admintoken") as api,
        client(real_kubeconfig, "opstoken") as operator,
    ):
        made = RealCluster(api, operator)
        shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sock-shop"}}
        made.install(*definitions(), *_walk_through(), shop)
        made.wait_until(lambda: made.served() == set(PLURALS))
        made.wait_until(lambda: made.allowed(operator, "delete"))
        yield made


@pytest.fixture
async def cluster(installed: RealCluster) -> AsyncIterator[RealCluster]:
    """The cluster without any chaos resource, before and after."""
    yield installed
    await installed.clean()


@pytest.fixture
def namespace(cluster: RealCluster) -> str:
    """A namespace of this test alone."""
    made = cluster.api.post(
        "/api/v1/namespaces",
        json={"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "fault-"}},
    )
    return str(made.json()["metadata"]["name"])


@pytest.fixture(scope="session")
def kubeconfig(real_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cluster's kubeconfig, and in it other ways to say who one is.

    ``stale`` has a token that is not accepted, ``anonymous`` none, ``certificate`` a client
    certificate of an administrator, and ``plugin`` a program that prints the operator's token.
    """
    folder = tmp_path_factory.mktemp("kubeconfig")
    plugin = folder / "plugin"
    credential = (
        '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", '
        '"status": {"token": "opstoken"}}'
    )
    plugin.write_text(f"#!{sys.executable}\nprint({credential!r})\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    certificate, key = signed_certificate(
        real_kubeconfig.parent / "pki", user="carol", group="system:masters"
    )
    users: dict[str, dict[str, Any]] = {
        "stale": {"token": "of yesterday"},
        "anonymous": {},
        "certificate": {"client-certificate-data": certificate, "client-key-data": key},
        "plugin": {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": str(plugin),
                "interactiveMode": "Never",
            }
        },
    }
    config = yaml.safe_load(real_kubeconfig.read_text())
    reached = config["clusters"][0]["name"]
    for name, user in users.items():
        config["users"].append({"name": name, "user": user})
        config["contexts"].append({"name": name, "context": {"cluster": reached, "user": name}})
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def settings(kubeconfig: Path) -> Settings:
    return Settings(installation=INSTALLATION, kubeconfig=kubeconfig)


@pytest.fixture
async def provider(cluster: RealCluster, settings: Settings) -> AsyncIterator[KubernetesProvider]:
    made = KubernetesProvider(settings)
    yield made
    await made.close()


@pytest.fixture
def caller() -> Callable[..., Caller]:
    def made(name: str = "EXP1", installation: str = INSTALLATION) -> Caller:
        # No cloud of its own: find_marks then looks into the kubeconfig only.
        scope = Scope(cloud="gcp", account="project", region="europe-west1")
        return Caller(scope, None, name, installation)

    return made


@pytest.fixture
def start(provider: KubernetesProvider, caller: Callable[..., Caller]) -> Callable[..., Any]:
    """Await it with a name, parameters and the like: a session with one run in it.

    It acts as the user of ``context``, by default with the walk-through's rights.
    """

    async def made(
        name: str = "EXP1",
        *,
        context: str = OPERATOR,
        installation: str = INSTALLATION,
        guard: Guard | None = None,
        wake: Callable[[], None] | None = None,
        **parameters: Any,
    ) -> Run:
        session = await provider.session(caller(name, installation), guard, wake)
        return Run(session, CONTEXT_PREFIX + context, **parameters)

    return made
