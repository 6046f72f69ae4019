"""Server-side apply and field ownership: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import MERGE, causes, config_map, eventually, message
from tests.kubernetes_emulator.definitions import GROUP, probe
from tests.kubernetes_emulator.same_as_real.applying import (
    APPLY,
    apply,
    owners,
    settings,
    typed,
)

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

TESTER = {**MERGE, "user-agent": "tester/1.0"}


@pytest.fixture
def typeds(kinds: None, namespace: str) -> str:
    """The path of this test's objects with lists of each type."""
    return f"/apis/{GROUP}/v1/namespaces/{namespace}/typeds"


def test_apply_creates_then_changes_then_leaves(api: httpx.Client, maps: str) -> None:
    made = apply(api, maps, settings(a="1", b="2"))
    assert made.status_code == 201
    assert owners(made) == {"one Apply": {"f:data": {"f:a": {}, "f:b": {}}}}
    again = apply(api, maps, settings(a="1", b="2"))
    assert (again.status_code, again.json()) == (200, made.json())
    changed = apply(api, maps, settings(a="3"))
    assert changed.json()["data"] == {"a": "3"}


def test_what_another_owns_is_a_conflict(api: httpx.Client, maps: str) -> None:
    apply(api, maps, settings(a="1", b="2"))
    refused = apply(api, maps, settings(a="9", b="8"), "two")
    assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
    assert causes(refused) == {
        (".data.a", "FieldManagerConflict", 'conflict with "one"'),
        (".data.b", "FieldManagerConflict", 'conflict with "one"'),
    }
    assert message(refused) == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b'
    )
    one = apply(api, maps, settings(a="9"), "two")
    assert message(one) == 'Apply failed with 1 conflict: conflict with "one": .data.a'


def test_force_takes_fields_over(api: httpx.Client, maps: str) -> None:
    apply(api, maps, settings(a="1", b="2"))
    forced = apply(api, maps, settings(a="9"), "two", force="true")
    assert forced.json()["data"] == {"a": "9", "b": "2"}
    assert owners(forced) == {
        "one Apply": {"f:data": {"f:b": {}}},
        "two Apply": {"f:data": {"f:a": {}}},
    }


def test_the_same_value_is_owned_together(api: httpx.Client, maps: str) -> None:
    apply(api, maps, settings(a="1"))
    apply(api, maps, settings(a="1"), "two")
    left = apply(api, maps, settings(b="2"))
    assert left.json()["data"] == {"a": "1", "b": "2"}
    gone = apply(api, maps, settings(), "two")
    assert gone.json()["data"] == {"b": "2"}
    assert owners(gone) == {"one Apply": {"f:data": {"f:b": {}}}}


def test_a_map_that_is_given_empty(api: httpx.Client, maps: str, cluster: Cluster) -> None:
    made = apply(api, maps, {**settings(), "data": {}})
    assert owners(made) == cluster.by_age(differences.EMPTY_MAPS)


def test_an_update_takes_what_it_changes(api: httpx.Client, maps: str) -> None:
    apply(api, maps, settings(a="1", b="2"))
    merged = api.patch(f"{maps}/c", json={"data": {"a": "5", "z": "6"}}, headers=TESTER)
    assert owners(merged) == {
        "one Apply": {"f:data": {"f:b": {}}},
        "tester Update": {"f:data": {"f:a": {}, "f:z": {}}},
    }
    refused = apply(api, maps, settings(a="1", b="2"))
    assert message(refused) == (
        'Apply failed with 1 conflict: conflict with "tester" using v1: .data.a'
    )
    removed = api.patch(f"{maps}/c", json={"data": {"a": None, "z": None}}, headers=TESTER)
    assert owners(removed) == {"one Apply": {"f:data": {"f:b": {}}}}
    none = api.patch(f"{maps}/c", json={"data": {"b": None}}, headers=TESTER)
    assert owners(none) == {}, "what is gone is nobody's"


