"""Lists, pages, selectors and tables: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kubernetes_emulator.api_calls import MERGE, TABLE, config_map, message, names
from tests.kubernetes_emulator.definitions import probe

if TYPE_CHECKING:
    import httpx


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("labelSelector=app%3Dx", ["a", "b"]),
        ("labelSelector=app%3D%3Dx,tier!%3Dfront", ["b"]),
        ("labelSelector=app in (x,y),tier notin (back)", ["a", "c"]),
        ("labelSelector=tier", ["a", "b"]),
        ("labelSelector=!tier,app", ["c"]),
        ("fieldSelector=metadata.name%3Db", ["b"]),
        ("labelSelector=app&fieldSelector=metadata.name!%3Db", ["a", "c"]),
    ],
)
def test_selectors(api: httpx.Client, maps: str, selector: str, expected: list[str]) -> None:
    api.post(maps, json=config_map("a", app="x", tier="front"))
    api.post(maps, json=config_map("b", app="x", tier="back"))
    api.post(maps, json=config_map("c", app="y"))
    assert names(api.get(f"{maps}?{selector}")) == expected


@pytest.mark.parametrize(
    "query",
    [
        "labelSelector=a b",
        "labelSelector=a in x",
        "fieldSelector=a%3Db",
        "fieldSelector=metadata.name",
        "limit=x",
        "continue=x",
    ],
)
def test_malformed_queries(api: httpx.Client, maps: str, query: str) -> None:
    assert api.get(f"{maps}?{query}").status_code == 400


def test_resource_version_that_is_no_number(api: httpx.Client, maps: str) -> None:
    answer = api.get(f"{maps}?resourceVersion=abc")
    assert answer.status_code == 500
    assert message(answer) == (
        'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
    )


def test_pages_show_one_moment(api: httpx.Client, probes: str) -> None:
    for name in "abcde":
        api.post(probes, json=probe(name))
    first = api.get(f"{probes}?limit=2")
    assert names(first) == ["a", "b"]
    assert first.json()["metadata"]["remainingItemCount"] == 3
    api.delete(f"{probes}/d")
    api.post(probes, json=probe("cc"))
    token = first.json()["metadata"]["continue"]
    second = api.get(f"{probes}?limit=2&continue={token}")
    assert names(second) == ["c", "d"]
    assert (
        second.json()["metadata"]["resourceVersion"] == first.json()["metadata"]["resourceVersion"]
    )
    token = second.json()["metadata"]["continue"]
    last = api.get(f"{probes}?limit=2&continue={token}")
    assert names(last) == ["e"]
    assert not last.json()["metadata"].get("continue")


def test_list_of_pods_by_field(api: httpx.Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    for name, node in (("a", "n1"), ("b", "n2")):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i:1"}]},
        }
        made = api.post(path, json=pod)
        assert made.status_code == 201, made.text
        assert made.json()["status"]["phase"] == "Pending"
        assert made.json()["spec"]["restartPolicy"] == "Always"
    api.patch(f"{path}/b/status", json={"status": {"phase": "Running"}}, headers=MERGE)
    assert names(api.get(f"{path}?fieldSelector=spec.nodeName%3Dn1")) == ["a"]
    assert names(api.get(f"{path}?fieldSelector=status.phase%3DRunning")) == ["b"]
    assert api.get(path).json()["kind"] == "PodList"
    assert "kind" not in api.get(path).json()["items"][0]


def test_tables(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a", n=2))
    table = api.get(probes, headers=TABLE).json()
    assert table["kind"] == "Table"
    columns = [(item["name"], item["type"]) for item in table["columnDefinitions"]]
    assert columns == [
        ("Name", "string"),
        ("mode", "string"),
        ("count", "integer"),
        ("age", "date"),
    ]
    assert table["rows"][0]["cells"][:3] == ["a", "one", 2]
    assert table["rows"][0]["cells"][3].endswith("s")
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert api.get(f"{probes}/a", headers=TABLE).json()["rows"][0]["cells"][0] == "a"
    bare = api.get(f"{probes}?includeObject=None", headers=TABLE).json()
    assert bare["rows"][0].get("object") is None


def test_metadata_only(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a"))
    one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    many = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    assert "spec" not in api.get(f"{probes}/a", headers={"accept": one}).json()
    listed = api.get(probes, headers={"accept": many}).json()
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["items"][0]["metadata"]["name"] == "a"


def test_unacceptable_form(api: httpx.Client, maps: str) -> None:
    assert api.get(maps, headers={"accept": "text/html"}).status_code == 406
