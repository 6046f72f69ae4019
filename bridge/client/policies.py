"""Policies and the audit log in the native API: documents, calls, and a client's methods."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import Field

from bridge.client.calls import Call
from bridge.client.documents import Document, RequestDocument

T = TypeVar("T", bound=Document)

LONGEST_TARGET = 2048


class PolicyRequest(RequestDocument):
    """Store a policy under the name in the path, in place of what was there."""

    document: dict[str, Any]
    """An IAM policy document."""
    description: str = Field(default="", max_length=512)


class AttachmentRequest(RequestDocument):
    """Attach a policy to principals and groups, or detach it from them."""

    principals: tuple[str, ...] = Field(default=(), max_length=200)
    """Patterns of principals' names."""
    groups: tuple[str, ...] = Field(default=(), max_length=200)


class SimulationRequest(RequestDocument):
    """Ask what would be decided about a principal's request."""

    principal: str = Field(min_length=1, max_length=LONGEST_TARGET)
    groups: tuple[str, ...] = ()
    action: str = Field(min_length=1, max_length=128)
    resource: str = Field(default="*", min_length=1, max_length=LONGEST_TARGET)
    context: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Condition keys and their values; what is known of a stored resource is added."""


class PolicySummary(Document):
    """One policy in a list."""

    name: str
    description: str = ""
    origin: str
    """``built-in``, ``file`` (the bridge's policy file) or ``stored``."""
    principals: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    updated_at: datetime | None = None


class PolicyDetail(PolicySummary):
    """One policy."""

    document: dict[str, Any]
    warnings: tuple[str, ...] = ()
    """What its author should know; only when it was just stored."""


class PolicyPage(Document):
    """Every policy, by name."""

    policies: tuple[PolicySummary, ...]


class StatementInvolved(Document):
    """A statement that has a part in a decision."""

    policy: str
    statement: str
    effect: str
    reason: str = ""
    """Why it does not apply; empty for the one that decided."""


class Simulation(Document):
    """What would be decided, and why."""

    decision: str
    """``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    explanation: str
    by: StatementInvolved | None = None
    near: tuple[StatementInvolved, ...] = ()
    """Statements about the action that do not apply, and why not."""
    policies: tuple[str, ...] = ()
    """The principal's policies."""
    context: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The condition keys that were looked at."""


class AuditRecord(Document):
    """One decision."""

    sequence: int
    at: datetime
    principal: str
    action: str
    resource: str
    decision: str
    statement: str = ""
    request_id: str = ""
    address: str = ""
    details: dict[str, Any] = Field(default_factory=dict)


class AuditPage(Document):
    """A page of decisions, the newest first."""

    entries: tuple[AuditRecord, ...]
    next: int | None = None
    """What to give as ``before`` for the next page; None on the last."""


# --- calls --------------------------------------------------------------------------------


def _path(name: str, *further: str) -> str:
    return "/".join((f"/v1/policies/{quote(name, safe='')}", *further))


def policies() -> Call[PolicyPage]:
    """List every policy."""
    return Call("GET", "/v1/policies", PolicyPage)


def policy(name: str) -> Call[PolicyDetail]:
    """Show a policy."""
    return Call("GET", _path(name), PolicyDetail)


def put_policy(name: str, request: PolicyRequest) -> Call[PolicyDetail]:
    """Store a policy."""
    return Call("PUT", _path(name), PolicyDetail, body=request.wire())


def delete_policy(name: str) -> Call[PolicyDetail]:
    """Delete a policy and its attachments."""
    return Call("DELETE", _path(name), PolicyDetail)


def attach_policy(name: str, request: AttachmentRequest) -> Call[PolicyDetail]:
    """Attach a policy."""
    return Call("POST", _path(name, "attach"), PolicyDetail, body=request.wire())


def detach_policy(name: str, request: AttachmentRequest) -> Call[PolicyDetail]:
    """Detach a policy."""
    return Call("POST", _path(name, "detach"), PolicyDetail, body=request.wire())


def simulate_policy(request: SimulationRequest) -> Call[Simulation]:
    """Ask what would be decided."""
    return Call("POST", "/v1/policy-simulation", Simulation, body=request.wire())


def audit(
    *,
    before: int | None = None,
    limit: int = 100,
    principal: str | None = None,
    denied: bool = False,
) -> Call[AuditPage]:
    """List decisions, the newest first."""
    query: dict[str, str | int | float] = {"limit": limit}
    if before is not None:
        query["before"] = before
    if principal is not None:
        query["principal"] = principal
    if denied:
        query["denied"] = "true"
    return Call("GET", "/v1/audit", AuditPage, query=query)


# --- clients ------------------------------------------------------------------------------


class PoliciesClient:
    """What a client that waits can do with policies.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        raise NotImplementedError

    def policies(self) -> PolicyPage:
        """List every policy."""
        return self.send(policies())

    def policy(self, name: str) -> PolicyDetail:
        """Show a policy."""
        return self.send(policy(name))

    def put_policy(self, name: str, request: PolicyRequest) -> PolicyDetail:
        """Store a policy under a name, in place of what was there; its attachments stay."""
        return self.send(put_policy(name, request))

    def delete_policy(self, name: str) -> PolicyDetail:
        """Delete a policy and its attachments, and return it as it was."""
        return self.send(delete_policy(name))

    def attach_policy(self, name: str, request: AttachmentRequest) -> PolicyDetail:
        """Attach a policy to principals and groups."""
        return self.send(attach_policy(name, request))

    def detach_policy(self, name: str, request: AttachmentRequest) -> PolicyDetail:
        """Detach a policy from principals and groups."""
        return self.send(detach_policy(name, request))

    def simulate_policy(self, request: SimulationRequest) -> Simulation:
        """Ask what would be decided about a principal's request, and why."""
        return self.send(simulate_policy(request))

    def audit(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        principal: str | None = None,
        denied: bool = False,
    ) -> AuditPage:
        """List decisions, the newest first."""
        return self.send(audit(before=before, limit=limit, principal=principal, denied=denied))
