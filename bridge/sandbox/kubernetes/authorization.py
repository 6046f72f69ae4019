"""RBAC: what an identity may do, judged over the roles and bindings that the cluster holds.

The rules are those of the upstream authorizer (`plugin/pkg/auth/authorizer/rbac`): rights only
add up, cluster bindings are read before the namespace's own, a `resourceNames` list matches by
the name of the request alone. So a list, a create or a deletecollection, which carry no name,
are never allowed by a rule that has such a list; a list with the field selector
`metadata.name=x` does carry one.

Left out, on purpose: aggregated ClusterRoles (write out the rules), and the check that nobody
grants more than he has (the `escalate` and `bind` verbs): whoever may write a Role here may
write any Role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.identity import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bridge.sandbox.kubernetes.identity import Attributes, Identity
    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

RBAC_GROUP = "rbac.authorization.k8s.io"
MASTERS_GROUP = "system:masters"
_SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"


def rule_allows(rule: Mapping[str, Any], attributes: Attributes) -> bool:
    """Tell whether one rule of a Role or ClusterRole covers a request."""
    if not _one_of(attributes.verb, rule.get("verbs")):
        return False
    if attributes.non_resource_path:
        return any(
            _path_matches(pattern, attributes.non_resource_path)
            for pattern in rule.get("nonResourceURLs") or ()
        )
    names = rule.get("resourceNames") or ()
    return (
        _one_of(attributes.group, rule.get("apiGroups"))
        and any(_resource_matches(entry, attributes) for entry in rule.get("resources") or ())
        and (not names or attributes.name in names)
    )


def _one_of(value: str, allowed: Iterable[str] | None) -> bool:
    return any(entry in ("*", value) for entry in allowed or ())


def _path_matches(pattern: str, path: str) -> bool:
    if pattern in ("*", path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def _resource_matches(entry: str, attributes: Attributes) -> bool:
    if not attributes.subresource:
        return entry in ("*", attributes.resource)
    # "*" alone covers subresources as well; "pods" alone does not cover "pods/log".
    return entry in (
        "*",
        f"{attributes.resource}/{attributes.subresource}",
        f"*/{attributes.subresource}",
    )


def subject_matches(subject: Mapping[str, Any], identity: Identity, namespace: str) -> bool:
    """Tell whether a binding's subject is this identity; `namespace` is the binding's own."""
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return bool(identity.username == name)
    if kind == "Group":
        return name in identity.groups
    if kind == "ServiceAccount":
        home = subject.get("namespace") or namespace
        return bool(home) and identity.username == f"{_SERVICE_ACCOUNT_PREFIX}{home}:{name}"
    return False


class RbacAuthorizer:
    """Authorizer over the Roles, ClusterRoles and bindings in an object store.

    Call it as the API server does: `authorizer(identity, attributes) -> Decision`. Objects are
    read at each request, so a change counts from the next request on. Members of
    `system:masters` may do everything, whatever the roles say.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __call__(self, identity: Identity, attributes: Attributes) -> Decision:
        """Judge one request. A refusal names dangling role references, the usual cause."""
        if MASTERS_GROUP in identity.groups:
            return Decision(allowed=True)
        missing: list[str] = []
        for origin, rules in self._grants(identity, attributes.namespace, missing):
            if any(rule_allows(rule, attributes) for rule in rules):
                return Decision(allowed=True, reason=f"RBAC: allowed by {origin}")
        return Decision(allowed=False, reason=f"RBAC: {', '.join(missing)}" if missing else "")

    def rules(self, identity: Identity, namespace: str) -> list[dict[str, Any]]:
        """Return all rules that hold for an identity in a namespace (SelfSubjectRulesReview)."""
        found: list[dict[str, Any]] = []
        for _, rules in self._grants(identity, namespace, []):
            found += rules
        if MASTERS_GROUP in identity.groups:
            everything = (
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            )
            found += [rule for rule in everything if rule not in found]
        return found

    def _grants(
        self, identity: Identity, namespace: str, missing: list[str]
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        for binding in self._store.list(RBAC_GROUP, "clusterrolebindings"):
            yield from self._of_binding(binding, identity, "", missing)
        if namespace:
            for binding in self._store.list(RBAC_GROUP, "rolebindings", namespace):
                yield from self._of_binding(binding, identity, namespace, missing)

    def _of_binding(
        self, binding: Object, identity: Identity, namespace: str, missing: list[str]
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        subject = next(
            (
                subject
                for subject in binding.get("subjects") or ()
                if subject_matches(subject, identity, namespace)
            ),
            None,
        )
        if subject is None:
            return
        reference = binding.get("roleRef") or {}
        kind, role_name = reference.get("kind", ""), reference.get("name", "")
        resource = {"ClusterRole": "clusterroles", "Role": "roles"}.get(kind, "")
        place = namespace if kind == "Role" else ""
        role = self._store.get((RBAC_GROUP, resource, place, role_name))
        if role is None:
            missing.append(f'{kind.lower()}.{RBAC_GROUP} "{role_name}" not found')
            return
        bound = binding["metadata"]["name"]
        # The upstream wording puts a namespace after the name.
        origin = f'RoleBinding "{bound}/{namespace}"'
        if not namespace:
            origin = f'ClusterRoleBinding "{bound}"'
        who = subject["name"]
        if subject["kind"] == "ServiceAccount":
            who = f"{who}/{subject.get('namespace') or namespace}"
        yield (
            f'{origin} of {kind} "{role_name}" to {subject["kind"]} "{who}"',
            role.get("rules") or [],
        )
