"""RBAC decisions, by tables."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.kubernetes.authorization import RBAC_GROUP, RbacAuthorizer, rule_allows
from bridge.sandbox.kubernetes.identity import Attributes, Identity
from bridge.sandbox.kubernetes.objects import ObjectStore

GET_POD = Attributes("get", resource="pods", namespace="shop", name="carts")


def role(store: ObjectStore, name: str, *rules: dict[str, Any], namespace: str = "") -> None:
    resource = "roles" if namespace else "clusterroles"
    store.create((RBAC_GROUP, resource, namespace, name), {"rules": list(rules)})


def bind(
    store: ObjectStore,
    name: str,
    role_name: str,
    subject: dict[str, str],
    *,
    namespace: str = "",
    kind: str = "ClusterRole",
) -> None:
    resource = "rolebindings" if namespace else "clusterrolebindings"
    store.create(
        (RBAC_GROUP, resource, namespace, name),
        {
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": role_name},
            "subjects": [subject],
        },
    )


@pytest.mark.parametrize(
    ("rule", "attributes", "allowed"),
    [
        ({"resources": ["pods"]}, GET_POD, True),
        ({"resources": ["*"]}, GET_POD, True),
        ({"resources": ["services"]}, GET_POD, False),
        ({"resources": ["pods"], "apiGroups": ["apps"]}, GET_POD, False),
        ({"resources": ["pods"], "apiGroups": ["*"]}, GET_POD, True),
        ({"resources": ["pods"], "verbs": ["list"]}, GET_POD, False),
        ({"resources": ["pods"], "verbs": ["*"]}, GET_POD, True),
        ({"resources": ["pods"], "verbs": []}, GET_POD, False),
        ({"resources": ["pods"], "resourceNames": ["carts"]}, GET_POD, True),
        ({"resources": ["pods"], "resourceNames": ["user"]}, GET_POD, False),
        ({"resources": ["pods"]}, Attributes("get", resource="pods", subresource="log"), False),
        ({"resources": ["pods/log"]}, Attributes("get", resource="pods", subresource="log"), True),
        ({"resources": ["pods/log"]}, GET_POD, False),
        ({"resources": ["*/log"]}, Attributes("get", resource="pods", subresource="log"), True),
        ({"resources": ["*/scale"]}, Attributes("get", resource="pods", subresource="log"), False),
        ({"resources": ["*"]}, Attributes("get", resource="pods", subresource="log"), True),
        ({"nonResourceURLs": ["/healthz"]}, Attributes("get", non_resource_path="/healthz"), True),
        ({"nonResourceURLs": ["/api/*"]}, Attributes("get", non_resource_path="/api/v1"), True),
        ({"nonResourceURLs": ["/api/*"]}, Attributes("get", non_resource_path="/apis"), False),
        ({"nonResourceURLs": ["*"]}, Attributes("get", non_resource_path="/metrics"), True),
        ({"resources": ["*"]}, Attributes("get", non_resource_path="/metrics"), False),
        ({"nonResourceURLs": ["*"]}, GET_POD, False),
    ],
)
def test_rule(rule: dict[str, Any], attributes: Attributes, *, allowed: bool) -> None:
    complete = {"verbs": ["get"], "apiGroups": [""], **rule}
    assert rule_allows(complete, attributes) is allowed


@pytest.mark.parametrize("verb", ["create", "list", "watch", "deletecollection"])
def test_requests_without_a_name_are_not_covered_by_resource_names(verb: str) -> None:
    rule = {"verbs": ["*"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["carts"]}
    assert not rule_allows(rule, Attributes(verb, resource="pods", namespace="shop"))
    # The field selector metadata.name=carts gives the request a name.
    assert rule_allows(rule, Attributes(verb, resource="pods", namespace="shop", name="carts"))


READ = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}


@pytest.mark.parametrize(
    ("subject", "identity"),
    [
        ({"kind": "User", "name": "ann"}, Identity("ann")),
        ({"kind": "Group", "name": "team"}, Identity("bob", groups=("team",))),
        (
            {"kind": "ServiceAccount", "name": "bot", "namespace": "ci"},
            Identity("system:serviceaccount:ci:bot"),
        ),
        ({"kind": "ServiceAccount", "name": "bot"}, Identity("system:serviceaccount:shop:bot")),
    ],
)
def test_role_binding_counts_in_its_namespace_only(
    subject: dict[str, str], identity: Identity
) -> None:
    store = ObjectStore()
    role(store, "reader", READ)
    bind(store, "readers", "reader", subject, namespace="shop")
    authorize = RbacAuthorizer(store)
    assert authorize(identity, GET_POD).allowed
    assert not authorize(identity, Attributes("get", resource="pods", namespace="other")).allowed
    assert not authorize(identity, Attributes("get", resource="pods")).allowed
    assert not authorize(Identity("eve"), GET_POD).allowed


def test_cluster_role_binding_counts_everywhere_and_says_why() -> None:
    store = ObjectStore()
    role(store, "reader", READ)
    bind(store, "readers", "reader", {"kind": "Group", "name": "team"})
    decision = RbacAuthorizer(store)(Identity("ann", groups=("team",)), GET_POD)
    assert decision.allowed
    assert decision.reason == (
        'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "team"'
    )


def test_role_of_another_namespace_is_not_found() -> None:
    store = ObjectStore()
    role(store, "reader", READ, namespace="other")
    bind(store, "r", "reader", {"kind": "User", "name": "ann"}, namespace="shop", kind="Role")
    decision = RbacAuthorizer(store)(Identity("ann"), GET_POD)
    assert not decision.allowed
    assert decision.reason == f'RBAC: role.{RBAC_GROUP} "reader" not found'


def test_cluster_binding_cannot_refer_to_a_role() -> None:
    store = ObjectStore()
    role(store, "reader", READ, namespace="shop")
    bind(store, "r", "reader", {"kind": "User", "name": "ann"}, kind="Role")
    assert not RbacAuthorizer(store)(Identity("ann"), GET_POD).allowed


def test_non_resource_urls_are_granted_cluster_wide_only() -> None:
    store = ObjectStore()
    role(store, "health", {"verbs": ["get"], "nonResourceURLs": ["/healthz"]})
    bind(store, "near", "health", {"kind": "User", "name": "ann"}, namespace="shop")
    bind(store, "wide", "health", {"kind": "User", "name": "bob"})
    authorize = RbacAuthorizer(store)
    wanted = Attributes("get", non_resource_path="/healthz")
    assert not authorize(Identity("ann"), wanted).allowed
    assert authorize(Identity("bob"), wanted).allowed


def test_masters_need_no_role() -> None:
    authorize = RbacAuthorizer(ObjectStore())
    assert authorize(Identity("root", groups=("system:masters",)), GET_POD).allowed
    assert not authorize(Identity("root"), GET_POD).allowed


def test_a_change_counts_from_the_next_request_on() -> None:
    store = ObjectStore()
    authorize = RbacAuthorizer(store)
    role(store, "reader", READ)
    assert not authorize(Identity("ann"), GET_POD).allowed
    bind(store, "readers", "reader", {"kind": "User", "name": "ann"})
    assert authorize(Identity("ann"), GET_POD).allowed
    store.delete((RBAC_GROUP, "clusterrolebindings", "", "readers"))
    assert not authorize(Identity("ann"), GET_POD).allowed


def test_rules_lists_what_holds_in_a_namespace() -> None:
    store = ObjectStore()
    role(store, "reader", READ)
    bind(store, "readers", "reader", {"kind": "User", "name": "ann"}, namespace="shop")
    authorizer = RbacAuthorizer(store)
    assert authorizer.rules(Identity("ann"), "shop") == [READ]
    assert authorizer.rules(Identity("ann"), "other") == []
