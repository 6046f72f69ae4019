"""IAM policy documents: which statements speak about a request, and what they decide.

IAM User Guide, "Policy evaluation logic": an explicit Deny wins, then any Allow, else no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any


class Decision(Enum):
    """What the policies say about one action on one resource."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    SILENT = "not allowed"


class UnsupportedCondition(Exception):  # noqa: N818 - says what the policy has, not what failed
    """A statement that decides about the request has a condition that is not evaluated here."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, with every field as a tuple."""

    effect: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    services: tuple[str, ...]
    principals: tuple[str, ...]
    condition: str
    source: str

    def speaks_of(self, action: str) -> bool:
        """Whether ``action`` (``ec2:StopInstances``, any case) is meant."""
        if self.not_actions:
            return not any(matches(p.lower(), action.lower()) for p in self.not_actions)
        return any(matches(p.lower(), action.lower()) for p in self.actions)

    def covers(self, resource: str | None) -> bool:
        """Whether the resource's ARN is meant; ``None`` is a resource that is not checked."""
        if resource is None:
            return True
        if self.not_resources:
            return not any(matches(p, resource) for p in self.not_resources)
        return any(matches(p, resource) for p in self.resources)


@lru_cache(maxsize=256)
def statements(document: str, source: str) -> tuple[Statement, ...]:
    """Read a policy document; ``source`` names it in errors."""
    body = json.loads(document)
    listed = body.get("Statement", [])
    every = listed if isinstance(listed, list) else [listed]
    return tuple(_statement(raw, source) for raw in every)


def _statement(raw: dict[str, Any], source: str) -> Statement:
    principal = raw.get("Principal", {})
    if isinstance(principal, str):
        principal = {"AWS": principal}
    return Statement(
        effect=raw["Effect"],
        actions=_listed(raw.get("Action")),
        not_actions=_listed(raw.get("NotAction")),
        resources=_listed(raw.get("Resource")),
        not_resources=_listed(raw.get("NotResource")),
        services=_listed(principal.get("Service")),
        principals=_listed(principal.get("AWS")),
        condition=json.dumps(raw["Condition"]) if raw.get("Condition") else "",
        source=source,
    )


def decide(policy: Sequence[Statement], action: str, resource: str | None) -> Decision:
    """Decide about ``action`` on ``resource``.

    Raises ``UnsupportedCondition`` where a statement that decides has a condition.
    """
    relevant = [s for s in policy if s.speaks_of(action) and s.covers(resource)]
    plain = {s.effect for s in relevant if not s.condition}
    if "Deny" in plain:
        return Decision.DENIED
    for statement in relevant:
        if statement.condition:
            raise UnsupportedCondition(statement.source)
    return Decision.ALLOWED if "Allow" in plain else Decision.SILENT


def _listed(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


@lru_cache(maxsize=1024)
def _pattern(wildcard: str) -> re.Pattern[str]:
    """``*`` is any run of characters, ``?`` any one (IAM User Guide, Resource element)."""
    return re.compile(re.escape(wildcard).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def matches(wildcard: str, value: str) -> bool:
    """Whether ``value`` is what ``wildcard`` describes."""
    return _pattern(wildcard).fullmatch(value) is not None
