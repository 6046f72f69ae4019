"""Acting as somebody else in a cluster: the names that may be taken, and how they are sent."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable
from urllib.parse import unquote

RESERVED: Final = "system:"
"""Kubernetes keeps names that begin so for itself; `system:masters` passes every RBAC rule."""

_LONGEST: Final = 256
_VISIBLE: Final = range(0x21, 0x7F)


@dataclass(frozen=True)
class ClusterIdentity:
    """Who somebody is inside a cluster."""

    user: str
    groups: tuple[str, ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """Return Kubernetes' impersonation headers, one of them for each group.

        Raises ValueError for a name that may not be taken: whoever made this identity may have
        forgotten to ask.
        """
        for kind, name in (("user", self.user), *(("group", group) for group in self.groups)):
            why = refused(kind, name)
            if why:
                raise ValueError(why)
        groups = (("Impersonate-Group", group) for group in self.groups)
        return [("Impersonate-User", self.user), *groups]

    def __str__(self) -> str:
        """Return it in words."""
        groups = f", groups {', '.join(self.groups)}" if self.groups else ""
        return f"user {self.user}{groups}"


class Identities(Protocol):
    """Says as whom an identity acts in a cluster that does not know clouds itself."""

    def __call__(self, cluster: str, identity: str | None, *, run: str) -> ClusterIdentity | None:
        """Return it; None is the context's own user. Raises ProviderError where there is none.

        ``run`` is the experiment that asks; empty where the bridge asks for itself.
        """


@runtime_checkable
class Impersonating(Protocol):
    """A provider that acts by impersonation."""

    def use_identities(self, identities: Identities) -> None:
        """Act as these say from now on."""


def refused(kind: str, name: str) -> str:
    """Say why nobody may be mapped to a user or group of this name; empty where one may.

    Names of `system:` are refused in any disguise that somebody along the way may undo: other
    letter case, full-width letters, percent escapes, blanks and invisible characters.
    """
    if not name:
        return f"the {kind} is empty; write its name"
    if len(name) > _LONGEST:
        return f"the {kind} is longer than {_LONGEST} characters; shorten it"
    shown = ascii(name)[1:-1]
    if _undisguised(name).startswith(RESERVED):
        return (
            f'the {kind} "{shown}" is refused: names of {RESERVED} are Kubernetes\' own '
            "(system:masters passes every rule); bind a Role to a name of your own instead"
        )
    if any(ord(character) not in _VISIBLE for character in name):
        return (
            f'the {kind} "{shown}" has blanks, control or non-ASCII characters, which a header '
            "does not carry unchanged; write it in visible ASCII"
        )
    return ""


def impersonator(
    name: str, identities: Iterable[ClusterIdentity], subjects: Sequence[dict[str, str]]
) -> list[dict[str, object]]:
    """Return ClusterRole and binding by which ``subjects`` may become these and nobody else."""
    known = list(identities)
    users = sorted({one.user for one in known})
    groups = sorted({group for one in known for group in one.groups})
    rules = [
        {"apiGroups": [""], "resources": [kind], "verbs": ["impersonate"], "resourceNames": names}
        for kind, names in (("users", users), ("groups", groups))
        if names  # without names a rule would mean everybody
    ]
    api = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": rules,
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
            "subjects": list(subjects),
        },
    ]


def _undisguised(name: str) -> str:
    text = name
    while (plain := unquote(text)) != text:
        text = plain
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c)[0] != "C")
