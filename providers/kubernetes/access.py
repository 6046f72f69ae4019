"""What the experiment's identity needs in a cluster: asked before the run, granted in YAML."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from providers.checks import Check, Verdict, note
from providers.contract import Denial, ProviderError, RightAsked
from providers.kubernetes.api import DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.impersonation import impersonator
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource

NOT_AUTHORIZED: Final = "Not authorized to perform the required action."
"""FIS's words for it."""
LONGEST_REASON: Final = 512

_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO_AM_I: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_NEEDED: Final = ("create", "get", "delete")
_GRANTED: Final = ("create", "get", "list", "watch", "delete")
_UNREVIEWED: Final = frozenset(
    {
        "AWSChaos", "GCPChaos", "PodHttpChaos", "PodIOChaos", "PodNetworkChaos",
        "PhysicalMachine", "StatusCheck", "RemoteCluster", "WorkflowNode",
    }
)  # fmt: skip
"""Kinds whose selectors the authorising webhook of Chaos Mesh does not look at."""
_UNAUTHORIZED: Final = 401


@dataclass(frozen=True)
class Right:
    """One thing that the identity must be allowed to do."""

    verb: str
    group: str
    resource: str
    namespace: str

    @property
    def declared(self) -> str:
        """Return it as faults declare it: ``group/resource:verb``."""
        return f"{self.group or 'core'}/{self.resource}:{self.verb}"

    def __str__(self) -> str:
        """Return it in words."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        return f"{self.verb} {resource} {where}"


def needed_rights(resource: CustomResource, spec: Mapping[str, Any]) -> list[Right]:
    """Return the rights without which the action cannot be done and undone.

    Listing and watching are left out: without them more requests do the same.
    """
    rights = [Right(verb, resource.group, resource.plural, resource.namespace) for verb in _NEEDED]
    if resource.group == CHAOS_MESH and resource.kind not in _UNREVIEWED:
        # Its webhook asks for the kind in lower case, which is not the plural of all kinds.
        kind = resource.kind.lower()
        rights += [
            Right("create", CHAOS_MESH, kind, namespace)
            for namespace in selected_namespaces(spec, resource.namespace)
        ]
    return list(dict.fromkeys(rights))


def selected_namespaces(spec: Mapping[str, Any], own: str) -> list[str]:
    """Return the namespaces that the selectors of a Chaos Mesh spec touch, sorted.

    ``own`` is the resource's: upstream's default for a selector that names none.
    """
    return sorted({name for selector in _selectors(spec) for name in _touched(selector, own)})


def _selectors(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "selector" and isinstance(inner, dict):
                yield inner
            else:
                yield from _selectors(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _selectors(inner)


def _touched(selector: Mapping[str, Any], own: str) -> list[str]:
    pods, namespaces = selector.get("pods"), selector.get("namespaces")
    if isinstance(pods, dict) and pods:
        return [str(name) for name in pods]
    return (
        [str(name) for name in namespaces] if isinstance(namespaces, list) and namespaces else [own]
    )


async def review(
    cluster: Cluster, resource: CustomResource, spec: Mapping[str, Any]
) -> list[Denial]:
    """Ask the cluster whether the identity has the rights; one denial per missing right.

    Raises ProviderError when the cluster cannot be asked; one that refuses to be asked (403)
    is taken to allow, and the run finds out.
    """
    rights = needed_rights(resource, spec)
    try:
        allowed = await asyncio.gather(*(_allowed(cluster, right) for right in rights))
    except DeniedError as error:
        if error.status == _UNAUTHORIZED or cluster.impersonated is not None:
            refused = (
                unmapped(cluster)
                if error.status == _UNAUTHORIZED
                else not_impersonated(cluster, error)
            )
            _tell(cluster, rights, Verdict.MISSING, refused.reason, refused.mend)
            return [refused]
        _tell(cluster, rights, Verdict.UNCHECKED, str(error))
        return []
    missing = [right for right, yes in zip(rights, allowed, strict=True) if not yes]
    _tell(cluster, [right for right in rights if right not in missing], Verdict.OK)
    if not missing:
        return []
    user = await _user(cluster)
    mend = grant(missing, user, resource)
    who = cluster.principal or "The context's user"
    known = f" (in the cluster: user {user})" if user else ""
    denials = [
        denial(f"{NOT_AUTHORIZED} {who}{known} may not {right} of cluster {cluster.name}.", mend)
        for right in missing
    ]
    for right, one in zip(missing, denials, strict=True):
        _tell(cluster, [right], Verdict.MISSING, one.reason, one.mend)
    return denials


def _tell(
    cluster: Cluster, rights: Sequence[Right], verdict: Verdict, reason: str = "", mend: str = ""
) -> None:
    for right in rights:
        what, where = right.declared, right.namespace
        note(Check(what, verdict, "kubernetes", cluster.id, where, reason, mend))


def denial(reason: str, mend: str = "") -> Denial:
    """Return a denial with its reason cut to size."""
    short = reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"
    return Denial(short, mend)


async def foretell(cluster: Cluster, asked: Sequence[RightAsked]) -> None:
    """Note of each right of one cluster whether the identity has it. Never raises ProviderError."""
    rights = [_read(one) for one in asked]
    try:
        answers = await asyncio.gather(*(_allowed(cluster, right) for right in rights))
    except ProviderError as error:
        _tell(cluster, rights, Verdict.UNCHECKED, str(error))
        return
    for right, yes in zip(rights, answers, strict=True):
        if yes:
            _tell(cluster, [right], Verdict.OK)
        else:
            why = f"{cluster.principal or 'The user'} may not {right} of cluster {cluster.name}."
            _tell(cluster, [right], Verdict.MISSING, why)


def _read(asked: RightAsked) -> Right:
    """Return a declared right (``group/resource:verb``) as a cluster is asked for it."""
    what, _, verb = asked.name.partition(":")
    group, _, resource = what.rpartition("/")
    return Right(verb, "" if group == "core" else group, resource, asked.namespace)


async def _allowed(cluster: Cluster, right: Right) -> bool:
    answer = await cluster.ask(
        _REVIEWS,
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {
                    "verb": right.verb,
                    "group": right.group,
                    "resource": right.resource,
                    "namespace": right.namespace,
                }
            },
        },
    )
    return bool((answer.body.get("status") or {}).get("allowed"))


async def _user(cluster: Cluster) -> str:
    """The name that the cluster gives to the identity; empty before Kubernetes 1.28."""
    if cluster.impersonated is not None:
        return cluster.impersonated.user
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = await cluster.ask(_WHO_AM_I, body)
    except ProviderError:
        return ""
    info = (answer.body.get("status") or {}).get("userInfo") or {}
    return str(info.get("username", ""))


def unmapped(cluster: Cluster) -> Denial:
    """The cluster does not know the identity: which entry makes it known."""
    if not cluster.principal or cluster.impersonated is not None:
        return denial(
            f"{NOT_AUTHORIZED} Cluster {cluster.name} does not accept the credentials of its "
            "context (HTTP 401): log in again."
        )
    if not cluster.principal.startswith("arn:"):
        return denial(
            f"{NOT_AUTHORIZED} Cluster {cluster.name} does not accept the token of "
            f"{cluster.principal} (HTTP 401): is it a cluster of that cloud, as "
            "FAULTBRIDGE_CLUSTER_TOKENS says?"
        )
    account, _, path = cluster.principal.removeprefix("arn:").partition(":role/")
    name = path.rpartition("/")[2] or "NAME"
    # aws-auth knows roles without their path.
    entry = [
        {
            "rolearn": f"arn:{account}:role/{name}" if path else cluster.principal,
            "username": name,
            "groups": ["faultbridge"],
        }
    ]
    return denial(
        f"{NOT_AUTHORIZED} Cluster {cluster.name} does not know {cluster.principal} (HTTP 401): "
        "add an access entry, or an entry under mapRoles in ConfigMap kube-system/aws-auth.",
        "# Under mapRoles in ConfigMap kube-system/aws-auth (a Role must then be bound to the\n"
        "# user or the group); or, with authentication mode API or API_AND_CONFIG_MAP:\n"
        f"#   aws eks create-access-entry --cluster-name {cluster.name} "
        f"--principal-arn {cluster.principal} --username {name}\n" + _yaml([entry]),
    )


def not_impersonated(cluster: Cluster, error: DeniedError) -> Denial:
    """The context's user may not act as the mapping says: which ClusterRole would let it."""
    assert cluster.impersonated is not None  # noqa: S101 - who calls has looked
    subject = {
        "kind": "User",
        "name": "USER-OF-THE-CONTEXT",
        "apiGroup": "rbac.authorization.k8s.io",
    }
    mend = _yaml(impersonator("faultbridge", [cluster.impersonated], [subject]))
    return denial(
        f"{NOT_AUTHORIZED} The user of context {cluster.name} may not act as "
        f"{cluster.impersonated}: {error}",
        mend,
    )


