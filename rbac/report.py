"""Who can inject what, where: mapped principals and RBAC subjects brought together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from iam.policy.wildcards import matches
from rbac.access_entries import CLUSTER_ADMIN, AccessPolicy
from rbac.mapping import Entry, filled
from rbac.rights import INJECTING, Grant, Holder, Rights
from rbac.subjects import Subject

AUTHENTICATED: Final = "system:authenticated"
MASTERS: Final = "system:masters"
"""Passes every rule; no binding says so."""


@dataclass(frozen=True)
class Mapped:
    """A cloud principal as a cluster's mapping has it."""

    entry: Entry
    policies: tuple[AccessPolicy, ...] = ()


@dataclass(frozen=True)
class Line:
    """One principal or subject with all that it may do with chaos resources."""

    who: str
    """The cloud principal, or the subject in words."""
    user: str
    groups: tuple[str, ...]
    origin: str
    """Where it is mapped; empty for a subject that no mapping names."""
    everything: tuple[str, ...]
    """Why it may do anything at all, in words; empty where it may not."""
    grants: tuple[Grant, ...]
    levers: tuple[str, ...]

    @property
    def injects(self) -> bool:
        """Whether a fault can be begun, as far as could be read."""
        return bool(self.everything) or any(grant.injects for grant in self.grants)

    def wire(self) -> dict[str, Any]:
        """Return its JSON object."""
        return {
            "who": self.who,
            "user": self.user or None,
            "groups": list(self.groups),
            "origin": self.origin or None,
            "injects": self.injects,
            "everything": list(self.everything),
            "grants": [
                {
                    "kinds": list(grant.kinds),
                    "verbs": list(grant.verbs),
                    "namespace": grant.namespace or None,
                    "clusterWide": not grant.namespace,
                    "resourceNames": list(grant.names),
                    "by": grant.by,
                }
                for grant in self.grants
            ],
            "levers": list(self.levers),
        }

    def text(self) -> Iterator[str]:
        """Yield its lines for a terminal."""
        groups = f", groups {', '.join(self.groups)}" if self.groups else ""
        known = f" = user {self.user}{groups} ({self.origin})" if self.origin else ""
        yield f"{self.who}{known}"
        for why in self.everything:
            yield f"  may do anything: {why}"
        for grant in self.grants:
            where = f"in namespace {grant.namespace}" if grant.namespace else "in all namespaces"
            only = f", only named {', '.join(grant.names)}" if grant.names else ""
            yield f"  {where}: {', '.join(grant.verbs)} {_kinds(grant)}{only} ({grant.by})"
        for lever in self.levers:
            yield f"  {lever}"
        if not self.injects:
            yield "  cannot inject" if self.grants else "  no rights on chaos resources"


@dataclass(frozen=True)
class Report:
    """What `faultbridge rbac show` prints."""

    cluster: str
    about: str
    """How the cluster maps principals, in words."""
    lines: tuple[Line, ...]
    problems: tuple[str, ...]
    unread: tuple[str, ...]

    def wire(self) -> dict[str, Any]:
        """Return its JSON object."""
        return {
            "cluster": self.cluster,
            "about": self.about,
            "lines": [line.wire() for line in self.lines],
            "problems": list(self.problems),
            "unread": list(self.unread),
            "complete": not self.unread,
        }


def report(
    cluster: str,
    about: str,
    mapped: Sequence[Mapped],
    rights: Rights,
    *,
    problems: Iterable[str] = (),
    unread: Iterable[str] = (),
    system: bool = False,
) -> Report:
    """Bring mappings and rights together. ``system`` shows Kubernetes' own subjects too."""
    lines = [_mapped(one, rights) for one in mapped]
    for holder in rights.holders:
        subject = holder.subject
        own = subject.name.startswith("system:") and subject.kind != "ServiceAccount"
        if own and subject.name not in (AUTHENTICATED, "system:unauthenticated") and not system:
            continue
        if subject.kind == "ServiceAccount" and subject.namespace == "kube-system" and not system:
            continue
        everything = _masters([subject.name]) if subject.kind == "Group" else ()
        grants, levers = tuple(holder.grants), tuple(holder.levers)
        lines.append(Line(_words(subject), "", (), "", everything, grants, levers))
    lines.sort(key=lambda line: not line.injects)
    return Report(cluster, about, tuple(lines), tuple(problems), (*rights.unread, *unread))


def _mapped(one: Mapped, rights: Rights) -> Line:
    entry = one.entry
    holders = list(_held(entry, rights))
    everything = list(_masters(entry.groups))
    grants = [grant for holder in holders for grant in holder.grants]
    levers = [lever for holder in holders for lever in holder.levers]
    for policy in one.policies:
        where = (
            f"in namespaces {', '.join(policy.namespaces)}" if policy.namespaces else "everywhere"
        )
        if policy.name == CLUSTER_ADMIN:
            everything.append(f"access policy {policy.name} {where}")
        else:
            levers.append(f"has access policy {policy.name} {where}, which is not judged here")
    return Line(
        who=entry.principal,
        user=entry.user or entry.principal,
        groups=entry.groups,
        origin=entry.origin,
        everything=tuple(everything),
        grants=tuple(dict.fromkeys(grants)),
        levers=tuple(dict.fromkeys(levers)),
    )


def _held(entry: Entry, rights: Rights) -> Iterator[Holder]:
    """Yield what a mapped principal is: the user, its groups, and everybody who is known."""
    wanted = {
        "User": [filled(entry.user or entry.principal, "*")],
        "Group": [*(filled(group, "*") for group in entry.groups), AUTHENTICATED],
    }
    for holder in rights.holders:
        subject = holder.subject
        if any(matches(pattern, subject.name) for pattern in wanted.get(subject.kind, ())):
            yield holder


def _kinds(grant: Grant) -> str:
    """The kinds in words; those of a whole API group by its name."""
    words: list[str] = []
    left = set(grant.kinds)
    for group in dict.fromkeys(kind.group for kind in INJECTING.values()):
        every = {name for name, kind in INJECTING.items() if kind.group == group}
        if every <= left:
            words.append(f"all kinds of {group}")
            left -= every
    return ", ".join([*words, *sorted(left)])


def _masters(groups: Iterable[str]) -> tuple[str, ...]:
    return (f"group {MASTERS} passes every rule",) if MASTERS in groups else ()


def _words(subject: Subject) -> str:
    place = f"{subject.namespace}/" if subject.namespace else ""
    return f"{subject.kind} {place}{subject.name}"
