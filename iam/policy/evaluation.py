"""What policies decide about a request, which statement decided, and which nearly did.

IAM User Guide, "Policy evaluation logic", for one account and identity-based policies: an explicit
Deny wins, then any Allow, else the request is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from bridge.model.wording import quote, quoted_list
from iam.policy.document import Condition, Effect, Policy, Quantifier, Statement
from iam.policy.operators import NULL, OPERATORS
from iam.policy.wildcards import matches, matches_ignoring_case

_MOST_NEAR: Final = 10
"""Near misses that an explanation names."""
_REMEMBERED: Final = 16_384
_SHOWN: Final = 3
"""Values that a reason names."""


class Outcome(StrEnum):
    """What was decided, in the words of IAM's SimulatePrincipalPolicy."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True)
class Request:
    """One action on one resource, with what is known about it."""

    action: str
    """Such as ``fis:StartExperiment``."""
    resource: str
    """An ARN; ``*`` where the action knows no resource."""
    also: tuple[str, ...] = ()
    """Other names of the same resource: a policy that has any of them has the resource."""
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Condition keys, in lower case, and their values."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the resource."""
        return (self.resource, *self.also)


@dataclass(frozen=True)
class Deciding:
    """A statement that has a part in a decision."""

    policy: str
    statement: str
    """The statement's Sid, or its place."""
    effect: Effect

    def __str__(self) -> str:
        """Return ``policy/statement``."""
        return f"{self.policy}/{self.statement}"


@dataclass(frozen=True)
class NearMiss:
    """A statement about the action that does not apply, and why not."""

    deciding: Deciding
    reason: str


@dataclass(frozen=True)
class Decision:
    """What was decided, and how it came about."""

    outcome: Outcome
    by: Deciding | None = None
    """The statement that decided; None where none spoke about the request."""
    near: tuple[NearMiss, ...] = ()
    """Statements about the action that did not apply, in the order of the policies."""

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.outcome is Outcome.ALLOWED

    @property
    def because(self) -> str:
        """The end of IAM's sentence about a denial; what allowed it otherwise."""
        if self.outcome is Outcome.EXPLICIT_DENY:
            return f"with an explicit deny in an identity-based policy: {self.by}"
        if self.outcome is Outcome.IMPLICIT_DENY:
            return "because no identity-based policy allows the action"
        return f"allowed by {self.by}"


def evaluate(policies: Iterable[Policy], request: Request) -> Decision:
    """Decide about a request."""
    allowed: Deciding | None = None
    denied: Deciding | None = None
    near: list[NearMiss] = []
    for policy in policies:
        for statement in policy.statements:
            if not _speaks_of(statement.actions, statement.not_actions, request.action):
                continue
            if not _applies(statement, request):
                if len(near) < _MOST_NEAR:
                    near.append(NearMiss(_part(policy, statement), _obstacle(statement, request)))
            elif statement.effect is Effect.DENY:
                denied = denied or _part(policy, statement)
            else:
                allowed = allowed or _part(policy, statement)
    if denied is not None:
        return Decision(Outcome.EXPLICIT_DENY, denied, tuple(near))
    if allowed is not None:
        return Decision(Outcome.ALLOWED, allowed, tuple(near))
    return Decision(Outcome.IMPLICIT_DENY, None, tuple(near))


def _part(policy: Policy, statement: Statement) -> Deciding:
    return Deciding(policy.name, statement.label, statement.effect)


@lru_cache(maxsize=_REMEMBERED)
def _speaks_of(actions: tuple[str, ...], not_actions: tuple[str, ...], action: str) -> bool:
    """Whether a statement speaks about an action; there are few actions, so it is remembered."""
    if not_actions:
        return not any(matches_ignoring_case(one, action) for one in not_actions)
    return any(matches_ignoring_case(one, action) for one in actions)


def _applies(statement: Statement, request: Request) -> bool:
    """Whether a statement about the request's action applies to the request."""
    if statement.not_resources:
        if _covers(statement.not_resources, request.names):
            return False
    elif not _covers(statement.resources, request.names):
        return False
    return all(
        holds(one, request.context.get(one.key.lower()), statement.effect)
        for one in statement.conditions
    )


def _obstacle(statement: Statement, request: Request) -> str:
    """Return why a statement does not apply to the request."""
    if statement.not_resources:
        if _covers(statement.not_resources, request.names):
            return f"its NotResource has {quote(request.resource)}"
    elif not _covers(statement.resources, request.names):
        return f"its Resource is {_shown(statement.resources)}, not {quote(request.resource)}"
    return next(_unmet(statement, request.context))


def _covers(patterns: Sequence[str], names: Sequence[str]) -> bool:
    return any(matches(pattern, name) for pattern in patterns for name in names)


def _unmet(statement: Statement, context: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for condition in statement.conditions:
        given = context.get(condition.key.lower())
        if not holds(condition, given, statement.effect):
            is_given = "is not given" if not given else f"is {_shown(given)}"
            wanted = _shown(condition.values)
            yield f"its condition {condition.written} wants {condition.key} {wanted}, it {is_given}"


def holds(condition: Condition, given: Sequence[str] | None, effect: Effect = Effect.ALLOW) -> bool:
    """Whether a condition is met by the values of its key; None where the request has none.

    A key that is missing meets a negated operator, ``…IfExists`` and ``ForAllValues``, and no
    other (IAM User Guide, "Single-valued vs. multivalued context keys"). Several values of a key
    that should have one (tags whose keys differ in case) must all fit to allow, and deny where
    one does.
    """
    given = given or None  # an empty list of values is no key either, as IAM has it
    if condition.operator == NULL:
        missing = given is None
        return any(OPERATORS[NULL].read(value) == missing for value in condition.values)
    if given is None and condition.if_exists:
        return True
    asked = OPERATORS[condition.operator]

    def fits(one: str) -> bool:
        return any(asked.fits(value, one) for value in condition.values) is not asked.negated

    if condition.quantifier is Quantifier.ALL:
        return all(map(fits, given or ()))
    if condition.quantifier is Quantifier.ANY:
        return any(map(fits, given or ()))
    if given is None:
        return asked.negated
    return any(map(fits, given)) if effect is Effect.DENY else all(map(fits, given))


def _shown(values: Sequence[str]) -> str:
    more = len(values) - _SHOWN
    return quoted_list(values[:_SHOWN]) + (f" (and {more} more)" if more > 0 else "")
