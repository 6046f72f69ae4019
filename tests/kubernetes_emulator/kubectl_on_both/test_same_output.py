"""The same kubectl commands print the same on the emulator and on a real API server."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import eventually
from tests.kubernetes_emulator.definitions import GROUP, PROBES, SPLITS, TYPEDS
from tests.kubernetes_emulator.kubectl_on_both.documents import DOCUMENTS
from tests.kubernetes_emulator.kubectl_on_both.programs import Kubectl, programs
from tests.kubernetes_emulator.kubectl_on_both.scripts import SCRIPTS, commands

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

pytestmark = pytest.mark.real_cluster

PROGRAMS = programs()
RUN: set[tuple[Path, str]] = set()
MET: set[str] = set()


@pytest.fixture(scope="module")
def both(emulated: Cluster, real: Cluster) -> tuple[Cluster, Cluster]:
    """The emulator and the real API server, with the same definitions in them."""
    for cluster in (emulated, real):
        with cluster.client() as api:
            for defined in (PROBES, SPLITS, TYPEDS, *definitions()):
                _define(api, defined)
    return emulated, real


def _define(api: httpx.Client, defined: dict[str, object]) -> None:
    made = api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=defined)
    assert made.status_code in (201, 409), made.text
    spec = made.json().get("spec") or defined["spec"]
    root = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
    eventually(partial(_is_served, api, root))


def _is_served(api: httpx.Client, path: str) -> bool:
    return api.get(path).status_code == 200


def _namespace(cluster: Cluster) -> str:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "kubectl-"}}
    with cluster.client() as api:
        return str(api.post("/api/v1/namespaces", json=body).json()["metadata"]["name"])


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_same_output(
    both: tuple[Cluster, Cluster], program: Path, name: str, tmp_path: Path
) -> None:
    printed = []
    for cluster in both:
        namespace = _namespace(cluster)
        home = tmp_path / ("real" if cluster.is_real else "emulated")
        home.mkdir()
        kubectl = Kubectl(program, cluster, namespace, home)
        transcript = []
        for words, document, edit in commands(SCRIPTS[name]):
            arguments = [word.replace("NAMESPACE", namespace) for word in words]
            given = DOCUMENTS.get(document, "")
            transcript.append(f"$ {' '.join(words)}")
            transcript += kubectl(*arguments, given=given, edit=edit)
        printed.append(transcript)
    unexplained, met = differences.unexplained(*printed)
    MET.update(met)
    RUN.add((program, name))
    assert unexplained == []


def test_every_difference_is_met() -> None:
    """A reason that no script meets any more is to be taken off the list."""
    if len(RUN) < len(PROGRAMS) * len(SCRIPTS):
        pytest.skip("not every script has run")
    listed = {difference.why for difference in differences.PRINTED + differences.NOT_SERVED}
    assert listed - MET == set()
