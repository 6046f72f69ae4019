"""The real kubectl, as people type it, against the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes_emulator.definitions import GROUP, PROBES, probe

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

KUBECTL = shutil.which("kubectl")

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


class Kubectl:
    """Runs kubectl in one namespace, with caches of its own."""

    def __init__(self, cluster: Cluster, namespace: str, home: Path) -> None:
        self._command = [str(KUBECTL), "--kubeconfig", str(cluster.kubeconfig), "-n", namespace]
        self._environment = {"HOME": str(home), "PATH": os.environ["PATH"]}

    def __call__(self, *arguments: str, given: str = "", fails: bool = False) -> str:
        """Return what kubectl prints: to standard error where it is expected to fail."""
        done = self.start(*arguments).communicate(given, timeout=60)
        code = self._last.returncode
        assert bool(code) is fails, done
        return done[1] if fails else done[0]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl without waiting for it."""
        pipe = subprocess.PIPE
        self._last = subprocess.Popen(
            [*self._command, *arguments],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=self._environment,
        )
        return self._last


@pytest.fixture(scope="session")
def cluster(emulated: Cluster) -> Cluster:
    """The emulator only: how an old real server gets on with a new kubectl is not ours."""
    return emulated


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str, tmp_path: Path) -> Kubectl:
    return Kubectl(cluster, namespace, tmp_path)


@pytest.fixture
def probes(api: httpx.Client) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert api.post(path, json=PROBES).status_code in (201, 409)


def test_creates_of_the_small_kinds(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=k=v")
    kubectl("create", "secret", "generic", "s", "--from-literal=k=v")
    kubectl("create", "serviceaccount", "sa")
    kubectl("create", "role", "r", "--verb=get,list", "--resource=pods")
    kubectl("create", "rolebinding", "rb", "--role=r", "--user=bob", "--serviceaccount=x:y")
    kubectl("create", "namespace", "kubectl-made")
    assert kubectl("get", "cm", "c", "-o", "jsonpath={.data.k}") == "v"
    assert kubectl("get", "secret", "s", "-o", "jsonpath={.data.k} {.type}") == "dg== Opaque"
    role = json.loads(kubectl("get", "role", "r", "-o", "json"))
    assert role["rules"] == [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]
    binding = json.loads(kubectl("get", "rolebinding", "rb", "-o", "json"))
    assert [subject["kind"] for subject in binding["subjects"]] == ["User", "ServiceAccount"]
    assert binding["roleRef"]["name"] == "r"
    assert "kubectl-made" in kubectl("get", "namespaces")


def test_apply_creates_then_leaves_then_changes(kubectl: Kubectl, probes: None) -> None:
    text = json.dumps(probe("a", n=2, value="x"))
    apply = ("apply", "-f", "-")
    assert kubectl(*apply, given=text) == f"probe.{GROUP}/a created\n"
    assert kubectl(*apply, given=text) == f"probe.{GROUP}/a unchanged\n"
    changed = json.dumps(probe("a", n=3))
    assert kubectl(*apply, given=changed) == f"probe.{GROUP}/a configured\n"
    spec = json.loads(kubectl("get", "probe", "a", "-o", "json"))["spec"]
    assert (spec["n"], "value" in spec) == (3, False)
    refused = kubectl(*apply, given=json.dumps(probe("a", bogus=1)), fails=True)
    assert 'strict decoding error: unknown field "spec.bogus"' in refused


def test_apply_of_built_in_kinds_merges_lists(kubectl: Kubectl) -> None:
    def deployment(*images: str) -> str:
        containers = [{"name": image[0], "image": image} for image in images]
        return json.dumps(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "d"},
                "spec": {
                    "selector": {"matchLabels": {"app": "d"}},
                    "template": {
                        "metadata": {"labels": {"app": "d"}},
                        "spec": {"containers": containers},
                    },
                },
            }
        )

    images = "jsonpath={.spec.template.spec.containers[*].image}"
    for wanted in (("a:1", "b:1"), ("a:2", "b:1"), ("a:2",)):
        kubectl("apply", "-f", "-", given=deployment(*wanted))
        assert kubectl("get", "deployment", "d", "-o", images).split() == list(wanted)


def test_columns_and_selectors(kubectl: Kubectl, probes: None) -> None:
    kubectl("create", "-f", "-", given=json.dumps(probe("a", n=2)))
    header, row = kubectl("get", "probes").splitlines()
    assert header.split() == ["NAME", "MODE", "COUNT", "AGE"]
    assert row.split()[:3] == ["a", "one", "2"]
    kubectl("label", "probe", "a", "team=x")
    assert kubectl("get", "prob", "-l", "team in (x)", "-o", "name") == f"probe.{GROUP}/a\n"
    assert kubectl("get", "probes", "-l", "team=y", "-o", "name") == ""


def test_watch_prints_each_change(kubectl: Kubectl, probes: None) -> None:
    kubectl("create", "-f", "-", given=json.dumps(probe("a", n=1)))
    watching = kubectl.start("get", "probes", "--watch", "--no-headers")
    try:
        assert watching.stdout is not None
        assert watching.stdout.readline().split()[:3] == ["a", "one", "1"]
        kubectl("patch", "probe", "a", "--type=merge", "-p", '{"spec":{"n":2}}')
        assert watching.stdout.readline().split()[:3] == ["a", "one", "2"]
    finally:
        watching.kill()
        watching.communicate()


def test_patch_types(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=k=v")
    kubectl("patch", "cm", "c", "-p", '{"data":{"a":"1"}}')
    kubectl("patch", "cm", "c", "--type=json", "-p", '[{"op":"remove","path":"/data/k"}]')
    assert json.loads(kubectl("get", "cm", "c", "-o", "json"))["data"] == {"a": "1"}


def test_delete_waits_until_it_is_gone(kubectl: Kubectl, probes: None) -> None:
    kubectl("create", "-f", "-", given=json.dumps(probe("a")))
    assert "deleted" in kubectl("delete", "probe", "a", "--timeout=20s")
    assert "(NotFound)" in kubectl("get", "probe", "a", fails=True)


def test_wait_for_a_condition(kubectl: Kubectl, probes: None) -> None:
    kubectl("create", "-f", "-", given=json.dumps({**probe("a"), "status": {"phase": "Done"}}))
    kubectl("wait", "probe/a", "--for=jsonpath={.status.phase}=Done", "--timeout=20s")


def test_discovery_and_explain(kubectl: Kubectl, probes: None) -> None:
    assert "probes" in kubectl("api-resources", "--api-group", GROUP)
    assert "mode" in kubectl("explain", "probe.spec")
    assert "Image" in kubectl("explain", "pod.spec.containers.image") or "image" in kubectl(
        "explain", "pod.spec.containers.image"
    )
    assert "v1.32.0" in kubectl("version")


def test_rights(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    assert "admin" in kubectl("auth", "whoami")
    assert "[*]" in kubectl("auth", "can-i", "--list")
    denied = kubectl("--as=bob", "auth", "can-i", "create", "pods", fails=True)
    assert denied == ""
    assert 'User "bob" cannot list resource "pods"' in kubectl(
        "--as=bob", "get", "pods", fails=True
    )


def test_what_is_not_emulated_says_so(kubectl: Kubectl) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i:1"}]},
    }
    kubectl("create", "-f", "-", given=json.dumps(pod))
    refused = kubectl("logs", "p", fails=True)
    assert "(NotImplemented)" in refused
    assert "the emulator does not implement" in refused
