"""The same kubectl commands print the same on the emulator and on a real API server.

Tests of the real cluster compare the two, with each kubectl there is; `FAULTBRIDGE_RECORD=1` has
them write down what the real one printed.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import eventually
from tests.kubernetes_emulator.definitions import PROBES, SPLITS, TYPEDS
from tests.kubernetes_emulator.kubectl_on_both.documents import DOCUMENTS
from tests.kubernetes_emulator.kubectl_on_both.programs import LISTED, Kubectl, programs
from tests.kubernetes_emulator.kubectl_on_both.scripts import SCRIPTS, commands

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

PROGRAMS = programs()
RUN: set[tuple[Path, str]] = set()
MET: set[str] = set()
RECORDED_BY = "kubectl.1.32"
KEPT = ("pods and workloads", "server-side apply")
"""The scripts that are also held against a recording."""


def _prepared(cluster: Cluster) -> Cluster:
    """Have the definitions in a cluster that the scripts work on."""
    with cluster.client() as api:
        for defined in (PROBES, SPLITS, TYPEDS, *definitions()):
            _define(api, defined)
    return cluster


@pytest.fixture(scope="module")
def emulator(emulated: Cluster) -> Cluster:
    return _prepared(emulated)


@pytest.fixture(scope="module")
def server(real: Cluster) -> Cluster:
    return _prepared(real)


def _define(api: httpx.Client, defined: dict[str, Any]) -> None:
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


def _transcript(program: Path, cluster: Cluster, name: str, home: Path) -> list[str]:
    """Run a script, and return its commands with what each printed."""
    namespace = _namespace(cluster)
    kubectl = Kubectl(program, cluster, namespace, home)
    printed = []
    for words, document, edit in commands(SCRIPTS[name]):
        arguments = [word.replace("NAMESPACE", namespace) for word in words]
        printed.append(f"$ {' '.join(words)}")
        printed += kubectl(*arguments, given=DOCUMENTS.get(document, ""), edit=edit)
    return printed


@pytest.mark.real_cluster
@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_same_output(
    emulator: Cluster, server: Cluster, program: Path, name: str, tmp_path: Path
) -> None:
    printed = []
    for cluster in (emulator, server):
        home = tmp_path / ("real" if cluster.is_real else "emulated")
        home.mkdir()
        printed.append(_transcript(program, cluster, name, home))
    if os.environ.get("FAULTBRIDGE_RECORD") and program.name == RECORDED_BY and name in KEPT:
        _recording(name).write_text("\n".join(printed[1]) + "\n")
    unexplained, met = differences.unexplained(*printed)
    MET.update(met)
    RUN.add((program, name))
    assert unexplained == []


@pytest.mark.parametrize("name", KEPT)
def test_output_as_recorded(emulator: Cluster, name: str, tmp_path: Path) -> None:
    """Where no real server is: what one answered the same kubectl before."""
    program = next((path for path in PROGRAMS if path.name == RECORDED_BY), None)
    if program is None:
        pytest.skip(f"the recordings were made by {RECORDED_BY}, which is not here")
    recorded = _recording(name).read_text().splitlines()
    unexplained, _ = differences.unexplained(
        _transcript(program, emulator, name, tmp_path), recorded
    )
    assert unexplained == []


def _recording(name: str) -> Path:
    return Path(__file__).parent / "recorded" / f"{name.replace(' ', '-')}.txt"


@pytest.mark.real_cluster
def test_every_difference_is_met() -> None:
    """A reason that no script meets any more is to be taken off the list."""
    if len(RUN) < len(PROGRAMS) * len(SCRIPTS):
        pytest.skip("not every script has run")
    if len(PROGRAMS) == 1:
        # Such as what managedFields hold, which kubectl prints unasked before 1.21 only.
        pytest.skip(f"some show with an old kubectl only; name one in {LISTED}")
    listed = {difference.why for difference in differences.PRINTED + differences.NOT_SERVED}
    assert listed - MET == set()
