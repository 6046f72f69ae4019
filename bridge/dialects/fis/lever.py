"""The safety lever as FIS shows it."""

from __future__ import annotations

from typing import Any, Final

from bridge.dialects.fis import names
from bridge.model.lever import Lever
from bridge.model.scope import Scope

LEVER_ID: Final = "default"
"""The id of the only one that an account has in a Region."""


def render_lever(scope: Scope, lever: Lever) -> dict[str, Any]:
    """Return the service model's ``SafetyLever``."""
    return {
        "id": LEVER_ID,
        "arn": names.arn(scope, names.LEVER, LEVER_ID),
        "state": {"status": lever.status.value, "reason": lever.reason},
    }