def test_creation_owns_what_it_sets(api: httpx.Client, maps: str) -> None:
    body = config_map("c", a="b")
    body["metadata"] |= {"finalizers": ["x.y/z"], "annotations": {"n": "m"}}
    made = api.post(maps, json=body, headers={"user-agent": "tester/1.0 (of this)"})
    assert owners(made) == {
        "tester Update": {
            "f:metadata": {
                "f:annotations": {".": {}, "f:n": {}},
                "f:finalizers": {".": {}, 'v:"x.y/z"': {}},
                "f:labels": {".": {}, "f:a": {}},
            }
        }
    }


def test_managed_fields_can_be_reset_and_begin_again(api: httpx.Client, maps: str) -> None:
    api.post(maps, json=settings(a="1"), headers={"user-agent": "tester/1.0"})
    reset = api.patch(f"{maps}/c", json={"metadata": {"managedFields": [{}]}}, headers=TESTER)
    assert owners(reset) == {}
    changed = api.patch(f"{maps}/c", json={"data": {"a": "2"}}, headers=TESTER)
    assert owners(changed) == {}, "it is not tracked any more"
    refused = apply(api, maps, settings(a="3"))
    assert '"before-first-apply" using v1' in message(refused)
    first = apply(api, maps, settings(b="3"))
    assert owners(first) == {
        "one Apply": {"f:data": {"f:b": {}}},
        "before-first-apply Update": {"f:data": {".": {}, "f:a": {}}},
    }


def test_lists_are_merged_by_their_type(api: httpx.Client, typeds: str) -> None:
    items = [{"name": "x", "v": "1"}, {"name": "y"}]
    made = apply(api, typeds, typed(items=items, words=["a", "b"], whole={"x": "1"}))
    assert owners(made) == {
        "one Apply": {
            "f:spec": {
                "f:items": {
                    'k:{"name":"x"}': {".": {}, "f:name": {}, "f:v": {}},
                    'k:{"name":"y"}': {".": {}, "f:name": {}},
                },
                "f:whole": {},
                "f:words": {'v:"a"': {}, 'v:"b"': {}},
            }
        }
    }
    apply(api, typeds, typed(items=[{"name": "z", "v": "9"}], words=["c"]), "two")
    less = apply(api, typeds, typed(items=[{"name": "x"}], words=["b"], whole={"x": "1"}))
    spec = less.json()["spec"]
    assert sorted(spec["items"], key=lambda item: item["name"]) == [
        {"name": "x"},
        {"name": "z", "v": "9"},
    ]
    assert sorted(spec["words"]) == ["b", "c"]
    refused = apply(api, typeds, typed(items=[{"name": "z", "v": "8"}], whole={"y": "1"}))
    assert causes(refused) == {
        ('.spec.items[name="z"].v', "FieldManagerConflict", 'conflict with "two"')
    }


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"bogus": 1}, ".spec.bogus: field not declared in schema"),
        ({"items": [{"v": "1"}]}, ".spec.items: element 0: associative list with keys has an"),
        ({"words": ["a", "a"]}, '.spec.words: duplicate entries for key [="a"]'),
        ({"words": "a"}, ".spec.words: expected list"),
    ],
)
def test_what_does_not_fit_the_schema(
    api: httpx.Client, typeds: str, cluster: Cluster, spec: dict[str, Any], why: str
) -> None:
    refused = apply(api, typeds, typed(**spec))
    assert refused.status_code == 500
    named = cluster.by_age(differences.NAMED_IN_TYPED_PATCH)
    assert message(refused).startswith(f"failed to create typed patch object{named}: {why}")


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"apiVersion": "v2"}, 400, "Specified patch version: v2, expected: v1"),
        ({"metadata": {"name": "d"}}, 400, "does not match the name on the URL (c)"),
        (
            {"metadata": {"name": "c", "resourceVersion": "1"}},
            409,
            "the object has been modified",
        ),
        (
            {"metadata": {"name": "c", "managedFields": [{"manager": "x"}]}},
            400,
            "metadata.managedFields must be nil",
        ),
        ({"data": {"a": 1}}, 500, ".data.a: expected string, got &value.valueUnstructured"),
    ],
)
def test_applies_that_are_refused(
    api: httpx.Client, maps: str, change: Any, code: int, text: str
) -> None:
    apply(api, maps, settings(a="1"))
    refused = api.patch(
        f"{maps}/c?fieldManager=one", json={**settings(a="1"), **change}, headers=APPLY
    )
    assert (refused.status_code, text in message(refused)) == (code, True), refused.text


