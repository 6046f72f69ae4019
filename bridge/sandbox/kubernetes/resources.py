"""What a resource is to the API server, and the built-in ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)

CUSTOM_VERBS = (
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
)
"""The same of a custom resource, in the order in which discovery lists them."""


@dataclass(frozen=True)
class Column:
    """A printer column. `read` yields the cell of an object; `is_age` makes an age of a moment."""

    name: str
    type: str
    description: str
    read: Callable[[dict[str, Any]], Any]
    format: str = ""
    priority: int = 0
    is_age: bool = False


@dataclass(frozen=True)
class Resource:
    """One resource in one version.

    `not_implemented` names the subresources that a real server has here and the emulator has
    not. `schema` is the structural schema of a custom resource, None for a built-in one.
    `storage_version` is the version in which a custom resource with several is kept.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    singular: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[str, ...] = ()
    not_implemented: tuple[str, ...] = ()
    generation: bool = False
    columns: tuple[Column, ...] | None = None
    schema: dict[str, Any] | None = field(default=None, hash=False, compare=False)
    custom: bool = False

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def has_status(self) -> bool:
        """Tell whether `status` is written through its own subresource only."""
        return "status" in self.subresources

    @property
    def kind_of_list(self) -> str:
        """The `kind` of its lists."""
        return self.list_kind or f"{self.kind}List"


ADMISSION = "admissionregistration.k8s.io"
STATUS = ("status",)
REVIEW = ("create",)


def _webhooks(plural: str, kind: str) -> Resource:
    return Resource(
        ADMISSION,
        "v1",
        plural,
        kind,
        namespaced=False,
        categories=("api-extensions",),
        generation=True,
    )


def _rbac(plural: str, kind: str, *, namespaced: bool) -> Resource:
    return Resource("rbac.authorization.k8s.io", "v1", plural, kind, namespaced=namespaced)


BUILT_IN: tuple[Resource, ...] = (
    Resource(
        "",
        "v1",
        "namespaces",
        "Namespace",
        namespaced=False,
        short_names=("ns",),
        verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
        subresources=STATUS,
        not_implemented=("finalize",),
    ),
    Resource(
        "",
        "v1",
        "pods",
        "Pod",
        short_names=("po",),
        categories=("all",),
        subresources=STATUS,
        not_implemented=(
            "attach",
            "binding",
            "ephemeralcontainers",
            "eviction",
            "exec",
            "log",
            "portforward",
            "proxy",
            "resize",
        ),
    ),
    Resource("", "v1", "events", "Event", short_names=("ev",)),
    Resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",)),
    Resource("", "v1", "secrets", "Secret"),
    Resource(
        "",
        "v1",
        "serviceaccounts",
        "ServiceAccount",
        short_names=("sa",),
        not_implemented=("token",),
    ),
    Resource(
        "",
        "v1",
        "services",
        "Service",
        short_names=("svc",),
        categories=("all",),
        subresources=STATUS,
        not_implemented=("proxy",),
    ),
    Resource(
        "",
        "v1",
        "nodes",
        "Node",
        namespaced=False,
        short_names=("no",),
        subresources=STATUS,
        not_implemented=("proxy",),
    ),
    Resource(
        "apps",
        "v1",
        "deployments",
        "Deployment",
        short_names=("deploy",),
        categories=("all",),
        subresources=STATUS,
        not_implemented=("scale",),
        generation=True,
    ),
    Resource(
        "apps",
        "v1",
        "replicasets",
        "ReplicaSet",
        short_names=("rs",),
        categories=("all",),
        subresources=STATUS,
        not_implemented=("scale",),
        generation=True,
    ),
    Resource("", "v1", "endpoints", "Endpoints", short_names=("ep",)),
    _webhooks("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    _webhooks("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    _rbac("roles", "Role", namespaced=True),
    _rbac("rolebindings", "RoleBinding", namespaced=True),
    _rbac("clusterroles", "ClusterRole", namespaced=False),
    _rbac("clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Resource(
        "authentication.k8s.io",
        "v1",
        "tokenreviews",
        "TokenReview",
        namespaced=False,
        verbs=REVIEW,
    ),
    Resource(
        "authentication.k8s.io",
        "v1",
        "selfsubjectreviews",
        "SelfSubjectReview",
        namespaced=False,
        verbs=REVIEW,
    ),
    Resource(
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        namespaced=False,
        verbs=REVIEW,
    ),
    Resource(
        "authorization.k8s.io",
        "v1",
        "subjectaccessreviews",
        "SubjectAccessReview",
        namespaced=False,
        verbs=REVIEW,
    ),
    Resource(
        "authorization.k8s.io",
        "v1",
        "localsubjectaccessreviews",
        "LocalSubjectAccessReview",
        verbs=REVIEW,
    ),
    Resource(
        "authorization.k8s.io",
        "v1",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        namespaced=False,
        verbs=REVIEW,
    ),
    Resource(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        subresources=STATUS,
        generation=True,
    ),
)

DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
