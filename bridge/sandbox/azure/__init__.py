"""An Azure subscription on loopback with the real rules, and a small estate in it to break."""

from __future__ import annotations

from bridge.sandbox.azure.estate import Estate, build
from bridge.sandbox.azure.server import AzureEmulator
from bridge.sandbox.calls import Call
from bridge.sandbox.clock import VirtualClock

__all__ = ["AzureEmulator", "Call", "Estate", "VirtualClock", "build"]
