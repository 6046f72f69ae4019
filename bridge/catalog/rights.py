"""The vocabulary of grants: one right, whose it is and where, and how several become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

ASSUMING: Final = "sts:AssumeRole"
SETTING: Final = "sts:SetSourceIdentity"
GETTING_TOKENS: Final = "iam.serviceAccounts.getAccessToken"
DELEGATING: Final = "iam.serviceAccounts.implicitDelegation"
BECOMING: Final = (ASSUMING, SETTING, GETTING_TOKENS, DELEGATING)
"""By these an identity becomes another one."""
_STRENGTH: Final = ("required", "indirect", "optional")


class Who(StrEnum):
    """Whose right it is."""

    EXPERIMENT = "experiment"
    """The identity that the template names."""
    READER = "reader"
    """The bridge's own identity."""
    BETWEEN = "between"
    """An identity through which the reader becomes the experiment's; each right names it."""


@dataclass(frozen=True, order=True)
class Place:
    """Where a right is granted."""

    cloud: str
    """``aws``, ``gcp``, ``azure`` or ``kubernetes``."""
    account: str
    """AWS account, Google project, Azure subscription; of a cluster its full name."""
    region: str = ""
    """AWS Region or Azure resource group; empty where the right is not narrowed to one."""
    namespace: str = ""
    """Of a cluster; empty where the right is cluster-wide."""

    def __str__(self) -> str:
        """Return it in words."""
        parts = {
            "aws": ("account", "Region"),
            "azure": ("subscription", "resource group"),
            "gcp": ("project", "location"),
            "kubernetes": ("cluster", ""),
        }[self.cloud]
        words = f"{parts[0]} {self.account}"
        if self.region:
            words += f", {parts[1]} {self.region}"
        if self.cloud == "kubernetes":
            words += f", namespace {self.namespace}" if self.namespace else ", all of it"
        return words


@dataclass(frozen=True)
class Need:
    """One right."""

    who: Who
    place: Place
    permission: str
    """In the cloud's own words; in a cluster ``group/resource:verb``."""
    need: str = "required"
    """``required``, ``indirect`` or ``optional``."""
    resources: tuple[str, ...] = ()
    """ARNs, where the cloud narrows by them; else it is for all of the place."""
    conditions: tuple[tuple[str, str, str], ...] = ()
    """IAM's operator, key and value."""
    wanted_by: tuple[str, ...] = ()
    """Paths in the template: ``actions.StopWorkers``, ``targets.Workers``, ``stopConditions``."""
    notes: tuple[str, ...] = ()
    """Why it is needed, or what is lost without it."""
    holder: str = ""
    """Of a right in between: whose it is."""

    @property
    def required(self) -> bool:
        """Whether nothing works without it."""
        return self.need == "required"


def merged(needs: Iterable[Need]) -> tuple[Need, ...]:
    """Put together what is the same right on the same thing; the strongest need holds."""
    found: dict[tuple[object, ...], Need] = {}
    for one in needs:
        key = (one.who, one.holder, one.place, one.permission, one.resources, one.conditions)
        other = found.get(key, one)
        if _STRENGTH.index(other.need) < _STRENGTH.index(one.need):
            strongest, notes = other.need, other.notes
        elif other.need == one.need:
            strongest, notes = one.need, (*other.notes, *one.notes)
        else:
            strongest, notes = one.need, one.notes
        found[key] = replace(
            one,
            need=strongest,
            wanted_by=tuple(sorted({*other.wanted_by, *one.wanted_by})),
            notes=tuple(dict.fromkeys(note for note in notes if note)),
        )
    return tuple(sorted(found.values(), key=_order))


def _order(one: Need) -> tuple[object, ...]:
    return (
        one.who,
        one.holder,
        one.place,
        _STRENGTH.index(one.need),
        one.permission,
        one.resources,
        one.conditions,
    )
