"""The one model of mappings: a cloud principal becomes a user with groups, per cluster.

Readers make it of what exists (`aws-auth`, access entries, the bridge's own file); it is pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from iam.policy.wildcards import matches
from providers.kubernetes.impersonation import ClusterIdentity, refused
from rbac.principals import CloudPrincipal, canonical

PLACEHOLDERS: Final = (
    "AccountID",
    "SessionName",
    "SessionNameRaw",
    "AccessKeyID",
    "EC2PrivateDNSName",
)
"""What a user or group may take from the principal, in two pairs of braces each.

As aws-iam-authenticator has them, and case counts; ``SessionName`` has ``-`` in place of ``@``.
"""
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}", re.ASCII)


class UnmappableError(Exception):
    """An entry matches, and yet gives no identity; the message says why."""


@dataclass(frozen=True)
class Entry:
    """One line of a mapping."""

    principal: str
    """Pattern of principals: ``*`` and ``?`` are wildcards where ``exact`` is not set."""
    user: str
    """With placeholders; empty is the principal's own canonical name, as in aws-auth."""
    groups: tuple[str, ...] = ()
    cluster: str = "*"
    """Pattern of clusters: an EKS cluster's ARN, or ``k8s:context/NAME``."""
    origin: str = ""
    """Where it is written, in words."""
    exact: bool = False

    def matches(self, principal: CloudPrincipal) -> bool:
        """Whether it speaks of this principal. Letter case does not count, as in EKS.

        The entry's own ARN is taken as it is written: one with a path never matches.
        """
        wanted = principal.canonical.lower()
        if self.exact:
            return self.principal.lower() == wanted
        return _like(self.principal, wanted)

    def governs(self, cluster: str) -> bool:
        """Whether it speaks of this cluster; letter case counts."""
        return matches(self.cluster, cluster)

    def identity(self, principal: CloudPrincipal) -> ClusterIdentity:
        """Return who the principal is by this entry. Raises UnmappableError."""
        return ClusterIdentity(
            _rendered(self.user, principal) or principal.canonical,
            tuple(_rendered(group, principal) for group in self.groups),
        )

    def problems(self) -> list[str]:
        """Say what is wrong with it as an entry that this program writes or acts on."""
        found = [refused("user", filled(self.user, "x"))]
        found += [refused("group", filled(group, "x")) for group in self.groups]
        for text in (self.user, *self.groups):
            unknown = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
            if unknown:
                known = ", ".join(PLACEHOLDERS)
                found.append(f'"{text}" has the unknown placeholder {unknown[0]}; known: {known}')
            if _PLACEHOLDER.match(text):
                found.append(
                    f'"{text}" begins with a placeholder: whoever names his session could choose '
                    "any name; begin it with a text of your own, such as fis:{{SessionName}}"
                )
        return [one for one in found if one]


@dataclass(frozen=True)
class IdentityMapping:
    """The entries of one or of many clusters; the first that matches wins."""

    entries: tuple[Entry, ...] = ()

    def governs(self, cluster: str) -> bool:
        """Whether any entry speaks of this cluster."""
        return any(entry.governs(cluster) for entry in self.entries)

    def entry_for(self, principal: CloudPrincipal, cluster: str) -> Entry | None:
        """Return the entry that decides, or None where nobody mapped this principal."""
        for entry in self.entries:
            if entry.governs(cluster) and entry.matches(principal):
                return entry
        return None

    def identify(self, principal: CloudPrincipal, cluster: str) -> ClusterIdentity | None:
        """Return who a principal is in a cluster; None where he is unknown there.

        Raises UnmappableError where the deciding entry cannot be rendered.
        """
        entry = self.entry_for(principal, cluster)
        return None if entry is None else entry.identity(principal)

    def impersonated(self, principal: CloudPrincipal, cluster: str) -> ClusterIdentity | None:
        """The same for impersonation. Raises UnmappableError also for a refused name."""
        found = self.identify(principal, cluster)
        if found is not None:
            for kind, name in (("user", found.user), *(("group", one) for one in found.groups)):
                why = refused(kind, name)
                if why:
                    raise UnmappableError(why)
        return found

    def merged(self, others: Iterable[Entry]) -> IdentityMapping:
        """Return it with more entries after its own, which therefore win."""
        return IdentityMapping((*self.entries, *others))


def entry_for_arn(arn: str, user: str, groups: tuple[str, ...], origin: str) -> Entry:
    """Return an entry as EKS keeps them: no wildcards, the ARN as it is written."""
    return Entry(arn, user, groups, origin=origin, exact=True)


def _rendered(template: str, principal: CloudPrincipal) -> str:
    values: Mapping[str, str] = {
        "AccountID": principal.account,
        "SessionName": principal.session_name.replace("@", "-"),
        "SessionNameRaw": principal.session_name,
        "AccessKeyID": principal.access_key_id,
        "EC2PrivateDNSName": principal.private_dns_name,
    }

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            known = ", ".join(PLACEHOLDERS)
            msg = f'"{template}" has the unknown placeholder {name}; known: {known}'
            raise UnmappableError(msg)
        if not values[name]:
            msg = f'"{template}" asks for {name}, which is not known of {principal.name}'
            raise UnmappableError(msg)
        return values[name]

    return _PLACEHOLDER.sub(value, template)


def filled(template: str, by: str) -> str:
    """Return a text with every placeholder replaced by the same, to judge its fixed part."""
    return _PLACEHOLDER.sub(by, template)


def _like(pattern: str, wanted: str) -> bool:
    # A wildcard in a path must not become one in the name: such a pattern stays as it is.
    plain = pattern if set(pattern) & set("*?") else canonical(pattern)
    return matches(plain.lower(), wanted)
