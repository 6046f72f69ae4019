"""Creating and reading: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator.api_calls import MERGE, config_map, message
from tests.kubernetes_emulator.definitions import GROUP, probe

if TYPE_CHECKING:
    import httpx


def test_created_object_has_what_the_server_adds(
    api: httpx.Client, probes: str, namespace: str
) -> None:
    made = api.post(probes, json=probe("one"))
    assert made.status_code == 201
    metadata = made.json()["metadata"]
    assert metadata["namespace"] == namespace
    assert metadata["generation"] == 1
    assert metadata.keys() >= {"uid", "resourceVersion", "creationTimestamp"}
    assert api.get(f"{probes}/one").json()["metadata"]["uid"] == metadata["uid"]


def test_second_of_a_name_is_refused(api: httpx.Client, maps: str) -> None:
    api.post(maps, json=config_map("one"))
    again = api.post(maps, json=config_map("one"))
    assert again.status_code == 409
    assert again.json()["reason"] == "AlreadyExists"
    assert message(again) == 'configmaps "one" already exists'
    assert again.json()["details"] == {"name": "one", "kind": "configmaps"}


def test_missing_object(api: httpx.Client, probes: str) -> None:
    missing = api.get(f"{probes}/none")
    assert missing.status_code == 404
    assert missing.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'probes.{GROUP} "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "group": GROUP, "kind": "probes"},
        "code": 404,
    }


def test_namespace_must_exist(api: httpx.Client) -> None:
    refused = api.post("/api/v1/namespaces/nowhere/configmaps", json=config_map("a"))
    assert refused.status_code == 404
    assert message(refused) == 'namespaces "nowhere" not found'


def test_name_is_made_from_generate_name(api: httpx.Client, maps: str) -> None:
    made = api.post(
        maps, json={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "g-"}}
    )
    assert made.status_code == 201
    assert made.json()["metadata"]["name"].startswith("g-")
    assert len(made.json()["metadata"]["name"]) == 7


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"metadata": {}}, 422, "metadata.name: Required value: name or generateName is"),
        ({"metadata": {"name": "A_b"}}, 422, "a lowercase RFC 1123 subdomain must consist of"),
        (
            {"metadata": {"name": "a", "namespace": "x"}},
            400,
            "the namespace of the provided object",
        ),
        (
            {"metadata": {"name": "a", "labels": {"k": "a b"}}},
            422,
            "a valid label must be an empty",
        ),
        ({"metadata": {"name": "a", "labels": {"k": 1}}}, 400, "cannot be handled as a ConfigMap"),
        ({"data": {"a": 1}}, 400, "cannot be handled as a ConfigMap"),
        ({"apiVersion": "v2"}, 400, "cannot be handled as a ConfigMap: no kind"),
        ({"metadata": {"name": "a", "resourceVersion": "1"}}, 500, "resourceVersion should not be"),
    ],
)
def test_refused_on_creation(
    api: httpx.Client, maps: str, change: dict[str, Any], code: int, text: str
) -> None:
    refused = api.post(maps, json={**config_map("a"), **change})
    assert refused.status_code == code
    assert text in message(refused)


def test_dry_run_changes_nothing(api: httpx.Client, maps: str) -> None:
    tried = api.post(f"{maps}?dryRun=All", json=config_map("a"))
    assert tried.status_code == 201
    assert tried.json()["metadata"]["uid"]
    assert "resourceVersion" not in tried.json()["metadata"]
    assert api.get(f"{maps}/a").status_code == 404
    api.post(maps, json=config_map("a"))
    patched = api.patch(f"{maps}/a?dryRun=All", json={"data": {"k": "v"}}, headers=MERGE)
    assert patched.json()["data"] == {"k": "v"}
    assert "data" not in api.get(f"{maps}/a").json()
    assert api.delete(f"{maps}/a?dryRun=All").status_code == 200
    assert api.get(f"{maps}/a").status_code == 200
    assert api.post(f"{maps}?dryRun=Some", json=config_map("b")).status_code == 422


def test_body_that_is_too_large(api: httpx.Client, maps: str) -> None:
    refused = api.post(maps, json={**config_map("a"), "data": {"k": "x" * (3 << 20)}})
    assert refused.status_code == 413
    assert refused.json()["reason"] == "RequestEntityTooLarge"


def test_bodies_in_other_formats(api: httpx.Client, maps: str) -> None:
    refused = api.post(maps, content=b"a=b", headers={"content-type": "text/plain"})
    assert refused.status_code == 415
    assert refused.json()["reason"] == "UnsupportedMediaType"
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\n"
    made = api.post(maps, content=text, headers={"content-type": "application/yaml"})
    assert made.status_code == 201
    broken = api.post(maps, content=b'{"a":', headers={"content-type": "application/json"})
    assert broken.status_code == 400


def test_unknown_paths_and_methods(api: httpx.Client, probes: str, maps: str) -> None:
    for path in ("/apis/nowhere.dev/v1", f"/apis/{GROUP}/v1/nothing", "/api/v1/nothing"):
        assert api.get(path).status_code == 404, path
    assert api.put(probes, json=probe("a")).status_code in (400, 405)
    assert api.post(f"{maps}/name", json=config_map("name")).status_code == 405
    assert api.get(f"{probes}/a/nothing").status_code == 404
