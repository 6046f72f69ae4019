"""The audit log, read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from bridge.api.authorization import Ask, Asking
from bridge.api.bridge import Bridge
from bridge.client.policies import AuditPage, AuditRecord
from bridge.model.moment import timestamp
from iam.policy import AuditEntry


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    before: int | None = Field(default=None, ge=1, lt=2**63)
    limit: int = Field(default=100, ge=1, le=1000)
    principal: str | None = Field(default=None, max_length=2048)
    denied: bool = False


def add_audit(bridge: Bridge, routes: APIRouter) -> None:
    """Add the route that reads the log."""

    async def audit(page: Annotated[_Page, Query()], access: Asking) -> AuditPage:
        """List decisions, the newest first: one principal's, or only denials."""
        await access.require(Ask("faultbridge:ListAudit"))
        found = await bridge.store.audit(
            bridge.scope,
            before=page.before,
            limit=page.limit + 1,
            principal=page.principal,
            denied=page.denied,
        )
        shown = found[: page.limit]
        more = len(found) > page.limit
        return AuditPage(
            entries=tuple(map(_rendered, shown)), next=shown[-1].sequence if more else None
        )

    routes.add_api_route("/v1/audit", audit, methods=["GET"])


def _rendered(entry: AuditEntry) -> AuditRecord:
    return AuditRecord(
        sequence=entry.sequence,
        at=timestamp(entry.at),
        principal=entry.principal,
        action=entry.action,
        resource=entry.resource,
        decision=entry.outcome,
        statement=entry.statement,
        request_id=entry.request_id,
        address=entry.address,
        details=entry.details,
    )
