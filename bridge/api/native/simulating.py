"""What would be decided about a request, explained; no I/O, and no server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bridge.api.authorization import resources
from bridge.api.authorization.templates import names_of_action
from bridge.client.policies import Simulation, SimulationRequest, StatementInvolved
from bridge.dialects.fis import names
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.scope import Scope
from bridge.model.wording import child, quote, suggestion
from iam.policy import ACTIONS, Attachment, Decision, Outcome, Policy, Request, evaluate
from iam.policy.actions import KEYS, known_key
from iam.policy.attachment import policies_of
from iam.principal import LOCAL, SERVICE_ACCOUNT_PREFIX, Principal

_SESSION: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+"
)
_IAM: Final = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):(?P<kind>user|role)/.+")


def named_principal(name: str, groups: Sequence[str] = ()) -> Principal:
    """Return the principal that a name belongs to, as authentication would make it."""
    if name == LOCAL.name:
        return LOCAL
    together = tuple(groups)
    if session := _SESSION.fullmatch(name):
        role = f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"
        facts = MappingProxyType({"role-arn": role})
        return Principal("aws-role", name, session["account"], together, attributes=facts)
    if found := _IAM.fullmatch(name):
        return Principal(
            "aws-role" if found["kind"] == "role" else "aws-key", name, found["account"], together
        )
    if name.startswith(SERVICE_ACCOUNT_PREFIX):
        return Principal("service-account", name, groups=together)
    return Principal("oidc", name, groups=together)


def check(asked: SimulationRequest) -> None:
    """Raise InvalidDocumentError where there is no such action or condition key."""
    problems = []
    if asked.action not in ACTIONS:
        mend = suggestion(asked.action, ACTIONS, "docs/authorization.md lists those that there are")
        problems.append(Problem("action", f"{quote(asked.action)} is no action; {mend}"))
    for key in asked.context:
        if known_key(key) is None:
            mend = suggestion(key, KEYS, "docs/authorization.md lists those that there are")
            path = child("context", key)
            problems.append(Problem(path, f"is no condition key; {mend}"))
    if problems:
        raise InvalidDocumentError(problems)


def other_names(scope: Scope, resource: str) -> tuple[str, ...]:
    """Return the ARNs by which a policy may have a resource beside this one."""
    name = names.parse_arn(scope, resource)
    if name is None or name.kind != names.ACTION:
        return ()
    return tuple(resources.action(scope, one) for one in names_of_action(name.id))


def simulate(
    attached: Iterable[tuple[Policy, Attachment]],
    asked: SimulationRequest,
    context: Mapping[str, Sequence[str]],
    *,
    also: tuple[str, ...],
) -> Simulation:
    """Return what would be decided.

    ``context`` is what the request's own comes on top of, ``also`` are other names of its resource.
    """
    principal = named_principal(asked.principal, asked.groups)
    given = {key.lower(): tuple(values) for key, values in asked.context.items()}
    known = {**context, **given}
    own = policies_of(principal, attached)
    if principal is LOCAL:
        return Simulation(
            decision=Outcome.ALLOWED.value,
            explanation="allowed: authentication is off, on loopback, and nothing is forbidden",
        )
    decision = evaluate(own, Request(asked.action, asked.resource, also, known))
    return Simulation(
        decision=decision.outcome.value,
        explanation=_explained(asked, decision, own),
        by=None if decision.by is None else _involved(decision),
        near=tuple(
            StatementInvolved(
                policy=one.deciding.policy,
                statement=one.deciding.statement,
                effect=one.deciding.effect.value,
                reason=one.reason,
            )
            for one in decision.near
        ),
        policies=tuple(policy.name for policy in own),
        context={key: tuple(values) for key, values in sorted(known.items())},
    )


def _involved(decision: Decision) -> StatementInvolved | None:
    by = decision.by
    if by is None:
        return None
    return StatementInvolved(policy=by.policy, statement=by.statement, effect=by.effect.value)


def _explained(asked: SimulationRequest, decision: Decision, own: Sequence[Policy]) -> str:
    what = f"{asked.action} on {asked.resource}"
    if decision.outcome is Outcome.ALLOWED:
        return f"{what} is allowed by {decision.by}"
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return f"{what} is denied by {decision.by}, whatever allows it"
    if not own:
        return f"{what} is not allowed: no policy is attached to {quote(asked.principal)}"
    spoken = "none of its statements allows it" if decision.near else "none speaks of the action"
    count = f"{len(own)} {'policy' if len(own) == 1 else 'policies'}"
    return f"{what} is not allowed: of {count} of {quote(asked.principal)} {spoken}"
