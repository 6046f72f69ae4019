"""Our own API: `/v1`, and whether the bridge is alive and ready.

What it says is more than any cloud's dialect has words for: records, mends, the journal itself.
"""

from __future__ import annotations

from bridge.api.native.router import router

__all__ = ["router"]
