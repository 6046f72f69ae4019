"""Deleting, and what goes along: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator.api_calls import (
    MERGE,
    causes,
    config_map,
    eventually,
    message,
    names,
)
from tests.kubernetes_emulator.definitions import GROUP, definition, probe

if TYPE_CHECKING:
    import httpx


def test_deleted_object_is_reported_and_gone(api: httpx.Client, maps: str) -> None:
    made = api.post(maps, json=config_map("a")).json()
    gone = api.delete(f"{maps}/a")
    assert gone.status_code == 200
    assert gone.json()["status"] == "Success"
    assert gone.json()["details"] == {
        "name": "a",
        "kind": "configmaps",
        "uid": made["metadata"]["uid"],
    }
    assert api.delete(f"{maps}/a").status_code == 404


def test_finalizer_keeps_an_object_until_it_is_removed(api: httpx.Client, probes: str) -> None:
    made = probe("a")
    made["metadata"]["finalizers"] = ["example.com/hold"]
    api.post(probes, json=made)
    leaving = api.delete(f"{probes}/a")
    assert leaving.status_code == 200
    metadata = leaving.json()["metadata"]
    assert metadata["deletionTimestamp"]
    assert (metadata["deletionGracePeriodSeconds"], metadata["generation"]) == (0, 2)
    again = api.delete(f"{probes}/a").json()["metadata"]
    assert again["deletionTimestamp"] == metadata["deletionTimestamp"]
    added = api.patch(
        f"{probes}/a",
        json={"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}},
        headers=MERGE,
    )
    assert added.status_code == 422
    assert causes(added) == {
        (
            "metadata.finalizers",
            "FieldValueForbidden",
            (
                "Forbidden: no new finalizers can be added if the object is being deleted, found "
                'new finalizers []string{"example.com/more"}'
            ),
        )
    }
    freed = api.patch(f"{probes}/a", json={"metadata": {"finalizers": None}}, headers=MERGE)
    assert freed.status_code == 200
    assert "finalizers" not in freed.json()["metadata"]
    assert api.get(f"{probes}/a").status_code == 404


def test_preconditions(api: httpx.Client, probes: str) -> None:
    made = api.post(probes, json=probe("a")).json()["metadata"]

    def delete(**conditions: str) -> httpx.Response:
        return api.request("DELETE", f"{probes}/a", json={"preconditions": conditions})

    other = delete(uid="other")
    assert other.status_code == 409
    assert message(other) == (
        f'Operation cannot be fulfilled on Probe.{GROUP} "a": the UID in the precondition '
        f"(other) does not match the UID in record ({made['uid']}). The object might have "
        "been deleted and then recreated"
    )
    assert delete(resourceVersion="1").status_code == 409
    assert delete(uid=made["uid"], resourceVersion=made["resourceVersion"]).status_code == 200


def test_collection_by_label(api: httpx.Client, maps: str) -> None:
    for name, app in (("a", "x"), ("b", "x"), ("c", "y")):
        api.post(maps, json=config_map(name, app=app))
    assert api.delete(f"{maps}?labelSelector=app%3Dx").status_code == 200
    assert names(api.get(f"{maps}?labelSelector=app")) == ["c"]


def test_namespace_takes_its_objects_along(api: httpx.Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    api.post(f"{path}/configmaps", json=held)
    api.post(f"{path}/configmaps", json=config_map("free"))
    leaving = api.delete(path)
    assert leaving.status_code == 200
    assert leaving.json()["metadata"]["deletionTimestamp"]
    eventually(lambda: api.get(f"{path}/configmaps/free").status_code == 404)
    assert api.get(path).json()["status"]["phase"] == "Terminating"
    late = api.post(f"{path}/configmaps", json=config_map("late"))
    assert late.status_code == 403
    assert "because it is being terminated" in message(late)
    freed = api.patch(
        f"{path}/configmaps/held", json={"metadata": {"finalizers": None}}, headers=MERGE
    )
    assert freed.status_code == 200
    eventually(lambda: api.get(path).status_code == 404)


def test_default_namespace_stays(api: httpx.Client) -> None:
    refused = api.delete("/api/v1/namespaces/default")
    assert refused.status_code == 403
    assert message(refused).startswith('namespaces "default" is forbidden: ')


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_dependents(api: httpx.Client, maps: str, policy: str) -> None:
    owner = api.post(maps, json=config_map("owner")).json()["metadata"]
    dependent = config_map("dependent")
    dependent["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner["uid"],
            "blockOwnerDeletion": True,
        }
    ]
    assert api.post(maps, json=dependent).status_code == 201
    deleted = api.delete(f"{maps}/owner?propagationPolicy={policy}")
    assert deleted.status_code == 200
    eventually(lambda: api.get(f"{maps}/owner").status_code == 404)
    if policy == "Orphan":
        kept = api.get(f"{maps}/dependent").json()["metadata"]
        assert "ownerReferences" not in kept
    else:
        eventually(lambda: api.get(f"{maps}/dependent").status_code == 404)


def test_foreground_deletion_waits_for_dependents(api: httpx.Client, maps: str) -> None:
    owner = api.post(maps, json=config_map("owner")).json()["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    dependent = config_map("dependent")
    dependent["metadata"] |= {
        "finalizers": ["example.com/hold"],
        "ownerReferences": [{**reference, "blockOwnerDeletion": True}],
    }
    assert api.post(maps, json=dependent).status_code == 201
    leaving = api.delete(f"{maps}/owner?propagationPolicy=Foreground")
    assert leaving.json()["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(
        lambda: "deletionTimestamp" in api.get(f"{maps}/dependent").json().get("metadata", {})
    )
    assert api.get(f"{maps}/owner").status_code == 200
    api.patch(f"{maps}/dependent", json={"metadata": {"finalizers": None}}, headers=MERGE)
    eventually(lambda: api.get(f"{maps}/owner").status_code == 404)


def test_foreground_deletion_waits_for_dependents_of_dependents(
    api: httpx.Client, maps: str
) -> None:
    owned: list[dict[str, Any]] = []
    for name in ("owner", "between", "last"):
        one = config_map(name)
        one["metadata"]["ownerReferences"] = owned
        if name == "last":
            one["metadata"]["finalizers"] = ["example.com/hold"]
        about = api.post(maps, json=one).json()["metadata"]
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": about["uid"]}
        owned = [{**reference, "blockOwnerDeletion": True}]
    api.delete(f"{maps}/owner?propagationPolicy=Foreground")
    eventually(lambda: "deletionTimestamp" in api.get(f"{maps}/last").json().get("metadata", {}))
    for name in ("owner", "between"):
        assert api.get(f"{maps}/{name}").json()["metadata"]["finalizers"] == ["foregroundDeletion"]
    api.patch(f"{maps}/last", json={"metadata": {"finalizers": None}}, headers=MERGE)
    eventually(lambda: api.get(f"{maps}/owner").status_code == 404)


def test_definition_stays_until_its_objects_are_gone(
    api: httpx.Client, kinds: None, namespace: str
) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert api.post(path, json=definition("sticks", "Stick")).status_code == 201
    sticks = f"/apis/{GROUP}/v1/namespaces/{namespace}/sticks"
    held = probe("a", "Stick")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    eventually(lambda: api.post(sticks, json=held).status_code in (201, 409))
    leaving = api.delete(f"{path}/sticks.{GROUP}")
    assert leaving.json()["metadata"]["deletionTimestamp"]
    eventually(lambda: "deletionTimestamp" in api.get(f"{sticks}/a").json()["metadata"])
    assert api.get(f"{path}/sticks.{GROUP}").status_code == 200
    api.patch(f"{sticks}/a", json={"metadata": {"finalizers": None}}, headers=MERGE)
    eventually(lambda: api.get(f"{path}/sticks.{GROUP}").status_code == 404)


def test_definition_takes_its_objects_along(api: httpx.Client, kinds: None, namespace: str) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    short_lived = definition("ghosts", "Ghost")
    assert api.post(path, json=short_lived).status_code == 201
    ghosts = f"/apis/{GROUP}/v1/namespaces/{namespace}/ghosts"
    eventually(lambda: api.get(ghosts).status_code == 200)
    eventually(lambda: api.post(ghosts, json=probe("a", "Ghost")).status_code in (201, 409))
    deleted = api.delete(f"{path}/ghosts.{GROUP}")
    assert deleted.status_code == 200
    eventually(lambda: api.get(f"{path}/ghosts.{GROUP}").status_code == 404)
    eventually(lambda: api.get(ghosts).status_code == 404)
