"""AWS FIS's API at the root of the endpoint, as its clients expect it."""

from __future__ import annotations

from bridge.api.fis.router import router
from bridge.api.fis.templates import examine

__all__ = ["examine", "router"]
