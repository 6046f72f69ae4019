"""RBAC subjects of Google and Azure identities: names that the clouds' clusters give them.

GKE and AKS keep no mapping that could be written: the cloud's own name is the user's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from providers.kubernetes.impersonation import refused

API_GROUP: Final = "rbac.authorization.k8s.io"
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNIQUE_ID: Final = re.compile(r"\d{15,25}", re.ASCII)


class SubjectError(ValueError):
    """This is no name by which the cluster could know somebody; the message says what is."""


@dataclass(frozen=True)
class Subject:
    """Somebody to whom a Role is bound."""

    kind: str
    """``User``, ``Group`` or ``ServiceAccount``."""
    name: str
    namespace: str = ""
    """Of a ServiceAccount; empty for others."""

    def manifest(self) -> dict[str, str]:
        """Return it as it stands under ``subjects`` of a binding."""
        if self.kind == "ServiceAccount":
            return {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {"kind": self.kind, "name": self.name, "apiGroup": API_GROUP}


@dataclass(frozen=True)
class Subjects:
    """The subjects of one identity, and what its owner should know of them."""

    subjects: tuple[Subject, ...]
    notes: tuple[str, ...] = ()


def gke_subjects(identity: str, *, unique_id: str = "", group: bool = False) -> Subjects:
    """Return the subjects of a Google user, service account or group. Raises SubjectError.

    A service account whose access token lacks the scope ``userinfo.email`` is known by its
    numeric unique id, so a binding must name both; ``unique_id`` is that of the account.
    """
    _allowed(identity, "group" if group else "user")
    if group:
        if not _ADDRESS.fullmatch(identity):
            msg = f'"{identity}" is no address of a group; write team@example.com'
            raise SubjectError(msg)
        note = (
            f"{identity} must be nested in gke-security-groups@DOMAIN, and the cluster must have "
            "Google Groups for RBAC switched on"
        )
        return Subjects((Subject("Group", identity.lower()),), (note,))
    if _UNIQUE_ID.fullmatch(identity):
        note = (
            f"{identity} is a numeric unique id: GKE uses it only for tokens without the scope "
            "userinfo.email; bind the account's address too"
        )
        return Subjects((Subject("User", identity),), (note,))
    if not _ADDRESS.fullmatch(identity):
        msg = (
            f'"{identity}" is neither an address nor a unique id; write '
            "name@project.iam.gserviceaccount.com"
        )
        raise SubjectError(msg)
    users = (Subject("User", identity.lower()),)
    if not identity.lower().endswith("gserviceaccount.com"):
        return Subjects(users)
    if not unique_id:
        note = (
            "where its tokens lack the scope userinfo.email GKE knows it by its numeric unique id "
            "(`gcloud iam service-accounts describe`): bind that too"
        )
        return Subjects(users, (note,))
    if not _UNIQUE_ID.fullmatch(unique_id):
        msg = f'"{unique_id}" is no unique id of a service account; it is a number of 21 digits'
        raise SubjectError(msg)
    return Subjects((*users, Subject("User", unique_id)))


def aks_subjects(identity: str, *, group: bool = False, azure_rbac: bool = False) -> Subjects:
    """Return the subjects of an Entra user, managed identity, application or group.

    With ``azure_rbac`` role assignments decide, and the bindings of the cluster only add to
    them. Raises SubjectError.
    """
    _allowed(identity, "group" if group else "user")
    notes: list[str] = []
    if azure_rbac:
        notes.append(
            "Azure RBAC is on: instead of a binding, an assignment of Azure Kubernetes Service "
            "RBAC Writer or Admin at the cluster or a namespace gives rights; whether it covers "
            "chaos kinds is for an access review to say"
        )
    if _OBJECT_ID.fullmatch(identity):
        if not group:
            notes.append(
                f"{identity} must be the object (principal) id, not the client or application id; "
                "a member user of the same tenant is known by the principal name instead"
            )
        kind = "Group" if group else "User"
        return Subjects((Subject(kind, identity.lower()),), tuple(notes))
    if group:
        msg = f'"{identity}" is no object id of a group; AKS knows groups by id, not by name'
        raise SubjectError(msg)
    if not _ADDRESS.fullmatch(identity):
        msg = f'"{identity}" is neither an object id nor a principal name (user@example.com)'
        raise SubjectError(msg)
    return Subjects((Subject("User", identity),), tuple(notes))


def _allowed(identity: str, kind: str) -> None:
    why = refused(kind, identity)
    if why:
        raise SubjectError(why)
