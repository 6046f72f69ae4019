"""What a user may do in a cluster today, by access reviews and by its bindings; and the mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.contract import ProviderError
from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from rbac.aws_auth_writing import fetch
from rbac.mapping import UnmappableError
from rbac.principals import CloudPrincipal

_REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_NOT_FOUND: Final = 404
_MANAGER: Final = "faultbridge-grants"
_PAGES: Final = 20


@dataclass(frozen=True, order=True)
class Access:
    """One verb on one resource in one namespace; in none where it is cluster-wide."""

    group: str
    resource: str
    verb: str
    namespace: str

    def __str__(self) -> str:
        """Return it in words."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        return f"{self.verb} {resource} {where}"


@dataclass(frozen=True)
class Subject:
    """Who somebody is in a cluster."""

    user: str
    groups: tuple[str, ...] = ()


async def subject_of(cluster: Cluster, role: str) -> Subject | None:
    """Return whom aws-auth makes of a role's ARN; None where it names none.

    Raises ProviderError where it cannot be read, or makes another of each session.
    """
    auth = await fetch(cluster)
    try:
        found = auth.identify(CloudPrincipal(role))
    except UnmappableError as error:
        raise ProviderError(str(error), code="AwsAuth") from None
    if found is not None:
        return Subject(found.user, found.groups)
    if auth.problems:
        raise ProviderError("; ".join(auth.problems), code="AwsAuth")
    return None


async def missing(cluster: Cluster, subject: Subject, needed: Sequence[Access]) -> list[Access]:
    """Ask for each access whether the subject has it. Raises ProviderError."""
    return [one for one in needed if not await _allowed(cluster, subject, one)]


async def too_much(cluster: Cluster, subject: Subject, needed: Sequence[Access]) -> list[str]:
    """Return what bindings give the subject beyond that, in words. Raises ProviderError.

    Groups that everybody is in (``system:authenticated``) are left out.
    """
    found: list[str] = []
    for kind in ("rolebindings", "clusterrolebindings"):
        answer = await cluster.select(f"{_RBAC}/{kind}", pages=_PAGES)
        for binding in answer.body["items"]:
            if not _binds(binding, subject):
                continue
            meta = binding["metadata"]
            namespace = meta.get("namespace", "")
            where = f"{kind[:-1]} {namespace + '/' if namespace else ''}{meta['name']}"
            rules = await _rules(cluster, binding["roleRef"], namespace)
            found += [f"{where}: {words}" for words in _excess(rules, namespace, needed)]
    return found


async def present(cluster: Cluster, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a cluster has in a manifest's place, as far as the manifest speaks of it.

    Raises ProviderError.
    """
    try:
        answer = await cluster.get(path_of(manifest))
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    body = answer.body
    kept = {key: body.get(key) for key in manifest if key not in ("apiVersion", "kind", "metadata")}
    return {**{key: manifest[key] for key in ("apiVersion", "kind", "metadata")}, **kept}


async def apply(cluster: Cluster, manifest: Mapping[str, Any]) -> None:
    """Apply a manifest on the server's side; a field that others manage is a conflict.

    Raises ProviderError.
    """
    await cluster.apply(path_of(manifest), manifest, _MANAGER)


def path_of(manifest: Mapping[str, Any]) -> str:
    """Return the path of a role or binding."""
    meta = manifest["metadata"]
    place = f"/namespaces/{meta['namespace']}" if meta.get("namespace") else ""
    return f"{_RBAC}{place}/{manifest['kind'].lower()}s/{meta['name']}"


async def _allowed(cluster: Cluster, subject: Subject, access: Access) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": subject.user,
            "groups": [*subject.groups, "system:authenticated"],
            "resourceAttributes": {
                "group": access.group,
                "resource": access.resource,
                "verb": access.verb,
                "namespace": access.namespace,
            },
        },
    }
    answer = await cluster.ask(_REVIEWS, review)
    return bool((answer.body.get("status") or {}).get("allowed"))


def _binds(binding: Mapping[str, Any], subject: Subject) -> bool:
    named = {("User", subject.user), *(("Group", group) for group in subject.groups)}
    return any((one.get("kind"), one.get("name")) in named for one in binding.get("subjects") or ())


async def _rules(
    cluster: Cluster, reference: Mapping[str, Any], namespace: str
) -> list[dict[str, Any]]:
    place = f"/namespaces/{namespace}" if reference["kind"] == "Role" else ""
    path = f"{_RBAC}{place}/{reference['kind'].lower()}s/{reference['name']}"
    try:
        answer = await cluster.get(path)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return []
        raise
    found: list[dict[str, Any]] = answer.body.get("rules") or []
    return found


def _excess(
    rules: Sequence[Mapping[str, Any]], namespace: str, needed: Sequence[Access]
) -> Iterator[str]:
    wanted = {one for one in needed if one.namespace == namespace}
    for rule in rules:
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for verb in rule.get("verbs") or ():
                    if Access(group, resource, verb, namespace) not in wanted:
                        yield str(Access(group, resource, verb, namespace))
        for url in rule.get("nonResourceURLs") or ():
            yield f"{', '.join(rule.get('verbs') or ())} {url}"
