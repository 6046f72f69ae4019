"""The safety lever: shown, engaged, disengaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.api.authorization import Access, Ask, resources
from bridge.api.bridge import Bridge
from bridge.api.lever import LONGEST_REASON, move_lever
from bridge.dialects.fis import names
from bridge.dialects.fis.errors import ConflictError, NotFoundError, ValidationError
from bridge.dialects.fis.lever import LEVER_ID, render_lever
from bridge.model.lever import LeverStatus
from bridge.model.wording import quote


async def get_lever(bridge: Bridge, access: Access, members: Mapping[str, Any]) -> dict[str, Any]:
    """Show the lever."""
    await access.require(Ask("fis:GetSafetyLever", resources.lever(bridge.scope, members["id"])))
    _require_default(bridge, members["id"])
    return {"safetyLever": render_lever(bridge.scope, await bridge.store.lever())}


async def update_lever(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Engage or disengage the lever; not while it is being engaged, as in FIS."""
    arn = resources.lever(bridge.scope, members["id"])
    await access.require(Ask("fis:UpdateSafetyLeverState", arn))
    _require_default(bridge, members["id"])
    status, reason = LeverStatus(members["state"]["status"]), members["state"]["reason"]
    if len(reason) > LONGEST_REASON:
        raise ValidationError(
            f"state.reason: has {len(reason)} characters; shorten it to {LONGEST_REASON}"
        )
    moved = await move_lever(
        bridge,
        status,
        reason,
        moved_by=access.principal.name,
        unless=LeverStatus.ENGAGING,
    )
    if not moved.changed:
        now = moved.before.status
        if now is LeverStatus.ENGAGING:
            mend = "wait until get-safety-lever shows it engaged"
        else:
            mend = "its reason cannot be changed without its status"
        raise ConflictError(f"The safety lever is {now.value} already; {mend}")
    return {"safetyLever": render_lever(bridge.scope, moved.after)}


def _require_default(bridge: Bridge, lever_id: str) -> None:
    if lever_id != LEVER_ID:
        only = names.arn(bridge.scope, names.LEVER, LEVER_ID)
        raise NotFoundError(
            f"Safety lever {quote(lever_id)} does not exist; there is {quote(LEVER_ID)} only "
            f"({only})"
        )
