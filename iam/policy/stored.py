"""What is stored of policies and of decisions, as protocols that the store implements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.model.moment import Micros
from bridge.model.scope import Scope
from iam.policy.attachment import Attachment


@dataclass(frozen=True)
class StoredPolicy:
    """A policy as it was written, and whom it is attached to."""

    name: str
    description: str
    document: dict[str, Any] | None
    """None: a built-in policy, of which only the attachments are stored."""
    attachment: Attachment
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True)
class AuditEntry:
    """One decision about one request."""

    at: Micros
    principal: str
    action: str
    resource: str
    outcome: str
    """``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    statement: str
    """The deciding ``policy/statement``; empty where none decided."""
    request_id: str
    address: str
    """Where the request came from."""
    details: dict[str, Any]
    sequence: int = 0
    """Its place in the log; 0 until it is stored."""


class PolicyStore(Protocol):
    """The policies of one scope."""

    async def policies(self, scope: Scope) -> Sequence[StoredPolicy]:
        """Return every policy, by name."""

    async def policy_generation(self, scope: Scope) -> int:
        """Return a number that changes with every change of a policy."""

    async def put_policy(self, scope: Scope, policy: StoredPolicy) -> StoredPolicy:
        """Store a policy under its name, in place of what was there; attachments stay."""

    async def delete_policy(self, scope: Scope, name: str) -> StoredPolicy | None:
        """Delete a policy and its attachments; None where there was none."""


class AuditLog(Protocol):
    """Decisions, appended and read, never changed."""

    async def append_audit(self, scope: Scope, entries: Sequence[AuditEntry]) -> None:
        """Append decisions in one transaction."""

    async def audit(
        self, scope: Scope, *, before: int | None, limit: int, principal: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return decisions, the newest first."""
