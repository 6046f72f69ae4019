"""A Google Cloud project on loopback: Compute Engine with its rules, and an estate to break."""

from __future__ import annotations

from bridge.sandbox.calls import Call
from bridge.sandbox.clock import VirtualClock
from bridge.sandbox.gcp.estate import Estate, build
from bridge.sandbox.gcp.server import GcpEmulator

__all__ = ["Call", "Estate", "GcpEmulator", "VirtualClock", "build"]
