"""Our own API: `/v1`, and whether the bridge is alive and ready.

What it says is more than any cloud's dialect has words for: records, mends, the journal itself.
Documents are judged and actions described in modules that need no server, for the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import APIRouter

    from bridge.api.bridge import Bridge


def router(bridge: Bridge) -> APIRouter:
    """Return the routes, bound to a bridge."""
    from bridge.api.native.routing import routes  # noqa: PLC0415 - loads the server, see above

    return routes(bridge)
