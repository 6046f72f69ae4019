"""Kubernetes: roles and bindings in every namespace that is reached, and who the role is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from bridge.catalog.grants.document import About, Document
from bridge.catalog.needs import Need, Who
from providers.aws.arns import Arn
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX

_API: Final = "rbac.authorization.k8s.io"
_BRIDGE_USER: Final = "USER-OF-THE-BRIDGE"


def documents(needs: Sequence[Need], about: About) -> Iterator[Document]:
    """Yield, for each cluster, the manifests, and how the role becomes a user of it."""
    by_cluster: dict[str, list[Need]] = defaultdict(list)
    for one in needs:
        if one.place.cloud == "kubernetes" and one.who is Who.EXPERIMENT:
            by_cluster[one.place.account].append(one)
    for cluster, granted in sorted(by_cluster.items()):
        user = about.user_in(cluster)
        yield Document(
            Who.EXPERIMENT,
            "kubernetes",
            "manifest",
            f"Roles and bindings for user {user} in cluster {cluster}",
            manifests(granted, replace(about, username=user)),
            ("kubectl apply -f FILE",),
            tuple(granted),
        )
        if not about.acting.cloud_of(cluster):  # GKE and AKS know their clouds' identities
            yield _mapping(cluster, about)


def manifests(needs: Sequence[Need], about: About) -> list[dict[str, Any]]:
    """Return Roles and RoleBindings by namespace, and a ClusterRole where a right is in none."""
    by_namespace: dict[str, list[Need]] = defaultdict(list)
    for one in needs:
        by_namespace[one.place.namespace].append(one)
    found: list[dict[str, Any]] = []
    for namespace, rights in sorted(by_namespace.items()):
        kind = "Role" if namespace else "ClusterRole"
        meta = {"name": about.slug, **({"namespace": namespace} if namespace else {})}
        found += [
            {
                "apiVersion": f"{_API}/v1",
                "kind": kind,
                "metadata": meta,
                "rules": rules(rights),
            },
            _binding(kind, meta, about.user),
        ]
    return found


def rules(needs: Sequence[Need]) -> list[dict[str, Any]]:
    """Return the rules that grant exactly these rights."""
    verbs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in needs:
        group, resource, verb = parts(one.permission)
        verbs[group, resource].add(verb)
    together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), said in sorted(verbs.items()):
        together[group, tuple(sorted(said))].append(resource)
    return [
        {"apiGroups": [group], "resources": resources, "verbs": list(said)}
        for (group, said), resources in together.items()
    ]


def parts(permission: str) -> tuple[str, str, str]:
    """Return group (empty for the core one), resource and verb of ``group/resource:verb``."""
    path, _, verb = permission.rpartition(":")
    group, _, resource = path.rpartition("/")
    return ("" if group == "core" else group), resource, verb


def _binding(kind: str, meta: dict[str, str], user: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{_API}/v1",
        "kind": f"{kind}Binding",
        "metadata": dict(meta),
        "roleRef": {"apiGroup": _API, "kind": kind, "name": meta["name"]},
        "subjects": [{"apiGroup": _API, "kind": "User", "name": user}],
    }


def _mapping(cluster: str, about: About) -> Document:
    arn = Arn.parse(cluster)
    if cluster.startswith(CONTEXT_PREFIX) or arn is None:
        return Document(
            Who.READER,
            "kubernetes",
            "manifest",
            f"The bridge's own user may act as {about.user} in cluster {cluster}",
            impersonation(about),
            (f"kubectl apply -f FILE   # after writing the bridge's user for {_BRIDGE_USER}",),
        )
    name = arn.resource.rpartition("/")[2]
    role = Arn.parse(about.identity)
    account = f"{role.partition}:iam::{role.account}" if role else "aws:iam::ACCOUNT"
    return Document(
        Who.EXPERIMENT,
        "kubernetes",
        "aws-auth",
        f"Role {about.role} is user {about.user} in cluster {cluster}: an access entry, or this "
        "entry under mapRoles in ConfigMap kube-system/aws-auth",
        # aws-auth knows roles without their path.
        [{"rolearn": f"arn:{account}:role/{about.role}", "username": about.user, "groups": []}],
        (
            (
                f"aws eks create-access-entry --cluster-name {name} "
                f"--principal-arn {about.identity} --username {about.user}"
            ),
        ),
        cluster=cluster,
    )


def impersonation(about: About) -> list[dict[str, Any]]:
    """Return the ClusterRole by which the bridge's user may act as this one user."""
    meta = {"name": f"{about.slug}-impersonation"}
    role = {
        "apiVersion": f"{_API}/v1",
        "kind": "ClusterRole",
        "metadata": dict(meta),
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["users"],
                "resourceNames": [about.user],
                "verbs": ["impersonate"],
            }
        ],
    }
    return [role, _binding("ClusterRole", meta, _BRIDGE_USER)]
