"""Replacing and patching: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import (
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    causes,
    config_map,
    message,
)
from tests.kubernetes_emulator.definitions import GROUP, probe

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster


def test_replacing_needs_the_version_that_is_there(api: httpx.Client, probes: str) -> None:
    made = api.post(probes, json=probe("a")).json()
    blind = api.put(f"{probes}/a", json=probe("a"))
    assert blind.status_code == 422
    assert causes(blind) == {
        (
            "metadata.resourceVersion",
            "FieldValueInvalid",
            "Invalid value: 0x0: must be specified for an update",
        )
    }
    made["spec"]["n"] = 2
    assert api.put(f"{probes}/a", json=made).status_code == 200
    stale = api.put(f"{probes}/a", json=made)
    assert stale.status_code == 409
    assert message(stale) == (
        f'Operation cannot be fulfilled on probes.{GROUP} "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


def test_built_in_kinds_may_be_replaced_blindly(api: httpx.Client, maps: str) -> None:
    api.post(maps, json=config_map("a"))
    replaced = api.put(f"{maps}/a", json={**config_map("a"), "data": {"k": "v"}})
    assert replaced.status_code == 200
    assert api.put(f"{maps}/none", json=config_map("none")).status_code in (201, 404)


def test_equal_replacement_keeps_the_version(api: httpx.Client, probes: str) -> None:
    made = api.post(probes, json=probe("a")).json()
    again = api.put(f"{probes}/a", json=made).json()
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_generation_follows_all_but_metadata(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a"))

    def generation(change: dict[str, Any]) -> int:
        changed = api.patch(f"{probes}/a", json=change, headers=MERGE)
        assert changed.status_code == 200, changed.text
        return int(changed.json()["metadata"]["generation"])

    assert generation({"metadata": {"labels": {"a": "b"}}}) == 1
    assert generation({"spec": {"n": 2}}) == 2
    assert generation({"status": {"phase": "x"}}) == 3  # it has no status subresource


def test_status_has_its_own_endpoint_where_declared(api: httpx.Client, splits: str) -> None:
    made = api.post(splits, json={**probe("a", "Split"), "status": {"phase": "early"}})
    assert "status" not in made.json()
    api.patch(f"{splits}/a", json={"status": {"phase": "x"}, "spec": {"n": 2}}, headers=MERGE)
    assert "status" not in api.get(f"{splits}/a").json()
    set_ = api.patch(
        f"{splits}/a/status", json={"status": {"phase": "x"}, "spec": {"n": 3}}, headers=MERGE
    )
    assert set_.status_code == 200
    now = api.get(f"{splits}/a").json()
    assert (now["status"], now["spec"]["n"]) == ({"phase": "x"}, 2)
    assert now["metadata"]["generation"] == 2
    replaced = api.put(f"{splits}/a", json={**now, "status": {"phase": "y"}})
    assert replaced.json()["status"] == {"phase": "x"}


def test_status_is_part_of_the_object_where_it_is_not(api: httpx.Client, probes: str) -> None:
    made = api.post(probes, json={**probe("a"), "status": {"phase": "x"}}).json()
    assert made["status"] == {"phase": "x"}
    refused = api.patch(f"{probes}/a/status", json={}, headers=MERGE)
    assert refused.status_code == 404
    del made["status"]
    assert "status" not in api.put(f"{probes}/a", json=made).json()


def test_merge_patch(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a", n=2, value="x", l=[{"k": "1"}, {"k": "2"}]))
    patched = api.patch(f"{probes}/a", json={"spec": {"n": None, "l": [{"k": "3"}]}}, headers=MERGE)
    spec = patched.json()["spec"]
    assert "n" not in spec
    assert spec["l"] == [{"k": "3"}]
    assert spec["value"] == "x"


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"metadata": {"resourceVersion": "1"}}, 409, "the object has been modified"),
        ({"metadata": {"uid": "x"}}, 422, 'metadata.uid: Invalid value: "x": field is immutable'),
        (
            {"metadata": {"name": "b"}},
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        ({"spec": {"mode": None}}, 422, "spec.mode: Required value"),
    ],
)
def test_patches_that_are_refused(
    api: httpx.Client, probes: str, change: dict[str, Any], code: int, text: str
) -> None:
    api.post(probes, json=probe("a"))
    refused = api.patch(f"{probes}/a", json=change, headers=MERGE)
    assert refused.status_code == code
    assert text in message(refused)


def test_json_patch(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a", l=[{"k": "1"}]))
    steps = [
        {"op": "test", "path": "/spec/mode", "value": "one"},
        {"op": "add", "path": "/spec/l/-", "value": {"k": "2"}},
        {"op": "add", "path": "/metadata/labels", "value": {"x.y/c": "x"}},
        {"op": "replace", "path": "/spec/mode", "value": "all"},
        {"op": "remove", "path": "/spec/d"},
        {"op": "copy", "from": "/spec/mode", "path": "/spec/value"},
    ]
    patched = api.patch(f"{probes}/a", json=steps, headers=JSON_PATCH)
    assert patched.status_code == 200, patched.text
    assert patched.json()["spec"] == {
        "mode": "all",
        "selector": {},
        "l": [{"k": "1"}, {"k": "2"}],
        "d": "hey",  # defaulted again
        "value": "all",
    }
    slash = [{"op": "remove", "path": "/metadata/labels/x.y~1c"}]
    assert api.patch(f"{probes}/a", json=slash, headers=JSON_PATCH).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([{"op": "test", "path": "/spec/mode", "value": "all"}], 422),
        ([{"op": "remove", "path": "/spec/none"}], 422),
        ({"op": "remove"}, 400),
    ],
)
def test_json_patches_that_do_not_fit(api: httpx.Client, probes: str, body: Any, code: int) -> None:
    api.post(probes, json=probe("a"))
    assert api.patch(f"{probes}/a", json=body, headers=JSON_PATCH).status_code == code


def test_json_patch_that_replaces_nothing(api: httpx.Client, probes: str, cluster: Cluster) -> None:
    api.post(probes, json=probe("a"))
    steps = [{"op": "replace", "path": "/spec/none", "value": 1}]
    answer = api.patch(f"{probes}/a", json=steps, headers=JSON_PATCH)
    assert answer.status_code == cluster.by_age(differences.REPLACING_NOTHING)


def test_patch_that_is_no_json(api: httpx.Client, probes: str, cluster: Cluster) -> None:
    api.post(probes, json=probe("a"))
    broken = api.patch(f"{probes}/a", content=b"{", headers=MERGE)
    assert broken.status_code == cluster.by_age(differences.MALFORMED_PATCH)


def test_custom_resources_take_no_strategic_patch(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a"))
    assert api.patch(f"{probes}/a", json={}, headers=STRATEGIC).status_code == 415


def test_strategic_patch_merges_containers_by_name(api: httpx.Client, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    containers = [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]
    deployment = {
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
    made = api.post(path, json=deployment)
    assert made.status_code == 201, made.text
    assert (made.json()["spec"]["replicas"], made.json()["metadata"]["generation"]) == (1, 1)

    def patched(change: list[dict[str, Any]]) -> list[tuple[str, str]]:
        body = {"spec": {"template": {"spec": {"containers": change}}}}
        answer = api.patch(f"{path}/d", json=body, headers=STRATEGIC)
        assert answer.status_code == 200, answer.text
        spec = answer.json()["spec"]["template"]["spec"]
        return sorted((item["name"], item["image"]) for item in spec["containers"])

    assert patched([{"name": "b", "image": "b:2"}]) == [("a", "a:1"), ("b", "b:2")]
    assert patched([{"name": "a", "$patch": "delete"}]) == [("b", "b:2")]
    assert patched([{"name": "c", "image": "c:1"}]) == [("b", "b:2"), ("c", "c:1")]