def grant(missing: Sequence[Right], user: str, resource: CustomResource) -> str:
    """Return the smallest Roles and RoleBindings that would turn these refusals into a yes."""
    subject = {
        "kind": "User",
        "name": user or "USERNAME-OF-THE-IDENTITY",
        "apiGroup": "rbac.authorization.k8s.io",
    }
    name = f"faultbridge-{resource.plural}"
    documents: list[dict[str, Any]] = []
    for namespace in sorted({right.namespace for right in missing}):
        here = [right for right in missing if right.namespace == namespace]
        documents += [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": name, "namespace": namespace},
                "rules": [
                    _rule(
                        resource, plural, [right.verb for right in here if right.resource == plural]
                    )
                    for plural in sorted({right.resource for right in here})
                ],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": name, "namespace": namespace},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Role",
                    "name": name,
                },
                "subjects": [subject],
            },
        ]
    return _yaml(documents)


def _rule(resource: CustomResource, plural: str, verbs: list[str]) -> dict[str, Any]:
    if plural == resource.plural and verbs != ["create"]:
        # Where the resource itself lives: with all that makes fewer and earlier requests.
        stopped = resource.group == LITMUS or resource.kind in {"Workflow", "Schedule"}
        verbs = [*_GRANTED, *(["patch"] if stopped else [])]
    return {"apiGroups": [resource.group], "resources": [plural], "verbs": verbs}


def _yaml(documents: Sequence[Any]) -> str:
    return str(yaml.safe_dump_all(documents, sort_keys=False))
