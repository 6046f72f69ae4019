"""What RBAC objects allow, judged as the emulator's own authorizer judges them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sandbox.kubernetes.authorization import RbacAuthorizer
from bridge.sandbox.kubernetes.identity import Attributes, Identity
from bridge.sandbox.kubernetes.objects import ObjectStore
from rbac.access_entries import AccessPolicy
from rbac.mapping import Entry
from rbac.report import Mapped, report
from rbac.rights import INJECTING, VERBS, RbacObjects, Rights, rights_of

GROUP = "rbac.authorization.k8s.io"
NAMESPACES = ("a", "b")

_rules = st.fixed_dictionaries(
    {
        "apiGroups": st.lists(
            st.sampled_from(["chaos-mesh.org", "litmuschaos.io", "", "*"]), max_size=2
        ),
        "resources": st.lists(
            st.sampled_from(["networkchaos", "podchaos", "chaosengines", "pods", "*"]), max_size=2
        ),
        "verbs": st.lists(st.sampled_from(["create", "get", "delete", "patch", "*"]), max_size=2),
    },
    optional={"resourceNames": st.lists(st.sampled_from(["x"]), max_size=1)},
)
_subjects = st.sampled_from(
    [
        {"kind": "User", "name": "u"},
        {"kind": "Group", "name": "g"},
        {"kind": "User", "name": "other"},
        {"kind": "Group", "name": "system:authenticated"},
    ]
)


@st.composite
def objects(draw: st.DrawFn) -> RbacObjects:
    """A few roles and bindings, some of which refer to what is not there."""

    def role(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        about = {"name": name, **({"namespace": namespace} if namespace else {})}
        return {"kind": kind, "metadata": about, "rules": draw(st.lists(_rules, max_size=2))}

    def binding(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        about = {"name": name, **({"namespace": namespace} if namespace else {})}
        kinds = ["ClusterRole", "Role"] if namespace else ["ClusterRole"]
        reference = {"apiGroup": GROUP, "kind": draw(st.sampled_from(kinds))}
        reference["name"] = draw(st.sampled_from(["r", "s", "missing"]))
        subjects = draw(st.lists(_subjects, max_size=2))
        return {"kind": kind, "metadata": about, "roleRef": reference, "subjects": subjects}

    return RbacObjects(
        [role("Role", "r", one) for one in NAMESPACES],
        [role("ClusterRole", name) for name in ("r", "s")],
        [binding("RoleBinding", f"b{one}", one) for one in NAMESPACES],
        [binding("ClusterRoleBinding", "b")],
    )


def _stored(found: RbacObjects) -> ObjectStore:
    store = ObjectStore()
    for plural, listed in (
        ("roles", found.roles),
        ("clusterroles", found.cluster_roles),
        ("rolebindings", found.role_bindings),
        ("clusterrolebindings", found.cluster_role_bindings),
    ):
        for one in listed:
            about = one["metadata"]
            key = (GROUP, plural, about.get("namespace", ""), about["name"])
            store.create(key, dict(one))
    return store


@settings(deadline=None, max_examples=60)
@given(objects())
def test_the_report_says_what_the_authorizer_decides(found: RbacObjects) -> None:
    authorizer = RbacAuthorizer(_stored(found))
    identity = Identity("u", groups=("g", "system:authenticated"))
    entry = Mapped(Entry("arn", "u", ("g",)))
    line = next(one for one in report("c", "", [entry], rights_of(found)).lines if one.who == "arn")
    for kind in ("NetworkChaos", "PodChaos", "ChaosEngine"):
        known = INJECTING[kind]
        for verb in VERBS:
            for namespace in (*NAMESPACES, "c"):
                for name in ("x", "y", ""):
                    if (name == "") is not (
                        verb in ("create", "list", "watch", "deletecollection")
                    ):
                        continue
                    asked = Attributes(
                        verb,
                        known.group,
                        "v1alpha1",
                        known.plural,
                        namespace=namespace,
                        name=name,
                    )
                    told = any(
                        kind in grant.kinds
                        and verb in grant.verbs
                        and grant.namespace in ("", namespace)
                        and (not grant.names or name in grant.names)
                        for grant in line.grants
                    )
                    assert told is authorizer(identity, asked).allowed, asked


def test_ways_to_more_rights_and_to_all_are_told() -> None:
    lever = {"apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"]}
    role = {"metadata": {"name": "r"}, "rules": [lever]}
    reference = {"kind": "ClusterRole", "name": "r"}
    binding = {
        "metadata": {"name": "b"},
        "roleRef": reference,
        "subjects": [{"kind": "User", "name": "u"}],
    }
    local = {**binding, "metadata": {"name": "l", "namespace": "n"}}
    found = rights_of(RbacObjects((), [role], [local], [binding]))
    (line,) = report("c", "", [], found).lines
    assert line.levers == ("may impersonate groups: any (ClusterRoleBinding b to ClusterRole r)",)
    assert not line.injects

    nobody = Rights((), ())
    masters = Mapped(Entry("arn", "u", ("system:masters",)))
    admin = Mapped(Entry("arn", "u"), (AccessPolicy("AmazonEKSClusterAdminPolicy", ("n",)),))
    viewer = Mapped(Entry("arn", "u"), (AccessPolicy("AmazonEKSViewPolicy"),))
    assert [one.injects for one in report("c", "", [masters, admin, viewer], nobody).lines] == [
        True,
        True,
        False,
    ]


def _line_of(rule: dict[str, Any], subject: dict[str, str]) -> Any:
    role = {"metadata": {"name": "r"}, "rules": [rule]}
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [subject],
    }
    rights = rights_of(RbacObjects((), [role], (), [binding]))
    found = report("c", "", [Mapped(Entry("arn", "u", ("g",)))], rights)
    return next(line for line in found.lines if line.who == "arn")


def test_a_rule_about_named_resources_lets_nobody_inject() -> None:
    rule = {"apiGroups": ["*"], "resources": ["podchaos"], "verbs": ["*"]}
    user = {"kind": "User", "name": "u"}
    assert _line_of(rule, user).injects
    line = _line_of({**rule, "resourceNames": ["x"]}, user)
    assert not line.injects
    assert "delete" in line.grants[0].verbs
    assert "only named x" in "\n".join(line.text())


def test_what_everybody_who_is_known_may_do_a_mapped_principal_may_too() -> None:
    rule = {"apiGroups": ["chaos-mesh.org"], "resources": ["*"], "verbs": ["create"]}
    line = _line_of(rule, {"kind": "Group", "name": "system:authenticated"})
    assert line.injects
    assert "all kinds of chaos-mesh.org" in "\n".join(line.text())
    assert not _line_of(rule, {"kind": "Group", "name": "system:unauthenticated"}).injects


@pytest.mark.parametrize("user", ["u:{{SessionName}}", "u:{{ SessionName }}", "u:{{\tAccountID}}"])
def test_what_a_placeholder_may_come_out_as_is_counted(user: str) -> None:
    role = {
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": ["chaos-mesh.org"], "resources": ["*"], "verbs": ["create"]}],
    }
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "User", "name": "u:alice"}],
    }
    rights = rights_of(RbacObjects((), [role], (), [binding]))
    found = report("c", "", [Mapped(Entry("arn", user))], rights)
    assert next(line for line in found.lines if line.who == "arn").injects
