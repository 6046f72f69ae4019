"""Strategic merge patch of built-in kinds: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator.api_calls import STRATEGIC, message

if TYPE_CHECKING:
    import httpx


def _item(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": f"{name}:1", **more}


@pytest.fixture
def deployment(api: httpx.Client, namespace: str) -> str:
    """The path of a deployment with two containers and two volumes."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"a": "1"}, "finalizers": ["x.y/a", "x.y/b"]},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {
                "metadata": {"labels": {"app": "d"}},
                "spec": {
                    "containers": [
                        _item("a", args=["x", "y"], env=[{"name": "E", "value": "1"}]),
                        _item("b", ports=[{"containerPort": 80}, {"containerPort": 81}]),
                    ],
                    "volumes": [
                        {"name": "v", "emptyDir": {}},
                        {"name": "w", "emptyDir": {}},
                    ],
                },
            },
        },
    }
    made = api.post(path, json=body)
    assert made.status_code == 201, made.text
    return f"{path}/d"


def patched(api: httpx.Client, path: str, pod: dict[str, Any]) -> dict[str, Any]:
    """Patch the spec of the pods, and return it."""
    change = {"spec": {"template": {"spec": pod}}}
    answer = api.patch(path, json=change, headers=STRATEGIC)
    assert answer.status_code == 200, answer.text
    spec: dict[str, Any] = answer.json()["spec"]["template"]["spec"]
    return spec


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


@pytest.mark.parametrize(
    ("change", "order"),
    [
        ([_item("c")], ["c", "a", "b"]),
        ([_item("b"), _item("a")], ["b", "a"]),
        ([_item("c"), _item("a")], ["c", "a", "b"]),
        ([{"name": "a", "$patch": "delete"}], ["b"]),
        ([{"name": "a", "$patch": "delete"}, _item("c")], ["c", "b"]),
        ([{"$patch": "replace"}, _item("z")], ["z"]),
    ],
)
def test_containers_are_merged_by_name(
    api: httpx.Client, deployment: str, change: list[dict[str, Any]], order: list[str]
) -> None:
    assert names(patched(api, deployment, {"containers": change})["containers"]) == order


@pytest.mark.parametrize(
    ("order", "change", "result"),
    [
        (["b", "a"], [], ["b", "a"]),
        (["c", "b", "a"], [_item("c")], ["c", "b", "a"]),
        (["b", "c"], [_item("c")], ["a", "b", "c"]),
        (["b"], [{"name": "a", "$patch": "delete"}], ["b"]),
    ],
)
def test_the_order_of_a_list_can_be_given(
    api: httpx.Client,
    deployment: str,
    order: list[str],
    change: list[dict[str, Any]],
    result: list[str],
) -> None:
    directive = {"$setElementOrder/containers": [{"name": name} for name in order]}
    pod = {**directive, **({"containers": change} if change else {})}
    assert names(patched(api, deployment, pod)["containers"]) == result


def test_within_an_item(api: httpx.Client, deployment: str) -> None:
    change = {"name": "a", "args": ["z"], "env": [{"name": "F", "value": "2"}], "image": "a:2"}
    first = patched(api, deployment, {"containers": [change]})["containers"][0]
    assert (first["image"], first["args"]) == ("a:2", ["z"]), "a list without a key is replaced"
    assert sorted(first["env"], key=lambda item: item["name"]) == [
        {"name": "E", "value": "1"},
        {"name": "F", "value": "2"},
    ]
    ports = [{"containerPort": 81, "name": "web"}, {"containerPort": 80, "$patch": "delete"}]
    second = patched(api, deployment, {"containers": [{"name": "b", "ports": ports}]})
    assert second["containers"][1]["ports"] == [
        {"containerPort": 81, "name": "web", "protocol": "TCP"}
    ]


def test_fields_that_exclude_each_other(api: httpx.Client, deployment: str) -> None:
    volume = {"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}
    changed = patched(api, deployment, {"volumes": [volume]})["volumes"]
    assert {"name": "v", "hostPath": {"path": "/x", "type": ""}} in changed
    assert {"name": "w", "emptyDir": {}} in changed
    strategy = {"$retainKeys": ["type"], "type": "Recreate"}
    answer = api.patch(deployment, json={"spec": {"strategy": strategy}}, headers=STRATEGIC)
    assert answer.json()["spec"]["strategy"] == {"type": "Recreate"}


def test_maps_and_plain_lists(api: httpx.Client, deployment: str) -> None:
    change = {
        "metadata": {
            "$deleteFromPrimitiveList/finalizers": ["x.y/a"],
            "labels": {"$patch": "replace", "n": "m"},
            "annotations": {"o": "p"},
        }
    }
    metadata = api.patch(deployment, json=change, headers=STRATEGIC).json()["metadata"]
    assert (metadata["finalizers"], metadata["labels"]) == (["x.y/b"], {"n": "m"})
    more = {"metadata": {"finalizers": ["x.y/c", "x.y/b"], "labels": {"n": None}}}
    metadata = api.patch(deployment, json=more, headers=STRATEGIC).json()["metadata"]
    assert sorted(metadata["finalizers"]) == ["x.y/b", "x.y/c"]
    assert "labels" not in metadata


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        (
            {"template": {"spec": {"containers": [{"image": "z"}]}}},
            500,
            "map: map[image:z] does not contain declared merge key: name",
        ),
        ({"$patch": "foo"}, 500, "unknown patch type: foo in map: map[$patch:foo]"),
        (
            {"strategy": {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": {}}},
            400,
            "invalid patch format of retainKeys",
        ),
        (
            {
                "template": {
                    "spec": {
                        "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
                        "containers": [{"name": "a"}, {"name": "b"}],
                    }
                }
            },
            500,
            (
                "The order in patch list:\n[map[name:a] map[name:b]]\n doesn't match "
                "$setElementOrder list:\n[map[name:b] map[name:a]]\n"
            ),
        ),
    ],
)
def test_patches_that_are_malformed(
    api: httpx.Client, deployment: str, spec: dict[str, Any], code: int, text: str
) -> None:
    refused = api.patch(deployment, json={"spec": spec}, headers=STRATEGIC)
    assert (refused.status_code, message(refused)) == (code, text)


def test_containers_that_are_added_get_their_defaults(api: httpx.Client, deployment: str) -> None:
    added = patched(api, deployment, {"containers": [_item("c")]})["containers"][2]
    assert added["imagePullPolicy"] == "IfNotPresent"
    assert added["resources"] == {}
