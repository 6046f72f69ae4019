"""What one request asks before it acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends
from starlette.requests import Request as HttpRequest

from bridge.api.authorization.context import common_context
from bridge.api.authorization.decisions import DecisionLog
from bridge.dialects.fis.errors import AccessError
from bridge.model.moment import Micros
from iam.policy import ACTIONS, AuditEntry, Decision, Outcome, Request, evaluate
from iam.policy.actions import REQUEST_TAG, RESOURCE_TAG, TAG_KEYS
from iam.principal import Principal

if TYPE_CHECKING:
    from bridge.api.authorization.attached import Attached
    from bridge.model.scope import Scope

KEY: Final = "access"
"""Where a request's access is: ``request.scope["access"]``."""
_EXPLAINED: Final = 3
_LONGEST: Final = 2048


@dataclass(frozen=True)
class Ask:
    """One action on one resource."""

    action: str
    resource: str = "*"
    also: tuple[str, ...] = ()
    """Other names of the same resource."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Those that the resource has."""
    request_tags: Mapping[str, str] = field(default_factory=dict)
    """Those that the request gives."""
    tag_keys: Sequence[str] = ()
    """Those that the request takes away."""
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Further condition keys, in lower case."""
    unless_denied: bool = False
    """Whether only an explicit Deny counts."""

    def request(self, common: Mapping[str, Sequence[str]]) -> Request:
        """Return it as policies are asked."""
        context: dict[str, Sequence[str]] = {**common, **self.context}
        for prefix, tags in ((RESOURCE_TAG, self.tags), (REQUEST_TAG, self.request_tags)):
            # Keys of conditions have no case, so those of tags in them have none either: of tags
            # that differ in nothing else all values are given.
            for key, value in tags.items():
                name = f"{prefix}{key}".lower()
                context[name] = (*context.get(name, ()), value)
        keys = (*self.request_tags, *self.tag_keys)
        if keys:
            context[TAG_KEYS.lower()] = keys
        return Request(self.action, self.resource, self.also, context)


class Access:
    """What one request asks, and who asks it."""

    def __init__(
        self,
        attached: Attached,
        log: DecisionLog,
        principal: Principal,
        *,
        request_id: str,
        address: str,
        details: Mapping[str, Any],
    ) -> None:
        """Ask for a principal; ``details`` of its request go into the log."""
        self.principal = principal
        self.request_id = request_id
        self._attached = attached
        self._log = log
        self._address = address
        self._details = dict(details)
        self.asked = False
        """Whether anything has been asked."""

    @property
    def scope(self) -> Scope:
        """The scope whose objects are asked about."""
        return self._attached.scope

    @property
    def who(self) -> dict[str, str]:
        """Return the principal and the request, as journals name them."""
        return {"principal": self.principal.name, "request_id": self.request_id}

    async def require(self, *asks: Ask) -> None:
        """Go on only if everything is allowed.

        Raises AccessError in the words of IAM. All decisions are logged in one transaction,
        before anything is done, but for allowed ones that read only.
        """
        self.asked = True
        if self.principal.kind == "local":
            return
        policies = await self._attached.of(self.principal)
        now = self._attached.store.now()
        common = common_context(self.principal, self.scope, now, self._address)
        decided = [(ask, evaluate(policies, ask.request(common))) for ask in asks]
        refused = [one for one in decided if not _passes(*one)]
        # Who is refused one thing has done none of the others.
        shown = refused or [one for one in decided if not one[0].unless_denied]
        await self._log.append(
            [(self._entry(ask, decision, now), _is_read(ask)) for ask, decision in shown]
        )
        if refused:
            raise AccessError(self._words(*refused[0]))

    def require_asked(self) -> None:
        """Raise RuntimeError where an operation is done that never asked: a mistake of ours.

        Its answer is withheld then.
        """
        if not self.asked:
            raise RuntimeError("an operation has asked for no right")

    def _entry(self, ask: Ask, decision: Decision, now: Micros) -> AuditEntry:
        details = {"kind": self.principal.kind, **self._details}
        if ask.context:
            details |= {key: list(values) for key, values in ask.context.items()}
        if not decision.allowed and decision.near:
            details["near"] = [
                f"{one.deciding}: {one.reason}" for one in decision.near[:_EXPLAINED]
            ]
        return AuditEntry(
            at=now,
            principal=self.principal.name,
            action=ask.action,
            resource=_storable(ask.resource),
            outcome=decision.outcome.value,
            statement=str(decision.by or ""),
            request_id=self.request_id,
            address=self._address,
            details=details,
        )

    def _words(self, ask: Ask, decision: Decision) -> str:
        because = f"because no identity-based policy allows the {ask.action} action"
        if decision.outcome is Outcome.EXPLICIT_DENY:
            because = "with an explicit deny in an identity-based policy"
        return (
            f"User: {self.principal.name} is not authorized to perform: {ask.action} "
            f"on resource: {ask.resource} {because}"
        )


def access_of(request: HttpRequest) -> Access:
    """Return a request's access, for a route that declares that it wants it."""
    access: Access = request.scope[KEY]
    return access


Asking = Annotated[Access, Depends(access_of)]
"""The parameter of a route that asks."""


def _storable(resource: str) -> str:
    """Return what a caller named, as a database can hold it; no ARN is longer."""
    return resource[:_LONGEST].replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _passes(ask: Ask, decision: Decision) -> bool:
    if ask.unless_denied:
        return decision.outcome is not Outcome.EXPLICIT_DENY
    return decision.allowed


def _is_read(ask: Ask) -> bool:
    return ACTIONS[ask.action].plain_read
