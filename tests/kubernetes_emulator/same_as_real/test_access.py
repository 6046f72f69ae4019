"""Tokens, rights, impersonation and reviews: the same on the emulator and on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kubernetes_emulator.api_calls import MERGE, eventually, message

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster


IN_DEFAULT = 'in the namespace "default"'
EVERYWHERE = "at the cluster scope"
CHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/default/networkchaos/x"


@pytest.mark.parametrize(
    ("path", "what", "verb", "resource", "group", "where"),
    [
        ("/api/v1/namespaces/default/pods", "pods", "list", "pods", "", IN_DEFAULT),
        ("/api/v1/pods", "pods", "list", "pods", "", EVERYWHERE),
        ("/api/v1/pods?watch=true", "pods", "watch", "pods", "", EVERYWHERE),
        ("/api/v1/namespaces/default/pods/x", 'pods "x"', "get", "pods", "", IN_DEFAULT),
        (
            "/api/v1/namespaces/default/pods/x/status",
            'pods "x"',
            "get",
            "pods/status",
            "",
            IN_DEFAULT,
        ),
        (
            "/api/v1/namespaces/default",
            'namespaces "default"',
            "get",
            "namespaces",
            "",
            IN_DEFAULT,
        ),
        (
            CHAOS,
            'networkchaos.chaos-mesh.org "x"',
            "get",
            "networkchaos",
            "chaos-mesh.org",
            IN_DEFAULT,
        ),
    ],
)
def test_refusals(
    cluster: Cluster, path: str, *, what: str, verb: str, resource: str, group: str, where: str
) -> None:
    with cluster.client("devtoken") as dev:
        refused = dev.get(path)
    assert refused.status_code == 403
    assert refused.json()["reason"] == "Forbidden"
    assert message(refused) == (
        f'{what} is forbidden: User "dev" cannot {verb} resource "{resource}" in API group '
        f'"{group}" {where}'
    )


def test_refusal_of_other_paths(cluster: Cluster) -> None:
    with cluster.client("devtoken") as dev:
        refused = dev.get("/nothing")
    assert refused.status_code == 403
    assert message(refused) == 'forbidden: User "dev" cannot get path "/nothing"'


def test_wrong_and_missing_tokens(cluster: Cluster) -> None:
    with cluster.client("nobody's") as stranger:
        refused = stranger.get("/api/v1/pods")
    assert refused.status_code == 401
    assert refused.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    with cluster.client("") as anonymous:
        assert 'User "system:anonymous" cannot list' in message(anonymous.get("/api/v1/pods"))
        assert anonymous.get("/healthz").text == "ok"
        assert anonymous.get("/version").json()["major"] == "1"


def test_impersonation(cluster: Cluster, api: httpx.Client) -> None:
    bob = {"impersonate-user": "bob", "impersonate-group": "friends"}
    assert 'User "bob" cannot list' in message(api.get("/api/v1/pods", headers=bob))
    master = {"impersonate-user": "bob", "impersonate-group": "system:masters"}
    assert api.get("/api/v1/pods", headers=master).status_code == 200
    with cluster.client("devtoken") as dev:
        refused = dev.get("/api/v1/pods", headers=bob)
    assert message(refused) == (
        'users "bob" is forbidden: User "dev" cannot impersonate resource "users" in API '
        'group "" at the cluster scope'
    )
    userless = api.get("/api/v1/pods", headers={"impersonate-group": "friends"})
    assert userless.status_code == 500


def test_roles_take_effect(cluster: Cluster, api: httpx.Client, namespace: str) -> None:
    root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"kind": "Role", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "Group", "name": "developers"}],
    }
    assert api.post(f"{root}/roles", json=role).status_code == 201
    made = api.post(f"{root}/rolebindings", json=binding)
    assert made.status_code == 201
    assert made.json()["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
    pods = f"/api/v1/namespaces/{namespace}/pods"
    with cluster.client("devtoken") as dev:
        eventually(lambda: dev.get(pods).status_code == 200)
        assert dev.delete(f"{pods}/x").status_code == 403

        def may(verb: str) -> bool:
            asked = {"namespace": namespace, "verb": verb, "resource": "pods"}
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": asked},
            }
            path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            answer = dev.post(path, json=review)
            assert answer.status_code == 201, answer.text
            return bool(answer.json()["status"]["allowed"])

        assert may("list")
        assert not may("delete")
    changed = api.patch(
        f"{root}/rolebindings/reader", json={"roleRef": {"name": "other"}}, headers=MERGE
    )
    assert changed.status_code == 422
    assert "cannot change roleRef" in message(changed)


def test_reviews(api: httpx.Client) -> None:
    token = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": "devtoken"},
    }
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    user = api.post(path, json=token).json()["status"]["user"]
    assert (user["username"], set(user["groups"])) == (
        "dev",
        {"developers", "system:authenticated"},
    )
    token["spec"] = {"token": "nobody's"}
    answer = api.post(path, json=token)
    assert answer.status_code == 201
    assert not answer.json()["status"].get("authenticated")
    assert api.get(path).status_code == 405
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "dev", "nonResourceAttributes": {"path": "/x", "verb": "get"}},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert api.post(path, json=review).json()["status"]["allowed"] is False
    review["spec"] = {"user": "dev"}
    refused = api.post(path, json=review)
    assert refused.status_code in (400, 422)
    assert "exactly one of nonResourceAttributes or resourceAttributes" in message(refused)
