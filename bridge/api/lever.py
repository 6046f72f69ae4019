"""Moving the safety lever, for every face that it has."""

from __future__ import annotations

from typing import Final

from bridge.api.bridge import Bridge
from bridge.model.lever import LeverStatus
from bridge.store import Moved

LONGEST_REASON: Final = 512
"""Characters of the reason: it becomes the reason of every run that is stopped."""


async def move_lever(
    bridge: Bridge,
    status: LeverStatus,
    reason: str,
    *,
    moved_by: str,
    unless: LeverStatus | None = None,
) -> Moved:
    """Engage or disengage the lever, and have the runs that are told to stop looked at now.

    Nothing is done where it stands so already, or at ``unless``.
    """
    moved = await bridge.store.move_lever(status, reason, unless=unless, moved_by=moved_by)
    for experiment_id in moved.asked:
        bridge.dispatcher.wake(experiment_id)
    return moved
