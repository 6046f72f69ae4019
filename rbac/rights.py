"""What RBAC objects let their subjects do with chaos resources: pure, from manifests.

The rules are those of Kubernetes' RBAC authorizer: rights only add up, a RoleBinding gives them
in its namespace, and a rule with resourceNames never lets anybody create.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from providers.kubernetes.specs import KINDS
from rbac.subjects import Subject

INJECT: Final = "create"
"""The verb that begins a fault."""
VERBS: Final = ("create", "get", "list", "watch", "update", "patch", "delete", "deletecollection")
INJECTING: Final = {
    name: kind
    for name, kind in KINDS.items()
    if kind.chaos
    or name in {"ChaosEngine", "PodHttpChaos", "PodIOChaos", "PodNetworkChaos"}
    or name in {"Schedule", "Workflow", "WorkflowNode"}
}
"""The kinds of which a resource breaks something, by itself or by what it creates."""
_NAMELESS: Final = frozenset({"create", "deletecollection"})
"""Verbs of requests without a name, so that resourceNames never match them."""
_LEVERS: Final = (
    ("", "users", "impersonate"),
    ("", "groups", "impersonate"),
    ("", "serviceaccounts", "impersonate"),
    ("rbac.authorization.k8s.io", "clusterroles", "escalate"),
    ("rbac.authorization.k8s.io", "clusterroles", "bind"),
    ("rbac.authorization.k8s.io", "roles", "escalate"),
    ("rbac.authorization.k8s.io", "roles", "bind"),
)
"""Rights by which somebody can give himself others."""


@dataclass(frozen=True)
class RbacObjects:
    """The RBAC objects of a cluster, as far as they could be read."""

    roles: Sequence[Mapping[str, Any]] = ()
    cluster_roles: Sequence[Mapping[str, Any]] = ()
    role_bindings: Sequence[Mapping[str, Any]] = ()
    cluster_role_bindings: Sequence[Mapping[str, Any]] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """What one binding gives."""

    kinds: tuple[str, ...]
    verbs: tuple[str, ...]
    namespace: str
    """Empty for the whole cluster."""
    names: tuple[str, ...]
    """The only resources that it is about; empty for all."""
    by: str
    """Binding and role, in words."""

    @property
    def injects(self) -> bool:
        """Whether a fault can be begun with it."""
        return INJECT in self.verbs


@dataclass
class Holder:
    """One subject, and what it has."""

    subject: Subject
    grants: list[Grant] = field(default_factory=list)
    levers: list[str] = field(default_factory=list)
    """By what it could give itself more, in words."""


@dataclass(frozen=True)
class Rights:
    """Who has what, and what could not be told."""

    holders: tuple[Holder, ...]
    unread: tuple[str, ...]

    def of(self, subjects: Iterable[Subject]) -> list[Holder]:
        """Return the holders that are one of these subjects."""
        wanted = set(subjects)
        return [holder for holder in self.holders if holder.subject in wanted]


def rights_of(objects: RbacObjects) -> Rights:
    """Work out who may do what with chaos resources."""
    roles = {(_place(one), _name(one)): one for one in objects.roles}
    roles |= {("", _name(one)): one for one in objects.cluster_roles}
    holders: dict[Subject, Holder] = {}
    unread = list(objects.unread)
    for binding in (*objects.cluster_role_bindings, *objects.role_bindings):
        place = _place(binding)
        reference = _object(binding.get("roleRef"))
        kind, name = str(reference.get("kind")), str(reference.get("name"))
        by = f"{_title(binding, place)} to {kind} {name}"
        role = roles.get(("" if kind == "ClusterRole" else place, name))
        if role is None:
            unread.append(f"{by}: that role does not exist, or may not be read")
            continue
        grants, levers = _grants(role, place, by), _levers(role, place, by)
        if not grants and not levers:
            continue
        for subject in _subjects(binding, place):
            holder = holders.setdefault(subject, Holder(subject))
            holder.grants += grants
            holder.levers += levers
    ordered = sorted(holders.values(), key=lambda one: (one.subject.kind, one.subject.name))
    return Rights(tuple(ordered), tuple(dict.fromkeys(unread)))


def _grants(role: Mapping[str, Any], namespace: str, by: str) -> list[Grant]:
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for kind, known in INJECTING.items():
        by_names: dict[tuple[str, ...], set[str]] = {}
        for rule in _rules(role):
            if _has(rule, "apiGroups", known.group) and _has(rule, "resources", known.plural):
                names = tuple(sorted(map(str, _list(rule.get("resourceNames")))))
                verbs = {verb for verb in VERBS if _has(rule, "verbs", verb)}
                by_names.setdefault(names, set()).update(verbs - _NAMELESS if names else verbs)
        for names, verbs in by_names.items():
            if verbs:
                ordered = tuple(verb for verb in VERBS if verb in verbs)
                found.setdefault((ordered, names), []).append(kind)
    return [
        Grant(tuple(sorted(kinds)), verbs, namespace, names, by)
        for (verbs, names), kinds in found.items()
    ]


def _levers(role: Mapping[str, Any], namespace: str, by: str) -> list[str]:
    found = []
    for group, resource, verb in _LEVERS:
        for rule in _rules(role):
            if not (_has(rule, "apiGroups", group) and _has(rule, "resources", resource)):
                continue
            if not _has(rule, "verbs", verb) or (namespace and verb == "impersonate"):
                continue  # users and groups are of the cluster: a RoleBinding gives nothing
            names = ", ".join(map(str, _list(rule.get("resourceNames")))) or "any"
            where = f" in namespace {namespace}" if namespace else ""
            found.append(f"may {verb} {resource}: {names}{where} ({by})")
    return list(dict.fromkeys(found))


def _subjects(binding: Mapping[str, Any], place: str) -> list[Subject]:
    found = []
    for one in map(_object, _list(binding.get("subjects"))):
        kind, name = str(one.get("kind") or ""), str(one.get("name") or "")
        namespace = str(one.get("namespace") or place) if kind == "ServiceAccount" else ""
        found.append(Subject(kind, name, namespace))
    return list(dict.fromkeys(found))


def _has(rule: Mapping[str, Any], member: str, wanted: str) -> bool:
    values = _list(rule.get(member))
    return wanted in values or "*" in values


def _rules(role: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [rule for rule in _list(role.get("rules")) if isinstance(rule, dict)]


def _title(binding: Mapping[str, Any], place: str) -> str:
    return (
        f"RoleBinding {place}/{_name(binding)}" if place else f"ClusterRoleBinding {_name(binding)}"
    )


def _name(manifest: Mapping[str, Any]) -> str:
    return str(_object(manifest.get("metadata")).get("name") or "")


def _place(manifest: Mapping[str, Any]) -> str:
    return str(_object(manifest.get("metadata")).get("namespace") or "")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
