"""Whom a policy is for: principals by pattern, and groups by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import child, quote
from iam.policy.document import Policy
from iam.policy.wildcards import matches
from iam.principal import Principal

LONGEST: Final = 2048
MOST: Final = 200
"""Principals, and groups, of one policy."""


@dataclass(frozen=True)
class Attachment:
    """The principals and groups that a policy is attached to."""

    principals: tuple[str, ...] = ()
    """Patterns of principals' names; that of a role is its sessions' too."""
    groups: tuple[str, ...] = ()
    """Names, as the issuer, the key or the cluster writes them."""

    def meets(self, principal: Principal) -> bool:
        """Whether a policy that is attached so is the principal's."""
        if not set(self.groups).isdisjoint(principal.groups):
            return True
        return any(matches(one, name) for one in self.principals for name in names(principal))

    def added(self, other: Attachment) -> Attachment:
        """Return both together. Raises InvalidDocumentError where that is too much."""
        both = Attachment(
            tuple(dict.fromkeys((*self.principals, *other.principals))),
            tuple(dict.fromkeys((*self.groups, *other.groups))),
        )
        for name, values in (("principals", both.principals), ("groups", both.groups)):
            if len(values) > MOST:
                message = f"has {len(values)}; the most is {MOST}: use patterns, or a group"
                raise InvalidDocumentError([Problem(name, message)])
        return both

    def removed(self, other: Attachment) -> Attachment:
        """Return this one without the other."""
        return replace(
            self,
            principals=tuple(one for one in self.principals if one not in other.principals),
            groups=tuple(one for one in self.groups if one not in other.groups),
        )


def names(principal: Principal) -> tuple[str, ...]:
    """Return the names that a pattern may have: of a session its role's too."""
    role = principal.role_arn
    return (principal.name,) if role is None else (principal.name, role)


def policies_of(
    principal: Principal, attached: Iterable[tuple[Policy, Attachment]]
) -> list[Policy]:
    """Return the policies that are a principal's."""
    return [policy for policy, attachment in attached if attachment.meets(principal)]


def read_attachment(document: Any, path: str) -> Attachment:
    """Read ``{"principals": [PATTERN, …], "groups": [NAME, …]}``; raises InvalidDocumentError."""
    if not isinstance(document, dict):
        message = 'must be an object such as {"principals": ["arn:…"], "groups": ["sre"]}'
        raise InvalidDocumentError([Problem(path, message)])
    problems = [
        Problem(child(path, str(key)), 'is not known; there is "principals" and "groups"')
        for key in document
        if key not in ("principals", "groups")
    ]
    found: dict[str, tuple[str, ...]] = {}
    for name in ("principals", "groups"):
        place, values = child(path, name), document.get(name, [])
        if not isinstance(values, list) or not all(map(_is_name, values)):
            problems.append(Problem(place, f"must be a list of texts of 1 to {LONGEST} characters"))
            continue
        problems += _stars(name, values, place)
        found[name] = tuple(dict.fromkeys(values))
    if problems:
        raise InvalidDocumentError(problems)
    return Attachment().added(Attachment(**found))


def _stars(name: str, values: Sequence[str], path: str) -> list[Problem]:
    if name != "groups":
        return []
    return [
        Problem(child(path, index), f"{quote(one)}: groups are no patterns; write each name")
        for index, one in enumerate(values)
        if "*" in one or "?" in one
    ]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST
