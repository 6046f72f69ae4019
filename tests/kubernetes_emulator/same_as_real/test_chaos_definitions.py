"""The sandbox's definitions of Chaos Mesh and Litmus, on the emulator and on a real API server.

Both must take them as structural schemas, and refuse by them what a cluster with Chaos Mesh's own
definitions refuses. The conformance cases stand beside the project; without them that is skipped.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import eventually

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

CASES = Path(__file__).parents[4] / "shared/conformance/chaos-mesh/cases.jsonl"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PATHS = {
    spec["names"]["kind"]: (
        f"/apis/{spec['group']}/{spec['versions'][0]['name']}",
        spec["names"]["plural"],
        spec["scope"] == "Namespaced",
    )
    for spec in (definition["spec"] for definition in definitions())
}


@cache
def cases() -> dict[str, list[dict[str, Any]]]:
    """The conformance cases by kind, without misspelled kinds; none where they are not."""
    found = defaultdict(list)
    for line in CASES.read_text().splitlines() if CASES.is_file() else ():
        case = json.loads(line)
        if case["cr"]["kind"] in PATHS:
            found[case["cr"]["kind"]].append(case)
    return dict(found)


@pytest.fixture(scope="module")
def defined(cluster: Cluster) -> None:
    """All of the definitions, established."""
    _define(cluster)


@pytest.fixture(scope="module")
def both(emulated: Cluster, real: Cluster) -> tuple[Cluster, Cluster]:
    """The emulator and the real server, with all of the definitions."""
    _define(emulated)
    _define(real)
    return emulated, real


def is_served(api: httpx.Client, path: str) -> bool:
    return api.get(path).status_code == 200


def _define(cluster: Cluster) -> None:
    with cluster.client() as api:
        for definition in definitions():
            made = api.post(DEFINITIONS, json=definition)
            assert made.status_code in (201, 409), made.text
        for root, plural, _ in PATHS.values():
            eventually(partial(is_served, api, f"{root}/{plural}"))


@pytest.mark.parametrize("definition", definitions(), ids=lambda item: item["metadata"]["name"])
def test_definitions_are_taken(
    api: httpx.Client, defined: None, definition: dict[str, Any]
) -> None:
    name = definition["metadata"]["name"]
    found = api.get(f"{DEFINITIONS}/{name}").json()
    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert conditions.get("Established") == "True"
    assert conditions.get("NonStructuralSchema") in (None, "False")
    tried = copy.deepcopy(definition)
    tried["metadata"]["labels"] = {"tried": "again"}
    tried["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
    again = api.put(f"{DEFINITIONS}/{name}?dryRun=All", json=tried)
    assert (again.status_code, again.headers.get_list("warning")) == (200, [])


def refused(
    api: httpx.Client, namespace: str, resource: dict[str, Any], validation: str = "Strict"
) -> str:
    """Say why the schema refuses a resource; empty where it does not."""
    root, plural, namespaced = PATHS[resource["kind"]]
    body = copy.deepcopy(resource)
    body["metadata"].pop("namespace", None)
    path = f"{root}/namespaces/{namespace}/{plural}" if namespaced else f"{root}/{plural}"
    answer = api.post(f"{path}?dryRun=All&fieldValidation={validation}", json=body)
    return "" if answer.status_code == 201 else str(answer.json()["message"])


def has_unknown_field(case: dict[str, Any]) -> bool:
    return "unknown field" in case["why"]


@pytest.mark.parametrize("kind", sorted(cases()) or ["none"])
def test_conformance_of_the_schemas(
    api: httpx.Client, cluster: Cluster, defined: None, namespace: str, kind: str
) -> None:
    if not cases():
        pytest.skip("the conformance cases are not beside the project")
    strict = cluster.by_age(differences.FIELD_VALIDATION)
    wrong = [
        (case["id"], case["mutation"], why, case["why"])
        for case in cases()[kind]
        if strict or not has_unknown_field(case)
        if bool(why := refused(api, namespace, case["cr"])) != (case["refused_by"] == "schema")
    ]
    assert wrong == []


@pytest.mark.real_cluster
@pytest.mark.parametrize("kind", sorted(cases()) or ["none"])
def test_unknown_fields_are_left_out_alike(both: tuple[Cluster, Cluster], kind: str) -> None:
    """What the old server drops, the emulator drops when it is told to ignore it."""
    found = [case for case in cases().get(kind, ()) if has_unknown_field(case)]
    with both[0].client() as ours, both[1].client() as theirs:
        for case in found:
            why = refused(theirs, "default", case["cr"])
            mine = refused(ours, "default", case["cr"], "Ignore")
            assert bool(mine) == bool(why), (case["id"], mine, why)
