"""What is printed: documents to apply, each with the grants that it makes and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.catalog.needs import Need, Place, Who
from iam.acting import Acting

BRIDGE: Final = "arn:aws:iam::ACCOUNT:role/ROLE-OF-THE-BRIDGE"
"""Stands for what nobody has told: who the bridge is in AWS."""


@dataclass(frozen=True)
class About:
    """What the documents speak of beside the template's needs."""

    name: str
    """Of the template: its file or its id. Names of roles are made of it."""
    identity: str
    """The template's role."""
    principal: str = BRIDGE
    """The ARN as which the bridge itself calls AWS."""
    google: str = ""
    """The service account as which the bridge itself calls Google Cloud, where it is known."""
    azure: str = ""
    """The object id of the experiment's identity in Azure, where it is known."""
    username: str = ""
    """The name of the role in clusters; empty: the role's own."""
    acting: Acting = field(default_factory=Acting)
    """As whom the bridge acts for the role, and through whom."""

    @property
    def role(self) -> str:
        """The role's own name, without its path."""
        return self.identity.rpartition("/")[2] or "ROLE"

    @property
    def user(self) -> str:
        """The user that the role is in a cluster."""
        return self.username or self.role

    def user_in(self, cluster: str) -> str:
        """Return the user that the role is in a cluster: its own, or the cloud's identity there."""
        tokens = {
            "gcp": self.acting.others.get("gcp") or "NAME@PROJECT.iam.gserviceaccount.com",
            "azure": self.azure or "OBJECT-ID-OF-THE-IDENTITY",
        }
        return self.username or tokens.get(self.acting.cloud_of(cluster)) or self.user

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that are assumed one after another, the template's last."""
        return (*self.acting.through.get("aws", ()), self.identity)

    @property
    def slug(self) -> str:
        """The template's name as every cloud takes it in a name."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return f"faultbridge-{plain[:40].strip('-') or 'template'}"


@dataclass(frozen=True)
class Document:
    """One thing to apply."""

    who: Who
    cloud: str
    kind: str
    """``iam-policy``, ``trust-policy``, ``custom-role``, ``role-definition``, ``manifest`` …"""
    title: str
    body: Any = None
    """JSON, in the cloud's own form; a list of manifests; None where commands are all."""
    commands: tuple[str, ...] = ()
    """What applies it, and what has to be said besides."""
    grants: tuple[Need, ...] = ()
    """What it grants."""
    holder: str = ""
    """Of an identity in between: its name."""
    cluster: str = ""
    """Of a mapping: the cluster that it is for."""


def listed(document: Document) -> dict[str, Any]:
    """Return a document as JSON."""
    return {
        "for": document.who.value,
        "identity": document.holder,
        "cloud": document.cloud,
        "kind": document.kind,
        "title": document.title,
        "body": document.body,
        "commands": list(document.commands),
    }


def explained(one: Need) -> dict[str, Any]:
    """Return a grant as JSON: the right, where, on what, which part needs it, and why."""
    return {
        "for": one.who.value,
        "identity": one.holder,
        "cloud": one.place.cloud,
        "account": one.place.account,
        "region": one.place.region,
        "namespace": one.place.namespace,
        "right": one.permission,
        "need": one.need,
        "resources": list(one.resources),
        "conditions": [list(each) for each in one.conditions],
        "wantedBy": list(one.wanted_by),
        "notes": list(one.notes),
    }


def names(needs: Sequence[Need]) -> list[str]:
    """Return the rights, each once and in order."""
    return sorted({one.permission for one in needs})


def understood(value: Mapping[str, Any]) -> Need:
    """Return the grant that `explained` wrote. Raises KeyError, ValueError or TypeError."""
    return Need(
        who=Who(value["for"]),
        place=Place(value["cloud"], value["account"], value["region"], value["namespace"]),
        permission=value["right"],
        need=value["need"],
        resources=tuple(value["resources"]),
        conditions=tuple((one[0], one[1], one[2]) for one in value["conditions"]),
        wanted_by=tuple(value["wantedBy"]),
        notes=tuple(value["notes"]),
        holder=value.get("identity", ""),
    )