def test_an_apply_names_its_manager(api: httpx.Client, maps: str) -> None:
    refused = api.patch(f"{maps}/c", json=settings(a="1"), headers=APPLY)
    assert refused.status_code == 422
    assert "fieldManager: Required value: is required for apply patch" in message(refused)


def test_force_is_for_apply_only(api: httpx.Client, maps: str) -> None:
    api.post(maps, json=settings(a="1"))
    refused = api.patch(f"{maps}/c?force=true", json={}, headers=MERGE)
    assert refused.status_code == 422
    assert "force: Forbidden: may not be specified for non-apply patch" in message(refused)


def test_dry_run_applies_nothing(api: httpx.Client, maps: str) -> None:
    tried = apply(api, maps, settings(a="1"), dryRun="All")
    assert (tried.status_code, tried.json()["data"]) == (201, {"a": "1"})
    assert api.get(f"{maps}/c").status_code == 404


def test_schemas_hold_for_what_is_applied(api: httpx.Client, probes: str) -> None:
    refused = apply(api, probes, probe("a", n=9))
    assert refused.status_code == 422
    made = apply(api, probes, probe("a", n=2))
    assert made.json()["spec"]["d"] == "hey"


def test_defaults_are_nobodys_after_an_apply(api: httpx.Client, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "i:1", "env": [{"name": "E"}]}]},
    }
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = apply(api, path, pod)
    assert made.json()["spec"]["restartPolicy"] == "Always"
    assert owners(made) == {
        "one Apply": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"a"}': {
                        ".": {},
                        "f:env": {'k:{"name":"E"}': {".": {}, "f:name": {}}},
                        "f:image": {},
                        "f:name": {},
                    }
                }
            }
        }
    }


def test_status_is_applied_by_itself(api: httpx.Client, splits: str, cluster: Cluster) -> None:
    wanted = {**probe("a", "Split"), "status": {"phase": "x"}}
    made = apply(api, splits, wanted)
    assert "status" not in made.json()
    set_ = api.patch(f"{splits}/a/status?fieldManager=two", json=wanted, headers=APPLY)
    assert set_.status_code == cluster.by_age(differences.STATUS_IS_RESET)
    assert apply(api, splits, wanted).status_code == 200
    none = api.patch(f"{splits}/none/status?fieldManager=two", json=wanted, headers=APPLY)
    assert none.status_code in (400, 404)


def test_creating_by_apply_needs_both_rights(
    api: httpx.Client, maps: str, cluster: Cluster
) -> None:
    if cluster.is_real:
        pytest.skip("the answer of the old server to the same is not settled yet")
    root = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + maps.split("/")[4]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "patcher"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "patchers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"},
        "subjects": [{"kind": "Group", "name": "developers"}],
    }
    assert api.post(f"{root}/roles", json=role).status_code == 201
    assert api.post(f"{root}/rolebindings", json=binding).status_code == 201
    with cluster.client("devtoken") as dev:
        eventually(
            lambda: (
                'cannot create resource "configmaps"' in message(apply(dev, maps, settings(a="1")))
            )
        )
        apply(api, maps, settings(a="1"))
        assert apply(dev, maps, settings(b="1"), "two").status_code == 200
